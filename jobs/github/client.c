/* SPDX-License-Identifier: MIT */
/*
 * One call is a loop: ready (who sends, and when), exchange, judge. Each
 * turn either ends the call or changes something that makes the next turn
 * different: another token, a later time, another URL. The counters in
 * struct attempt bound it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "config.h"
#include "github/app.h"
#include "github/client.h"
#include "github/client_state.h"
#include "github/verdict.h"
#include "json.h"
#include "secret.h"
#include "steplog.h"

#define REDIRECTS_MAX 5
#define LIMIT_WAITS   4	 /* turns that may end in "this token rests" */
#define HOLD_MAX      60 /* seconds a worker waits before it gives back */
#define REST_TIMEOUT  15000
#define GRAPH_TIMEOUT 30000
#define REPLY_MAX     (16u * 1024 * 1024)

/* Everything that one call's loop changes. */
struct attempt {
	const struct github_call *call;
	char url[HTTP_HEADER_MAX];
	int may_send_token; /* 0 after a redirect to another origin */
	unsigned tries, redirects, limit_waits, refusals;
	struct sender sender;
	char etag[ETAG_MAX];
	struct buf cached_link, cached_body;
};

static int
is_mutation(const struct github_call *call)
{
	return strcmp(call->method, "GET") != 0 && !call->reads;
}

static void
wait_ns(int64_t ns)
{
	struct timespec left = { .tv_sec = ns / CLOCK_SECOND,
		.tv_nsec = ns % CLOCK_SECOND };

	while (ns > 0 && nanosleep(&left, &left) == -1)
		;
}

/* Waits for a moment that is near, or gives the job back until then. */
static int
wait_until(struct github *gh, int64_t epoch, const char *why, struct err *err)
{
	int64_t now = clock_wall();
	int64_t ns = epoch * CLOCK_SECOND - now;

	if (ns > HOLD_MAX * CLOCK_SECOND) {
		gh->retry_at = epoch;
		return err_set(err, ERR_TEMP, 0, "%s for %" PRId64 " s", why,
		    ns / CLOCK_SECOND);
	}
	wait_ns(ns);
	return 0;
}

/* ---- ready ---- */

static int
take_turn(struct github *gh, const struct attempt *a, struct err *err)
{
	int64_t ns = 0;

	if (!is_mutation(a->call) || a->sender.name[0] == '\0')
		return 0;
	if (limits_take_write(credentials_limits(gh->credentials),
		a->sender.name, HOLD_MAX * CLOCK_SECOND, &ns, err) == -1) {
		gh->retry_at = (clock_wall() + ns) / CLOCK_SECOND + 1;
		return -1;
	}
	wait_ns(ns);
	return 0;
}

/* Picks the sender; where all rest for a little while, waits for them. */
static int
get_ready(struct github *gh, struct attempt *a, struct err *err)
{
	int64_t ready_at = 0;

	while (sender_pick(gh, a->call->as, a->call->graphql, &a->sender,
		   &ready_at, err) == -1) {
		if (ready_at == 0)
			return -1;
		if (++a->limit_waits > LIMIT_WAITS) {
			gh->retry_at = ready_at;
			return -1;
		}
		if (wait_until(
			gh, ready_at, "GitHub's limit is reached", err) == -1)
			return -1;
		ready_at = 0;
	}
	return take_turn(gh, a, err);
}

/* ---- exchange ---- */

static void
note_call(struct github *gh, const struct attempt *a,
    const struct http_reply *reply, int64_t took, const struct err *failure)
{
	struct buf members;

	gh->totals.calls++;
	if (reply->remaining >= 0) {
		if (gh->totals.first_remaining < 0)
			gh->totals.first_remaining = reply->remaining;
		if (gh->totals.lowest_remaining < 0 ||
		    reply->remaining < gh->totals.lowest_remaining)
			gh->totals.lowest_remaining = reply->remaining;
	}
	if (gh->log == NULL)
		return;
	buf_init(&members, 8192);
	json_put_member(&members, "method", a->call->method);
	json_put_member(&members, "path", a->call->path);
	json_put_int(&members, "status", failure != NULL ? 0 : reply->status);
	json_put_int(&members, "duration_ms", took / CLOCK_MSEC);
	json_put_int(&members, "remaining", reply->remaining);
	json_put_member(&members, "identity", a->sender.label);
	if (reply->request_id[0] != '\0')
		json_put_member(
		    &members, "github_request_id", reply->request_id);
	if (failure != NULL)
		json_put_member(&members, "error", failure->text);
	steplog_line(gh->log, failure != NULL ? "warning" : "info", "api_call",
	    "", members.data);
	buf_release(&members);
}

static int
exchange(struct github *gh, struct attempt *a, struct http_reply *reply,
    enum http_sent *sent, struct err *err)
{
	char request_id[80], if_none_match[ETAG_MAX + 32];
	const char *headers[6] = { "Accept: application/vnd.github+json",
		"X-GitHub-Api-Version: 2022-11-28", request_id };
	size_t n = 3;
	struct http_request request = {
		.method = a->call->method,
		.url = a->url,
		.headers = headers,
		.bearer = a->may_send_token ? a->sender.token : NULL,
		.body = a->call->body,
		.body_len = a->call->body != NULL ? strlen(a->call->body) : 0,
		.timeout_ms = a->call->graphql ? GRAPH_TIMEOUT : REST_TIMEOUT,
		.max_body = REPLY_MAX,
	};
	int64_t start = clock_mono();
	int rc;

	snprintf(
	    request_id, sizeof request_id, "X-Request-ID: %s", gh->request_id);
	if (a->call->body != NULL)
		headers[n++] = "Content-Type: application/json";
	if (a->etag[0] != '\0') {
		snprintf(if_none_match, sizeof if_none_match,
		    "If-None-Match: %s", a->etag);
		headers[n++] = if_none_match;
	}
	rc = http_send(gh->http, &request, reply, sent, err);
	note_call(gh, a, reply, clock_mono() - start, rc == -1 ? err : NULL);
	if (rc == 0)
		sender_note(gh, &a->sender, a->call->graphql, reply);
	return rc;
}

/* ---- judge ---- */

enum next { NEXT_DONE, NEXT_TURN, NEXT_FAIL };

/* A try that may or may not have been carried out, and what to do now. */
static enum next
after_trouble(struct github *gh, struct attempt *a, enum http_sent sent,
    struct http_reply *reply, struct err *err)
{
	struct err asked;
	int happened = 0;

	if (++a->tries >= VERDICT_TRIES)
		return NEXT_FAIL;
	wait_ns(verdict_backoff(a->tries) * CLOCK_SECOND);
	if (!is_mutation(a->call) || sent == HTTP_NOT_SENT)
		return NEXT_TURN;
	happened = a->call->happened != NULL
		       ? a->call->happened(gh, a->call->arg, &asked)
		       : -1;
	if (happened == 1) {
		/* Done after all: what the caller would have been told. */
		reply->status = 200;
		buf_reset(&reply->body);
		return NEXT_DONE;
	}
	if (happened == 0)
		return NEXT_TURN;
	err_prefix(err, "may have been done, not repeated");
	return NEXT_FAIL;
}

static enum next
after_limit(struct github *gh, struct attempt *a,
    const struct http_reply *reply, struct err *err)
{
	/* Rounded up: a second too early is a call too many. */
	int64_t now = clock_wall() / CLOCK_SECOND + 1;
	int64_t until = verdict_until(reply, now);

	sender_rest(gh, &a->sender, until, 0);
	if (++a->limit_waits > LIMIT_WAITS) {
		gh->retry_at = until;
		err_set(err, ERR_TEMP, 0, "GitHub's limit is reached");
		return NEXT_FAIL;
	}
	/* The App has one identity, so there is nobody to fail over to. */
	if (a->call->as != GITHUB_AS_TOKEN &&
	    wait_until(gh, until, "GitHub's limit is reached", err) == -1)
		return NEXT_FAIL;
	return NEXT_TURN;
}

/* The next identity's turn; where there is none, GitHub's "no" stands. */
static enum next
after_refusal(struct github *gh, struct attempt *a)
{
	int64_t until = clock_wall() / CLOCK_SECOND + CREDENTIAL_REFUSED_FOR;

	if (!a->may_send_token || ++a->refusals > CREDENTIALS_MAX ||
	    !sender_replace(gh, &a->sender, until))
		return NEXT_DONE;
	return NEXT_TURN;
}

static enum next
after_redirect(
    struct attempt *a, const struct http_reply *reply, struct err *err)
{
	if (++a->redirects > REDIRECTS_MAX) {
		err_set(err, ERR_PERM, 0, "%.80s: more than %d redirects",
		    a->call->path, REDIRECTS_MAX);
		return NEXT_FAIL;
	}
	if (!http_same_origin(a->url, reply->location))
		a->may_send_token = 0;
	snprintf(a->url, sizeof a->url, "%s", reply->location);
	a->etag[0] = '\0';
	return NEXT_TURN;
}

static enum next
after_cached(struct attempt *a, struct http_reply *reply)
{
	reply->status = 200;
	snprintf(reply->link, sizeof reply->link, "%s", a->cached_link.data);
	buf_reset(&reply->body);
	buf_add(&reply->body, a->cached_body.data, a->cached_body.len);
	return NEXT_DONE;
}

static enum next
judge(struct github *gh, struct attempt *a, struct http_reply *reply,
    struct err *err)
{
	switch (
	    a->call->graphql ? verdict_of_graphql(reply) : verdict_of(reply)) {
	case VERDICT_FINAL:
		break;
	case VERDICT_AGAIN:
		err_set(err, ERR_TEMP, 0, "%s %.80s: GitHub answered %d",
		    a->call->method, a->call->path, reply->status);
		return after_trouble(gh, a, HTTP_MAYBE_SENT, reply, err);
	case VERDICT_LIMITED:
		return after_limit(gh, a, reply, err);
	case VERDICT_REFUSED:
		return after_refusal(gh, a);
	case VERDICT_REDIRECT:
		return after_redirect(a, reply, err);
	case VERDICT_CACHED:
		return after_cached(a, reply);
	}
	return NEXT_DONE;
}

/* ---- the call ---- */

static int
start_attempt(struct github *gh, struct attempt *a,
    const struct github_call *call, struct err *err)
{
	const char *base = call->graphql ? gh->graphql_url : gh->api_url;
	int len;

	*a = (struct attempt){ .call = call, .may_send_token = 1 };
	buf_init(&a->cached_link, HTTP_HEADER_MAX);
	buf_init(&a->cached_body, ETAG_BODY_MAX);
	if (call->path[0] == '/')
		len = snprintf(a->url, sizeof a->url, "%s%s", base, call->path);
	else
		len = snprintf(a->url, sizeof a->url, "%s",
		    call->graphql ? base : call->path);
	if (len < 0 || (size_t)len >= sizeof a->url)
		return err_set(
		    err, ERR_BAD, 0, "%.80s: URL too long", call->path);
	/* A URL from a reply is a stranger's word. */
	if (call->path[0] != '/' && !call->graphql &&
	    !http_same_origin(a->url, base))
		a->may_send_token = 0;
	if (strcmp(call->method, "GET") == 0)
		etag_find(gh->etags, gh->repository, a->url, a->etag,
		    &a->cached_link, &a->cached_body);
	return 0;
}

static int
run_attempt(struct github *gh, struct attempt *a, struct http_reply *reply,
    struct err *err)
{
	for (;;) {
		enum http_sent sent;
		enum next next;

		if (get_ready(gh, a, err) == -1)
			return -1;
		if (exchange(gh, a, reply, &sent, err) == -1) {
			if (err->class == ERR_CONF)
				return -1;
			next = after_trouble(gh, a, sent, reply, err);
		} else {
			next = judge(gh, a, reply, err);
		}
		if (next != NEXT_TURN)
			return next == NEXT_DONE ? 0 : -1;
	}
}

int
github_call(struct github *gh, const struct github_call *call,
    struct http_reply *reply, struct err *err)
{
	struct attempt a;
	int rc = start_attempt(gh, &a, call, err);

	if (rc == 0)
		rc = run_attempt(gh, &a, reply, err);
	if (rc == 0 && reply->status == 200 && reply->etag[0] != '\0' &&
	    strcmp(call->method, "GET") == 0 &&
	    strcmp(reply->etag, a.etag) != 0)
		etag_keep(gh->etags, gh->repository, a.url, reply->etag,
		    reply->link, &reply->body);
	buf_release(&a.cached_link);
	buf_release(&a.cached_body);
	return rc;
}
