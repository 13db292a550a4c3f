/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "github/way.h"
#include "json.h"

/* By this job: the link names it. Without one the description has to. */
static int
is_ours(const struct json *status, const struct status_report *r)
{
	if (strcmp(json_str(json_get(status, "context"), ""), r->context) != 0)
		return 0;
	if (r->target[0] != '\0')
		return strcmp(json_str(json_get(status, "target_url"), ""),
			   r->target) == 0;
	return strcmp(json_str(json_get(status, "description"), ""),
		   r->description) == 0;
}

enum found { FOUND_NONE, FOUND_SAME, FOUND_OTHER };

/* The newest of ours decides: what it said earlier is no longer shown. */
static int
search_page(enum found *found, const struct http_reply *reply,
    const struct status_report *r, struct err *err)
{
	struct json *doc;

	if (json_parse(&doc, reply->body.data, reply->body.len, err) == -1) {
		err->class = ERR_TEMP; /* half a reply is no answer */
		return -1;
	}
	JSON_EACH (status, doc) {
		if (*found == FOUND_NONE && is_ours(status, r))
			*found = strcmp(json_str(json_get(status, "state"), ""),
				     commit_state_name(r->state)) == 0
				     ? FOUND_SAME
				     : FOUND_OTHER;
	}
	json_free(doc);
	return 0;
}

/* Reads the commit's statuses, newest first, page by page. */
static int
look(struct github *gh, void *arg, struct err *err)
{
	const struct sending *sending = arg;
	const struct status_report *r = sending->report;
	char path[WAY_PATH_MAX];
	struct http_reply reply;
	enum found found = FOUND_NONE;
	int rc = 0;

	snprintf(path, sizeof path,
	    "/repos/%s/commits/%s/statuses?per_page=100", r->repository,
	    r->sha);
	http_reply_init(&reply);
	do {
		struct github_call call = {
			.method = "GET", .path = path, .as = github_identity(gh)
		};

		if (github_call(gh, &call, &reply, err) == -1 ||
		    github_expect(&reply, "statuses", err) == -1)
			rc = -1;
		else
			rc = search_page(&found, &reply, r, err);
	} while (rc == 0 && found == FOUND_NONE &&
		 github_next_page(&reply, path, sizeof path) == 0);
	http_reply_release(&reply);
	return rc == -1 ? -1 : found == FOUND_SAME;
}

static const char *
write_request(
    const struct sending *s, char path[WAY_PATH_MAX], struct buf *body)
{
	const struct status_report *r = s->report;

	snprintf(
	    path, WAY_PATH_MAX, "/repos/%s/statuses/%s", r->repository, r->sha);
	buf_addc(body, '{');
	json_put_member(body, "state", commit_state_name(r->state));
	json_put_member(body, "description", r->description);
	json_put_member(body, "context", r->context);
	if (r->target[0] != '\0')
		json_put_member(body, "target_url", r->target);
	buf_addc(body, '}');
	return "POST";
}

/* Its state was begun for, and nobody knows what came of it. */
static int
is_doubtful(const struct status_report *r)
{
	return r->attempted == r->state;
}

static void
take_nothing(struct status_report *r, const struct http_reply *reply)
{
	(void)r;
	(void)reply;
}

/* Where a status may not be written there is nothing left to try. */
static int
is_closed(int status)
{
	(void)status;
	return 0;
}

const struct way way_status = {
	.form = FORM_STATUS,
	.identity = github_identity,
	.is_doubtful = is_doubtful,
	.look = look,
	.write = write_request,
	.take = take_nothing,
	.is_closed = is_closed,
};
