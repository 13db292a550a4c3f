/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "agent/comment.h"
#include "agent/work.h"
#include "github/client.h"
#include "json.h"
#include "steplog.h"
#include "worker/job.h"

#define MARK	  "<!-- hookspool:job="
#define PAGES_MAX 10	/* of 100 comments */
#define BODY_MAX  65000 /* characters; GitHub takes 65,536 */

void
comment_mark(struct buf *out, const struct work *w)
{
	buf_addf(out, MARK "%s -->\n", w->job->head.id);
}

/* visit() for each comment of the issue until it answers non-zero. */
static int
each_comment(struct work *w,
    int (*visit)(void *arg, const struct json *comment), void *arg,
    struct err *err)
{
	char path[HTTP_HEADER_MAX];
	struct http_reply reply;
	struct json *doc = NULL;
	int rc = 0;

	snprintf(path, sizeof path,
	    "/repos/%s/issues/%lld/comments?per_page=100",
	    w->job->head.repository, (long long)w->job->head.number);
	http_reply_init(&reply);
	for (int page = 0; rc == 0 && page < PAGES_MAX; page++) {
		struct github_call call = { .method = "GET",
			.path = path,
			.as = github_identity(w->checkout.gh) };

		if (github_call(w->checkout.gh, &call, &reply, err) == -1 ||
		    github_expect(&reply, "the issue's comments", err) == -1 ||
		    json_parse(&doc, reply.body.data, reply.body.len, err) ==
			-1) {
			rc = -1;
			break;
		}
		JSON_EACH (comment, doc) {
			if (rc == 0)
				rc = visit(arg, comment);
		}
		json_free(doc);
		if (github_next_page(&reply, path, sizeof path) == -1)
			break;
	}
	http_reply_release(&reply);
	return rc;
}

/* ---- reading them ---- */

static int
add_comment(void *arg, const struct json *comment)
{
	struct buf *out = arg;
	const char *body = json_str(json_get(comment, "body"), "");

	if (strstr(body, MARK) != NULL)
		return 0;
	if (out->len > 1)
		buf_addc(out, ',');
	buf_addc(out, '{');
	json_put_member(
	    out, "author", json_str(json_path(comment, "user.login"), ""));
	json_put_member(
	    out, "created_at", json_str(json_get(comment, "created_at"), ""));
	json_put_member(out, "body", body);
	buf_addc(out, '}');
	return 0;
}

int
comments_read(struct buf *out, struct work *w, struct err *err)
{
	buf_addc(out, '[');
	if (each_comment(w, add_comment, out, err) == -1)
		return -1;
	buf_addc(out, ']');
	return 0;
}

/* ---- writing ours ---- */

struct search {
	struct work *w;
	struct buf mark;
	const char *body;
	int64_t id;  /* of the one that was found, 0: none */
	int is_same; /* it says what ours is to say */
	int is_new;  /* we are writing one where there was none */
};

static int
is_ours(void *arg, const struct json *comment)
{
	struct search *s = arg;
	const char *body = json_str(json_get(comment, "body"), "");

	if (strstr(body, s->mark.data) == NULL)
		return 0;
	s->id = json_int(json_get(comment, "id"), 0);
	s->is_same = strcmp(body, s->body) == 0;
	return 1;
}

static int
is_there(struct github *gh, void *arg, struct err *err)
{
	struct search *s = arg;

	(void)gh;
	s->id = s->is_same = 0;
	if (each_comment(s->w, is_ours, s, err) == -1)
		return -1;
	/* GitHub may have changed a new one's line ends or spaces. */
	return s->is_same || (s->is_new && s->id != 0);
}

static int
write_comment(struct search *s, struct err *err)
{
	const char *repository = s->w->job->head.repository;
	struct github *gh = s->w->checkout.gh;
	char path[400];
	struct buf body;
	struct github_call call = { .method = s->id != 0 ? "PATCH" : "POST",
		.path = path,
		.as = github_identity(gh),
		.happened = is_there,
		.arg = s };
	struct http_reply reply;
	int rc = -1;

	s->is_new = s->id == 0;
	if (s->id != 0)
		snprintf(path, sizeof path, "/repos/%s/issues/comments/%lld",
		    repository, (long long)s->id);
	else
		snprintf(path, sizeof path, "/repos/%s/issues/%lld/comments",
		    repository, (long long)s->w->job->head.number);
	buf_init(&body, 1 << 20);
	buf_addc(&body, '{');
	json_put_member(&body, "body", s->body);
	buf_addc(&body, '}');
	call.body = body.data;
	http_reply_init(&reply);
	if (buf_check(&body, "comment", err) == 0 &&
	    github_call(gh, &call, &reply, err) == 0)
		rc = github_expect(&reply, "comment", err);
	http_reply_release(&reply);
	buf_release(&body);
	return rc;
}

int
comment_put(struct work *w, struct err *err)
{
	struct search s = { .w = w };
	struct buf text;
	int rc;

	buf_init(&s.mark, 200);
	comment_mark(&s.mark, w);
	s.mark.data[strcspn(s.mark.data, "\n")] = '\0';
	buf_init(&text, BODY_MAX + 400);
	buf_addf(&text, "%.*s\n\n%s", BODY_MAX, w->say.data, s.mark.data);
	s.body = text.data;
	rc = is_there(w->checkout.gh, &s, err);
	if (rc == 0)
		rc = write_comment(&s, err);
	buf_release(&text);
	buf_release(&s.mark);
	return rc == -1 ? -1 : 0;
}
