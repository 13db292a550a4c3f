/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agent/message.h"
#include "agent/pull.h"
#include "agent/work.h"
#include "github/client.h"
#include "github/names.h"
#include "json.h"
#include "steplog.h"
#include "worker/job.h"

#define BODY_MAX 65000 /* bytes; GitHub takes 65,536 characters */

struct found {
	struct work *w;
	int64_t number; /* 0: none */
	char url[300];
};

static void
take_pull(struct found *found, const struct json *pull)
{
	found->number = json_int(json_get(pull, "number"), 0);
	snprintf(found->url, sizeof found->url, "%s",
	    json_str(json_get(pull, "html_url"), ""));
}

/* GitHub ignores a `head` it does not understand and lists everything. */
static int
is_of_branch(const struct work *w, const struct json *pull)
{
	return strcmp(json_str(json_path(pull, "head.ref"), ""), w->branch) ==
		   0 &&
	       strcmp(json_str(json_path(pull, "base.ref"), ""), w->target) ==
		   0 &&
	       strcasecmp(json_str(json_path(pull, "head.repo.full_name"), ""),
		   w->job->head.repository) == 0;
}

static int
find(struct github *gh, void *arg, struct err *err)
{
	struct found *found = arg;
	const char *repository = found->w->job->head.repository;
	struct github_call call = { .method = "GET",
		.as = github_identity(gh) };
	struct http_reply reply;
	struct json *doc = NULL;
	struct buf path;
	int rc = -1;

	buf_init(&path, HTTP_HEADER_MAX);
	buf_addf(&path, "/repos/%s/pulls?state=open&per_page=100&head=%.*s%%3A",
	    repository, (int)strcspn(repository, "/"), repository);
	github_add_escaped(&path, found->w->branch);
	call.path = path.data;
	http_reply_init(&reply);
	if (buf_check(&path, "path", err) == 0 &&
	    github_call(gh, &call, &reply, err) == 0 &&
	    github_expect(&reply, "pull requests", err) == 0 &&
	    json_parse(&doc, reply.body.data, reply.body.len, err) == 0) {
		JSON_EACH (pull, doc) {
			if (found->number == 0 && is_of_branch(found->w, pull))
				take_pull(found, pull);
		}
		rc = found->number != 0;
	}
	json_free(doc);
	http_reply_release(&reply);
	buf_release(&path);
	return rc;
}

static int
write_body(struct buf *out, struct work *w, const char *text, int draft,
    struct err *err)
{
	size_t title = strcspn(w->message.data, "\n");

	buf_addc(out, '{');
	if (draft != -1) {
		json_put_key(out, "title");
		json_put_string_len(out, w->message.data, title);
		json_put_member(out, "head", w->branch);
		json_put_member(out, "base", w->target);
		json_put_bool(out, "draft", draft);
	}
	json_put_member(out, "body", text);
	buf_addc(out, '}');
	return buf_check(out, "pull request", err);
}

/* A call whose reply is a pull request. `draft` -1: it changes one. */
static int
send(struct found *found, const char *text, int draft, struct http_reply *reply,
    struct err *err)
{
	struct work *w = found->w;
	char path[400];
	struct buf body;
	struct github_call call = { .method = draft == -1 ? "PATCH" : "POST",
		.path = path,
		.as = github_identity(w->checkout.gh),
		.happened = draft == -1 ? NULL : find,
		.arg = found };
	int len, rc = -1;

	len = snprintf(
	    path, sizeof path, "/repos/%s/pulls", w->job->head.repository);
	if (draft == -1)
		snprintf(path + len, sizeof path - (size_t)len, "/%lld",
		    (long long)found->number);
	buf_init(&body, 1 << 20);
	if (write_body(&body, w, text, draft, err) == 0) {
		call.body = body.data;
		rc = github_call(w->checkout.gh, &call, reply, err);
	}
	buf_release(&body);
	return rc;
}

/* Plans without draft pull requests answer 422 and name the word. */
static int
refuses_drafts(const struct http_reply *reply)
{
	return reply->status == 422 &&
	       strstr(reply->body.data, "raft pull requests") != NULL;
}

static int
read_made(struct found *found, const struct http_reply *reply, struct err *err)
{
	struct json *doc;

	if (github_expect(reply, "pull request", err) == -1)
		return -1;
	if (found->number != 0) /* `find` has seen it */
		return 0;
	if (json_parse(&doc, reply->body.data, reply->body.len, err) == -1)
		return -1;
	take_pull(found, doc);
	json_free(doc);
	return found->number != 0
		   ? 0
		   : err_set(err, ERR_TEMP, 0, "GitHub told no number");
}

static int
make_or_change(
    struct found *found, struct step *step, const char *text, struct err *err)
{
	struct http_reply reply;
	int there = find(found->w->checkout.gh, found, err), rc;

	if (there == -1)
		return -1;
	http_reply_init(&reply);
	rc = send(found, text, there ? -1 : 1, &reply, err);
	if (rc == 0 && !there && refuses_drafts(&reply)) {
		step_data_bool(step, "draft", 0);
		rc = send(found, text, 0, &reply, err);
	}
	if (rc == 0)
		rc = read_made(found, &reply, err);
	if (rc == 0)
		step_data(step, "done", there ? "updated" : "created");
	http_reply_release(&reply);
	return rc;
}

/* Adding a label that is there changes nothing. That it failed is noted: the
 * pull request is what matters. */
static void
copy_label(const struct found *found)
{
	struct work *w = found->w;
	char path[400];
	struct buf body;
	struct github_call call = { .method = "POST",
		.path = path,
		.as = github_identity(w->checkout.gh) };
	struct http_reply reply;
	struct err err;

	snprintf(path, sizeof path, "/repos/%s/issues/%lld/labels",
	    w->job->head.repository, (long long)found->number);
	buf_init(&body, 4096);
	buf_adds(&body, "{\"labels\":[");
	json_put_string(&body, w->options.label);
	buf_adds(&body, "]}");
	call.body = body.data;
	http_reply_init(&reply);
	if (github_call(w->checkout.gh, &call, &reply, &err) == -1 ||
	    github_expect(&reply, "label", &err) == -1)
		steplog_note(&w->job->log, "%s", err.text);
	http_reply_release(&reply);
	buf_release(&body);
}

int
pull_put(struct work *w, struct step *step, struct err *err)
{
	struct found found = { .w = w };
	struct buf text;
	int rc;

	buf_init(&text, BODY_MAX);
	rc = message_pull(&text, w, err);
	if (rc == 0)
		rc = make_or_change(&found, step, text.data, err);
	buf_release(&text);
	if (rc == -1)
		return -1;
	w->pull = found.number;
	step_data_int(step, "number", found.number);
	step_data(step, "url", found.url);
	copy_label(&found);
	return 0;
}
