/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "fsio.h"
#include "github/client.h"
#include "github/names.h"
#include "github/status.h"
#include "json.h"
#include "outbox.h"
#include "steplog.h"

#define RETRY_FIRST (10 * CLOCK_SECOND)
#define RETRY_MOST  (3600 * CLOCK_SECOND)

struct sending {
	struct spool *spool;
	struct github *gh;
	struct status_report *report;
};

/* Ours: same context and state, and the link that names the job. */
static int
is_ours(const struct json *status, const struct status_report *r)
{
	if (strcmp(json_str(json_get(status, "context"), ""), r->context) !=
		0 ||
	    strcmp(json_str(json_get(status, "state"), ""),
		commit_state_name(r->state)) != 0)
		return 0;
	if (r->target[0] != '\0')
		return strcmp(json_str(json_get(status, "target_url"), ""),
			   r->target) == 0;
	return strcmp(json_str(json_get(status, "description"), ""),
		   r->description) == 0;
}

static int
page_has_ours(const struct http_reply *reply, const struct status_report *r,
    struct err *err)
{
	struct json *doc;
	int found = 0;

	if (json_parse(&doc, reply->body.data, reply->body.len, err) == -1)
		return -1;
	JSON_EACH (status, doc) {
		if (is_ours(status, r))
			found = 1;
	}
	json_free(doc);
	return found;
}

/* Reads the commit's statuses, newest first, page by page. */
static int
is_there(struct github *gh, void *arg, struct err *err)
{
	const struct sending *sending = arg;
	const struct status_report *r = sending->report;
	char path[HTTP_HEADER_MAX];
	struct http_reply reply;
	int found = 0;

	snprintf(path, sizeof path,
	    "/repos/%s/commits/%s/statuses?per_page=100", r->repository,
	    r->sha);
	http_reply_init(&reply);
	do {
		struct github_call call = { .method = "GET", .path = path };

		if (github_call(gh, &call, &reply, err) == -1 ||
		    github_expect(&reply, "statuses", err) == -1)
			found = -1;
		else
			found = page_has_ours(&reply, r, err);
	} while (
	    found == 0 && github_next_page(&reply, path, sizeof path) == 0);
	http_reply_release(&reply);
	return found;
}

static void
write_body(struct buf *body, const struct status_report *r)
{
	buf_addc(body, '{');
	json_put_member(body, "state", commit_state_name(r->state));
	json_put_member(body, "description", r->description);
	json_put_member(body, "context", r->context);
	if (r->target[0] != '\0')
		json_put_member(body, "target_url", r->target);
	buf_addc(body, '}');
}

/* A "no" of GitHub's is for good, and its words are kept. */
static void
take_answer(struct status_report *r, const struct http_reply *reply)
{
	struct err words;

	if (github_expect(reply, "status", &words) == 0) {
		r->posted = r->state;
		r->result = RESULT_REPORTED;
		r->words[0] = '\0';
		return;
	}
	r->result = RESULT_REFUSED;
	snprintf(r->words, sizeof r->words, "%s", words.text);
}

static int
post(struct sending *sending, struct err *err)
{
	struct status_report *r = sending->report;
	char path[512];
	struct buf body;
	struct github_call call = { .method = "POST",
		.path = path,
		.happened = is_there,
		.arg = sending };
	struct http_reply reply;
	int rc = -1;

	r->attempted = r->state;
	if (outbox_update(sending->spool, r, err) == -1)
		return -1;
	snprintf(
	    path, sizeof path, "/repos/%s/statuses/%s", r->repository, r->sha);
	buf_init(&body, 8192);
	write_body(&body, r);
	call.body = body.data;
	http_reply_init(&reply);
	if (buf_check(&body, "status", err) == 0 &&
	    github_call(sending->gh, &call, &reply, err) == 0) {
		take_answer(r, &reply);
		rc = 0;
	}
	http_reply_release(&reply);
	buf_release(&body);
	return rc;
}

static int
send_once(struct sending *sending, struct err *err)
{
	struct status_report *r = sending->report;

	if (r->attempted == r->state) {
		int there = is_there(sending->gh, sending, err);

		if (there == -1)
			return -1;
		if (there == 1) {
			r->posted = r->state;
			r->result = RESULT_REPORTED;
			return 0;
		}
	}
	return post(sending, err);
}

/* Doubles from ten seconds to an hour; GitHub's own time has precedence. */
static void
put_off(struct status_report *r, int64_t retry_at, const struct err *why)
{
	int64_t now = clock_wall(), wait = RETRY_FIRST;

	for (unsigned i = 0; i < r->tries && wait < RETRY_MOST; i++)
		wait *= 2;
	if (wait > RETRY_MOST)
		wait = RETRY_MOST;
	r->tries++;
	r->due = now + wait;
	if (retry_at * CLOCK_SECOND > r->due)
		r->due = retry_at * CLOCK_SECOND;
	snprintf(r->words, sizeof r->words, "%s", why->text);
	if (r->due > r->wanted + STATUS_GIVE_UP * CLOCK_SECOND)
		r->result = RESULT_EXPIRED;
}

static void
refuse(struct status_report *r, const char *words)
{
	r->result = RESULT_REFUSED;
	snprintf(r->words, sizeof r->words, "%s", words);
}

/* Sends and writes down what came of it. */
static int
send_report(struct sending *sending, const struct config *config,
    struct steplog *log, struct err *err)
{
	struct status_report *r = sending->report;
	struct err failure = { 0 };
	int rc = 0;

	if (!github_repository_valid(r->repository) ||
	    !github_sha_valid(r->sha)) {
		refuse(r, "no valid repository or commit");
		return outbox_update(sending->spool, r, err);
	}
	if (github_open(&sending->gh, config, r->repository, r->request_id, log,
		err) == -1)
		return -1;
	rc = send_once(sending, &failure);
	if (rc == -1 && failure.class == ERR_TEMP)
		put_off(r, github_retry_at(sending->gh), &failure);
	else if (rc == -1)
		refuse(r, failure.text);
	github_close(sending->gh);
	if (outbox_update(sending->spool, r, err) == -1)
		return -1;
	if (rc == -1 && r->result == RESULT_WAITING) {
		*err = failure;
		return -1;
	}
	return 0;
}

static void
log_result(struct steplog *log, const struct status_report *r)
{
	struct buf members;

	if (log == NULL)
		return;
	buf_init(&members, 4096);
	json_put_member(&members, "state", commit_state_name(r->state));
	json_put_member(&members, "context", r->context);
	json_put_member(&members, "sha", r->sha);
	json_put_member(&members, "result", status_result_name(r->result));
	if (r->words[0] != '\0')
		json_put_member(&members, "error", r->words);
	steplog_line(log, r->words[0] != '\0' ? "warning" : "info",
	    "status_report", "status_report", members.data);
	buf_release(&members);
}

int
status_send(struct spool *s, const struct config *config, const char *job_id,
    struct steplog *log, struct err *err)
{
	struct status_report report;
	struct sending sending = { .spool = s, .report = &report };
	int lock = -1, rc;

	if (outbox_read(s, job_id, &report, err) == -1)
		return -1;
	rc = outbox_lock(s, &report, &lock, err);
	if (rc != 0)
		return rc;
	/* Read again: what we saw without the lock may be old. */
	rc = outbox_read(s, job_id, &report, err);
	if (rc == -1 || report.result != RESULT_WAITING)
		goto out;
	rc = outbox_is_newest(s, &report, err);
	if (rc == 1) {
		rc = send_report(&sending, config, log, err);
	} else if (rc == 0) {
		report.result = RESULT_SUPERSEDED;
		rc = outbox_update(s, &report, err);
	}
	log_result(log, &report);
out:
	fs_close(&lock);
	return rc;
}
