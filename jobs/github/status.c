/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "fsio.h"
#include "github/names.h"
#include "github/status.h"
#include "github/way.h"
#include "json.h"
#include "log.h"
#include "outbox.h"
#include "steplog.h"
#include "utf8.h"

#define RETRY_FIRST (5 * CLOCK_SECOND)
#define RETRY_MOST  (3600 * CLOCK_SECOND)

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
take_answer(struct status_report *r, const struct way *way,
    const struct http_reply *reply)
{
	struct err words;

	if (github_expect(reply, "status", &words) == 0) {
		way->take(r, reply);
		r->posted = r->state;
		r->result = RESULT_REPORTED;
		r->words[0] = '\0';
		return;
	}
	r->result = RESULT_REFUSED;
	set_words(r, words.text);
}

struct request {
	struct sending *sending;
	const struct way *way;
	int creates; /* the number of what it makes is not known yet */
};

/* What was made just now but shows something else is not made twice. */
static int
happened(struct github *gh, void *arg, struct err *err)
{
	const struct request *q = arg;
	int there = q->way->look(gh, q->sending, err);

	if (there == 0 && q->creates && q->sending->report->check != 0)
		return err_set(err, ERR_TEMP, 0, "it shows another state");
	return there;
}

/* One request, as often as it takes. */
static int
ask(struct sending *sending, const struct way *way, struct http_reply *reply,
    struct err *err)
{
	struct request request = { .sending = sending,
		.way = way,
		.creates = sending->report->check == 0 };
	struct github_call call = { .as = way->identity(sending->gh),
		.happened = happened,
		.arg = &request };
	char path[WAY_PATH_MAX];
	struct buf body;
	int rc = -1;

	buf_init(&body, 8192);
	call.method = way->write(sending, path, &body);
	call.path = path;
	call.body = body.data;
	if (buf_check(&body, "status", err) == 0)
		rc = github_call(sending->gh, &call, reply, err);
	buf_release(&body);
	return rc;
}

static int
post(struct sending *sending, const struct way *way, struct err *err)
{
	struct status_report *r = sending->report;
	struct http_reply reply;
	int rc;

	r->attempted = r->state;
	if (outbox_update(sending->spool, r, err) == -1)
		return -1;
	http_reply_init(&reply);
	rc = ask(sending, way, &reply, err);
	if (rc == 0 && way->is_closed(reply.status))
		rc = github_expect(&reply, "check run", err);
	else if (rc == 0)
		take_answer(r, way, &reply);
	http_reply_release(&reply);
	return rc;
}

static int
send_by(struct sending *sending, const struct way *way, struct err *err)
{
	struct status_report *r = sending->report;

	if (r->form != way->form) {
		r->form = way->form;
		r->attempted = r->posted = COMMIT_NONE;
	}
	if (way->is_doubtful(r)) {
		int there = way->look(sending->gh, sending, err);

		if (there == -1)
			return -1;
		if (there == 1) {
			r->posted = r->state;
			r->result = RESULT_REPORTED;
			return 0;
		}
	}
	return post(sending, way, err);
}

/* The App's way as far as it goes; the step log says where it ends. */
static int
send_as_app(struct sending *sending, struct err *err)
{
	int rc = github_find_installation(sending->gh, err);

	if (rc == 0)
		rc = send_by(sending, &way_check, err);
	/* A permission that this machine lacks is not GitHub's refusal. */
	if (rc == -1)
		err_wait_for_permission(err);
	if (rc == -1 && err->class != ERR_TEMP && sending->log != NULL)
		steplog_note(sending->log,
		    "check run: %s; a commit status is used", err->text);
	return rc;
}

/*
 * What a run was begun as it stays; only a check run that can no longer be
 * written becomes a commit status.
 */
static int
send_once(struct sending *sending, struct err *err)
{
	if (sending->report->form != FORM_STATUS &&
	    github_have_app(sending->gh)) {
		int rc = send_as_app(sending, err);

		if (rc == 0 || err->class == ERR_TEMP)
			return rc;
	}
	return send_by(sending, &way_status, err);
}

/* ---- what a newer job has overtaken ---- */

/* A commit status was replaced by the newer one; a check run of its own
 * would stay in progress for ever. */
static int
is_left_open(const struct status_report *r)
{
	return r->form == FORM_CHECK && r->attempted != COMMIT_NONE &&
	       (r->posted == COMMIT_NONE || r->posted == COMMIT_PENDING);
}

/* Saying the same twice is no harm here: it is changed, not made. */
static int
close_run(struct sending *sending, struct err *err)
{
	struct status_report *r = sending->report;
	struct http_reply reply;
	int rc;

	sending->superseded = 1;
	if (r->check == 0 && way_check.look(sending->gh, sending, err) == -1)
		return -1;
	if (r->check == 0)
		return 0;
	http_reply_init(&reply);
	rc = ask(sending, &way_check, &reply, err);
	http_reply_release(&reply);
	return rc;
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

/* What is wrong with our configuration or our disk may be right in a minute;
 * only GitHub's own "no" is for good. */
static int
passes(const struct err *failure)
{
	return failure->class == ERR_TEMP || failure->class == ERR_CONF ||
	       failure->sys != 0;
}

/* Decides what becomes of the report; 0, or -1 with why it has to wait. */
static int
speak(struct sending *sending,
    int (*say)(struct sending *sending, struct err *err), struct err *failure)
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
	rc = github_open(&sending->gh, sending->config, r->repository,
	    r->request_id, sending->log, failure);
	if (rc == 0)
		rc = say(sending, failure);
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
	json_put_member(&members, "form", report_form_name(r->form));
	if (r->check != 0)
		json_put_int(&members, "check_run_id", r->check);
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
store(struct sending *sending, struct err *err)
{
	const struct status_report *r = sending->report;
	const char *form = config_str(sending->config, NULL, "log-format");

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
do_send(struct sending *sending, int weed, struct err *err)
{
	struct status_report *r = sending->report;
	struct err failure = { 0 };
	int newest = outbox_is_newest(sending->spool, r, err), rc = 0;

	if (newest == -1)
		return -1;
	if (weed && (newest == 1 || is_left_open(r)))
		return 0;
	if (newest == 1)
		rc = speak(sending, send_once, &failure);
	else if (is_left_open(r))
		rc = speak(sending, close_run, &failure);
	if (newest == 0 && rc == 0)
		r->result = RESULT_SUPERSEDED;
	if (store(sending, err) == -1)
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
	struct sending sending = {
		.spool = s, .config = config, .log = log, .report = &report
	};
	int lock = -1, rc;

	if (outbox_read(s, job_id, &report, err) == -1)
		return -1;
	rc = outbox_lock(s, &report, &lock, err);
	if (rc != 0)
		return rc;
	/* Read again: what we saw without the lock may be old. */
	rc = outbox_read(s, job_id, &report, err);
	if (rc == 0 && report.result == RESULT_WAITING)
		rc = do_send(&sending, weed, err);
	fs_close(&lock);
	return rc;
}
