/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "fsio.h"
#include "github/client.h"
#include "github/names.h"
#include "github/status.h"
#include "json.h"
#include "log.h"
#include "outbox.h"
#include "steplog.h"
#include "utf8.h"

#define RETRY_FIRST (5 * CLOCK_SECOND)
#define RETRY_MOST  (3600 * CLOCK_SECOND)

struct sending {
	struct spool *spool;
	struct github *gh; /* NULL before it was opened */
	struct steplog *log;
	struct status_report *report;
};

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
is_there(struct github *gh, void *arg, struct err *err)
{
	const struct sending *sending = arg;
	const struct status_report *r = sending->report;
	char path[HTTP_HEADER_MAX];
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

/* GitHub's words may hold what we sent. */
static void
set_words(struct status_report *r, const char *words)
{
	size_t len = strlen(words);

	if (len >= sizeof r->words)
		len = utf8_cut(words, sizeof r->words - 1, sizeof r->words);
	memset(r->words, 0, sizeof r->words);
	memcpy(r->words, words, len);
	for (size_t i = 0; i < len; i++) {
		if (iscntrl((unsigned char)r->words[i]))
			r->words[i] = ' ';
	}
	redact(r->words, len, sizeof r->words - 1);
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
	set_words(r, words.text);
}

static int
post(struct sending *sending, struct err *err)
{
	struct status_report *r = sending->report;
	char path[512];
	struct buf body;
	struct github_call call = { .method = "POST",
		.path = path,
		.as = github_identity(sending->gh),
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

/* Doubles from five seconds to an hour; GitHub's own time has precedence. */
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
	set_words(r, why->text);
	if (r->due > r->wanted + STATUS_GIVE_UP)
		r->result = RESULT_EXPIRED;
}

static void
refuse(struct status_report *r, const char *words)
{
	r->result = RESULT_REFUSED;
	set_words(r, words);
}

/* What is wrong with our configuration may be right in a minute. */
static int
passes(const struct err *failure)
{
	return failure->class == ERR_TEMP || failure->class == ERR_CONF;
}

/* Decides what becomes of the report; 0, or -1 with why it has to wait. */
static int
send_report(
    struct sending *sending, const struct config *config, struct err *failure)
{
	struct status_report *r = sending->report;
	int rc;

	if (!github_repository_valid(r->repository) ||
	    !github_sha_valid(r->sha)) {
		refuse(r, "no valid repository or commit");
		return 0;
	}
	if (clock_wall() > r->wanted + STATUS_GIVE_UP) {
		r->result = RESULT_EXPIRED;
		return 0;
	}
	rc = github_open(&sending->gh, config, r->repository, r->request_id,
	    sending->log, failure);
	if (rc == 0)
		rc = send_once(sending, failure);
	if (rc == -1 && passes(failure)) {
		put_off(r,
		    sending->gh != NULL ? github_retry_at(sending->gh) : 0,
		    failure);
	} else if (rc == -1) {
		refuse(r, failure->text);
		rc = 0;
	}
	github_close(sending->gh);
	return r->result == RESULT_WAITING ? rc : 0;
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

/* Nobody asks what became of "pending". */
static int
is_over(const struct status_report *r)
{
	return r->state != COMMIT_PENDING && r->result != RESULT_WAITING;
}

static int
store(struct sending *sending, const struct config *config, struct err *err)
{
	const struct status_report *r = sending->report;
	const char *form = config_str(config, NULL, "log-format");

	if (is_over(r) &&
	    outbox_log(sending->spool, r,
		form != NULL && strcmp(form, "pretty") == 0 ? RECORD_PRETTY
							    : RECORD_LINES,
		err) == -1)
		return -1;
	return outbox_update(sending->spool, r, err);
}

/* Under the lock. */
static int
do_send(struct sending *sending, const struct config *config, int weed,
    struct err *err)
{
	struct status_report *r = sending->report;
	struct err failure = { 0 };
	int newest = outbox_is_newest(sending->spool, r, err), rc = 0;

	if (newest == -1)
		return -1;
	if (newest == 1 && weed)
		return 0;
	if (newest == 0)
		r->result = RESULT_SUPERSEDED;
	else
		rc = send_report(sending, config, &failure);
	if (store(sending, config, err) == -1)
		return -1;
	log_result(sending->log, r);
	if (rc == -1)
		*err = failure;
	return rc;
}

int
status_send(struct spool *s, const struct config *config, const char *job_id,
    int weed, struct steplog *log, struct err *err)
{
	struct status_report report;
	struct sending sending = { .spool = s, .log = log, .report = &report };
	int lock = -1, rc;

	if (outbox_read(s, job_id, &report, err) == -1)
		return -1;
	rc = outbox_lock(s, &report, &lock, err);
	if (rc != 0)
		return rc;
	/* Read again: what we saw without the lock may be old. */
	rc = outbox_read(s, job_id, &report, err);
	if (rc == 0 && report.result == RESULT_WAITING)
		rc = do_send(&sending, config, weed, err);
	fs_close(&lock);
	return rc;
}
