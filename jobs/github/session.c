/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "github/client_state.h"
#include "json.h"
#include "log.h"
#include "secret.h"

#define USER_AGENT "hookspool/" HOOKSPOOL_VERSION

/* An Enterprise Server's REST is at HOST/api/v3, GraphQL at HOST/api/graphql
 * (docs.github.com, "Forming calls with GraphQL"). */
static void
set_graphql_url(struct github *gh, const char *configured)
{
	size_t len = strlen(gh->api_url), tail = strlen("/v3");

	if (configured != NULL) {
		snprintf(
		    gh->graphql_url, sizeof gh->graphql_url, "%s", configured);
		return;
	}
	if (len > tail && strcmp(gh->api_url + len - tail, "/v3") == 0)
		len -= tail;
	snprintf(gh->graphql_url, sizeof gh->graphql_url, "%.*s/graphql",
	    (int)len, gh->api_url);
}

int
github_open(struct github **out, const struct config *config,
    const char *repository, const char *request_id, struct steplog *log,
    struct err *err)
{
	struct github *gh = calloc(1, sizeof *gh);
	const char *data = config_str(config, NULL, "data-directory");
	const char *ca_file = config_str(config, NULL, "ca-file");

	if (gh == NULL)
		return err_set(err, ERR_TEMP, 0, "github: out of memory");
	gh->config = config;
	gh->log = log;
	gh->api_url = config_str(config, repository, "github-api-url");
	set_graphql_url(
	    gh, config_str(config, repository, "github-graphql-url"));
	gh->totals.first_remaining = gh->totals.lowest_remaining = -1;
	snprintf(gh->repository, sizeof gh->repository, "%s", repository);
	snprintf(gh->request_id, sizeof gh->request_id, "%s", request_id);
	if (http_new(&gh->http, ca_file, USER_AGENT, err) == -1 ||
	    credentials_new(&gh->credentials, config, repository, err) == -1 ||
	    etag_open(&gh->etags, data, err) == -1) {
		github_close(gh);
		return -1;
	}
	*out = gh;
	return 0;
}

void
github_close(struct github *gh)
{
	if (gh == NULL)
		return;
	http_free(gh->http);
	credentials_free(gh->credentials);
	etag_close(gh->etags);
	secret_free(gh->installation);
	secret_free(gh->jwt);
	free(gh);
}

int
github_have_app(const struct github *gh)
{
	return credentials_have_app(gh->credentials);
}

int
github_find_installation(struct github *gh, struct err *err)
{
	struct sender sender;
	int64_t ready_at = 0;

	return sender_pick(
	    gh, GITHUB_AS_INSTALLATION, 0, &sender, &ready_at, err);
}

int
github_usable(const struct github *gh)
{
	return credentials_any(gh->credentials);
}

enum github_identity
github_identity(const struct github *gh)
{
	return credentials_have_tokens(gh->credentials)
		   ? GITHUB_AS_TOKEN
		   : GITHUB_AS_INSTALLATION;
}

int
github_git_token(
    struct github *gh, const struct secret **token, struct err *err)
{
	struct sender sender;
	int64_t ready_at = 0;

	if (!github_usable(gh)) {
		*token = NULL;
		return 0;
	}
	if (sender_pick(gh, github_identity(gh), 0, &sender, &ready_at, err) ==
	    -1)
		return -1;
	*token = sender.token;
	return 0;
}

const struct github_totals *
github_totals(const struct github *gh)
{
	return &gh->totals;
}

int64_t
github_retry_at(const struct github *gh)
{
	return gh->retry_at;
}

/* ---- replies ---- */

/* <URL>; rel="next", <URL>; rel="last" */
int
github_next_page(const struct http_reply *reply, char *url, size_t size)
{
	const char *p = reply->link;

	while ((p = strchr(p, '<')) != NULL) {
		const char *end = strchr(p, '>'), *comma;
		size_t len;

		if (end == NULL)
			return -1;
		comma = strchr(end, '<');
		len = (size_t)(end - p - 1);
		const char *rel = strstr(end, "rel=\"next\"");
		if (rel != NULL && (comma == NULL || rel < comma)) {
			if (len >= size)
				return -1;
			memcpy(url, p + 1, len);
			url[len] = '\0';
			return 0;
		}
		p = end;
	}
	return -1;
}

int
github_expect(const struct http_reply *reply, const char *what, struct err *err)
{
	struct json_pick pick = { .path = "message" };
	struct buf words;
	struct err unread;

	if (reply->status >= 200 && reply->status < 300)
		return 0;
	buf_init(&words, 2000);
	if (json_scan(reply->body.data, reply->body.len, &pick, 1, &unread) ==
	    0)
		json_pick_string(&pick, &words);
	/* Before it is cut: half a secret is not known for one. */
	if (words.len > 0 && buf_room(&words, 500) != NULL)
		words.len = redact(words.data, words.len, words.cap - 1);
	err_set(err, ERR_PERM, 0, "%s: GitHub answered %d%s%.120s", what,
	    reply->status, words.len > 0 ? ": " : "", words.data);
	buf_release(&words);
	return -1;
}

/* The type of the first GraphQL error decides: a limit passes, else not. */
static int
judge_errors(const char *body, size_t len, struct err *err)
{
	struct json *doc;
	const struct json *first;
	const char *type, *message;
	int rc = 0;

	if (json_parse(&doc, body, len, err) == -1) {
		err->class = ERR_TEMP; /* half a reply is no answer */
		return -1;
	}
	first = json_path(doc, "errors.0");
	if (first != NULL) {
		type = json_str(json_get(first, "type"), "");
		message = json_str(json_get(first, "message"), "no message");
		rc = err_set(err,
		    strcmp(type, "RATE_LIMITED") == 0 ? ERR_TEMP : ERR_PERM, 0,
		    "GraphQL: %.40s%s%.120s", type, type[0] != '\0' ? ": " : "",
		    message);
	}
	json_free(doc);
	return rc;
}

int
github_graphql(struct github *gh, const char *query, const char *variables,
    int reads, struct http_reply *reply, struct err *err)
{
	struct github_call call = { .method = "POST",
		.path = "graphql",
		.as = github_identity(gh),
		.graphql = 1,
		.reads = reads };
	struct buf body;
	int rc = -1;

	buf_init(&body, 256 * 1024);
	buf_addc(&body, '{');
	json_put_member(&body, "query", query);
	json_put_key(&body, "variables");
	buf_adds(&body, variables != NULL ? variables : "{}");
	buf_addc(&body, '}');
	call.body = body.data;
	if (buf_check(&body, "GraphQL query", err) == 0 &&
	    github_call(gh, &call, reply, err) == 0 &&
	    github_expect(reply, "GraphQL", err) == 0)
		rc = judge_errors(reply->body.data, reply->body.len, err);
	buf_release(&body);
	return rc;
}
