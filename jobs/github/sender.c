/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "github/app.h"
#include "github/client_state.h"
#include "json.h"
#include "secret.h"

static const char *
data_directory(const struct github *gh)
{
	return config_str(gh->config, NULL, "data-directory");
}

static int
make_jwt(struct github *gh, struct err *err)
{
	int64_t app_id;
	const struct secret *key =
	    credentials_app_key(gh->credentials, &app_id);
	struct secret *jwt;

	if (key == NULL)
		return err_set(err, ERR_CONF, 0, "no GitHub App configured");
	if (app_jwt(&jwt, app_id, key, clock_wall() / CLOCK_SECOND, err) == -1)
		return -1;
	secret_free(gh->jwt);
	gh->jwt = jwt;
	return 0;
}

/* The id of the App's installation in the repository. */
static int
find_installation(struct github *gh, int64_t *id, struct err *err)
{
	char path[320];
	struct github_call call = {
		.method = "GET", .path = path, .as = GITHUB_AS_APP
	};
	struct json_pick pick = { .path = "id" };
	struct http_reply reply;
	int rc = -1;

	snprintf(path, sizeof path, "/repos/%s/installation", gh->repository);
	http_reply_init(&reply);
	if (github_call(gh, &call, &reply, err) == 0 &&
	    github_expect(&reply, "the App's installation", err) == 0 &&
	    json_scan(reply.body.data, reply.body.len, &pick, 1, err) == 0) {
		rc = json_pick_int(id, &pick);
		if (rc == -1)
			err_set(
			    err, ERR_PERM, 0, "GitHub told no installation id");
	}
	http_reply_release(&reply);
	return rc;
}

/* {"token":...,"expires_at":...} */
static int
read_installation(struct github *gh, const struct http_reply *reply,
    int64_t app_id, struct err *err)
{
	struct json_pick picks[] = { { .path = "token" },
		{ .path = "expires_at" } };
	struct buf token, expires;
	struct secret *secret = NULL;
	struct err ignored;
	int64_t end;
	int rc = -1;

	buf_init(&token, 1024);
	buf_init(&expires, 64);
	if (json_scan(reply->body.data, reply->body.len, picks, 2, err) == -1)
		goto out;
	json_pick_string(&picks[0], &token);
	json_pick_string(&picks[1], &expires);
	if (token.len == 0 || clock_parse(&end, expires.data) == -1) {
		err_set(err, ERR_PERM, 0, "GitHub told no installation token");
		goto out;
	}
	if (secret_new(&secret, token.data, token.len, err) == -1)
		goto out;
	gh->installation = secret;
	rc = 0;
	/* Not being able to keep it costs calls later, not this job. */
	if (app_token_keep(data_directory(gh), app_id, gh->repository, secret,
		end / CLOCK_SECOND, &ignored) == -1)
		goto out;
out:
	explicit_bzero(token.data, token.len);
	buf_release(&token);
	buf_release(&expires);
	return rc;
}

static int
ask_installation(struct github *gh, int64_t app_id, struct err *err)
{
	char path[96];
	struct github_call call = { .method = "POST",
		.path = path,
		.body = "{}",
		.as = GITHUB_AS_APP,
		.reads = 1 /* asking twice makes two tokens, no harm */ };
	struct http_reply reply;
	int64_t id;
	int rc = -1;

	if (find_installation(gh, &id, err) == -1)
		return -1;
	snprintf(path, sizeof path, "/app/installations/%lld/access_tokens",
	    (long long)id);
	http_reply_init(&reply);
	if (github_call(gh, &call, &reply, err) == 0 &&
	    github_expect(&reply, "an installation token", err) == 0)
		rc = read_installation(gh, &reply, app_id, err);
	explicit_bzero(reply.body.data, reply.body.len);
	http_reply_release(&reply);
	return rc;
}

static int
get_installation(struct github *gh, struct err *err)
{
	int64_t app_id, now = clock_wall() / CLOCK_SECOND;

	if (gh->installation != NULL)
		return 0;
	if (credentials_app_key(gh->credentials, &app_id) == NULL)
		return err_set(err, ERR_CONF, 0, "no GitHub App configured");
	if (app_token_find(&gh->installation, data_directory(gh), app_id,
		gh->repository, now))
		return 0;
	return ask_installation(gh, app_id, err);
}

static int
pick_token(struct github *gh, int graphql, struct sender *out,
    int64_t *ready_at, struct err *err)
{
	struct credential credential;

	if (credentials_pick(gh->credentials,
		graphql ? LIMITS_GRAPHQL : LIMITS_CORE, &credential, ready_at,
		err) == -1)
		return -1;
	out->token = credential.token;
	memcpy(out->name, credential.name, sizeof out->name);
	snprintf(out->label, sizeof out->label, "token %.8s", out->name);
	return 0;
}

int
sender_pick(struct github *gh, enum github_identity as, int graphql,
    struct sender *out, int64_t *ready_at, struct err *err)
{
	struct sender sender = { .as = as };

	switch (as) {
	case GITHUB_AS_TOKEN:
		if (pick_token(gh, graphql, &sender, ready_at, err) == -1)
			return -1;
		break;
	case GITHUB_AS_INSTALLATION:
		if (get_installation(gh, err) == -1 ||
		    limits_name(sender.name, gh->installation, err) == -1)
			return -1;
		sender.token = gh->installation;
		snprintf(sender.label, sizeof sender.label, "installation");
		break;
	case GITHUB_AS_APP:
		if (make_jwt(gh, err) == -1)
			return -1;
		sender.token = gh->jwt;
		snprintf(sender.label, sizeof sender.label, "app");
		break;
	}
	*out = sender;
	return 0;
}

void
sender_note(struct github *gh, const struct sender *sender, int graphql,
    const struct http_reply *reply)
{
	struct limits_window window = { .limit = reply->limit,
		.remaining = reply->remaining,
		.reset = reply->reset };
	struct err ignored;

	if (sender->name[0] == '\0' || reply->remaining < 0)
		return;
	/* What cannot be remembered is found out again by the next call. */
	if (limits_note(credentials_limits(gh->credentials), sender->name,
		graphql ? LIMITS_GRAPHQL : LIMITS_CORE, &window,
		&ignored) == -1)
		return;
}

void
sender_rest(
    struct github *gh, const struct sender *sender, int64_t until, int refused)
{
	struct err ignored;

	if (sender->name[0] != '\0' &&
	    limits_block(credentials_limits(gh->credentials), sender->name,
		until, refused, &ignored) == -1)
		return;
}

/* An installation token may have ended early: one new one is worth a try. */
static int
renew_installation(struct github *gh)
{
	int64_t app_id;

	if (gh->renewed)
		return 0;
	gh->renewed = 1;
	credentials_app_key(gh->credentials, &app_id);
	app_token_drop(data_directory(gh), app_id, gh->repository);
	secret_free(gh->installation);
	gh->installation = NULL;
	return 1;
}

int
sender_replace(struct github *gh, const struct sender *sender, int64_t until)
{
	struct credential other;
	struct err ignored;
	int64_t ready_at;

	if (sender->as == GITHUB_AS_INSTALLATION)
		return renew_installation(gh);
	if (sender->as != GITHUB_AS_TOKEN)
		return 0;
	sender_rest(gh, sender, until, 1);
	return credentials_pick(gh->credentials, LIMITS_CORE, &other, &ready_at,
		   &ignored) == 0;
}
