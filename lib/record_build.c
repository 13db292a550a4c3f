/* SPDX-License-Identifier: MIT */
/*
 * The text of a record. Members and their meaning are those of the reference
 * server's webhook_summary, so that its users' queries and dashboards go on
 * working; what we know beyond that stands behind them.
 */
#include <inttypes.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "json.h"
#include "outbox.h"
#include "record_parts.h"

static const char *const outcome_names[] = {
	[JOB_SUCCEEDED] = "succeeded",
	[JOB_FAILED] = "failed",
	[JOB_TIMED_OUT] = "timed_out",
	[JOB_CANCELLED] = "cancelled",
	[JOB_LOST] = "lost",
	[JOB_QUARANTINED] = "quarantined",
};

const char *
job_outcome_name(enum job_outcome outcome)
{
	return outcome_names[outcome];
}

/* Two units at most: what is longer needs no more. */
void
record_duration(struct buf *b, int64_t ms)
{
	int64_t s = ms / 1000, m = s / 60;

	if (ms < 1000)
		buf_addf(b, "%" PRId64 "ms", ms);
	else if (s < 60 && ms % 1000 == 0)
		buf_addf(b, "%" PRId64 "s", s);
	else if (s < 60)
		buf_addf(b, "%" PRId64 "s%" PRId64 "ms", s, ms % 1000);
	else if (m < 60)
		buf_addf(b, "%" PRId64 "m%" PRId64 "s", m, s % 60);
	else
		buf_addf(b, "%" PRId64 "h%" PRId64 "m", m / 60, m % 60);
}

/* JSON as it is, or null. */
static void
put_raw(struct buf *b, const char *key, const char *json)
{
	json_put_key(b, key);
	buf_adds(b, json != NULL ? json : "null");
}

static void
put_text(struct buf *b, const char *key, const char *text)
{
	if (text != NULL && *text != '\0')
		json_put_member(b, key, text);
	else
		put_raw(b, key, NULL);
}

static void
put_time(struct buf *b, const char *key, int64_t wall)
{
	char text[CLOCK_TEXT];

	clock_text(text, wall);
	json_put_member(b, key, text);
}

static void
put_pr(struct buf *b, const struct job_head *head, const char *found)
{
	if (found != NULL || head->number == 0) {
		put_raw(b, "pr", found);
		return;
	}
	json_put_key(b, "pr");
	buf_addf(b, "{\"number\":%" PRId64 ",\"title\":null,\"author\":null}",
	    head->number);
}

static void
put_timing(struct buf *b, const struct record *r)
{
	int64_t started = r->started != 0 ? r->started : r->completed;

	json_put_key(b, "timing");
	buf_addc(b, '{');
	put_time(b, "started_at", started);
	put_time(b, "completed_at", r->completed);
	json_put_int(b, "duration_ms", r->duration / CLOCK_MSEC);
	buf_addc(b, '}');
}

/* Ours if we know one, else what the last step to fail said. */
static void
put_error(struct buf *b, const struct record *r, const char *step_error)
{
	if (r->outcome == JOB_SUCCEEDED) {
		put_raw(b, "error", NULL);
	} else if (r->reason == NULL && step_error != NULL) {
		put_raw(b, "error", step_error);
	} else {
		json_put_key(b, "error");
		buf_addc(b, '{');
		json_put_member(b, "type", outcome_names[r->outcome]);
		put_text(b, "message", r->reason);
		put_raw(b, "traceback", NULL);
		buf_addc(b, '}');
	}
}

static void
put_summary(
    struct buf *b, const struct record *r, const struct job_steps *steps)
{
	struct buf line;

	buf_init(&line, 16384);
	buf_addf(&line, "[%s] Webhook completed",
	    r->outcome == JOB_SUCCEEDED ? "SUCCESS" : "FAILED");
	if (r->head->number > 0)
		buf_addf(&line, " PR#%" PRId64, r->head->number);
	buf_adds(&line, " [");
	record_duration(&line, r->duration / CLOCK_MSEC);
	if (job_steps_calls(steps) > 0)
		buf_addf(&line, ", tokens:%" PRId64, job_steps_calls(steps));
	buf_adds(&line, "] ");
	job_steps_summary(&line, steps);
	json_put_member(b, "summary", line.data);
	buf_release(&line);
}

static const char *
status_of(const struct record *r, const struct job_steps *steps)
{
	if (r->outcome != JOB_SUCCEEDED)
		return "failed";
	return job_steps_partial(steps) ? "partial" : "success";
}

static void
put_what(struct buf *b, const struct record *r, const struct job_steps *steps)
{
	const struct job_head *h = r->head;
	const char *slash = strchr(h->repository, '/');

	json_put_member(b, "type", RECORD_JOB);
	json_put_member(b, "hook_id", h->delivery);
	json_put_member(b, "event_type", h->event);
	put_text(b, "action", h->action);
	put_text(b, "sender", h->sender);
	json_put_member(b, "level", "COMPLETED");
	json_put_member(b, "status", status_of(r, steps));
	put_text(b, "repository", slash != NULL ? slash + 1 : NULL);
	put_text(b, "repository_full_name", h->repository);
	put_pr(b, h, job_steps_about(steps, "pr"));
	put_raw(b, "api_user", job_steps_about(steps, "api_user"));
	put_timing(b, r);
}

static void
put_ours(struct buf *b, const struct record *r, int reports)
{
	const struct job_head *h = r->head;

	json_put_member(b, "job_id", h->id);
	json_put_member(b, "request_id", h->request_id);
	json_put_member(b, "delivery_id", h->delivery);
	json_put_member(b, "state", outcome_names[r->outcome]);
	put_text(b, "reason", r->reason);
	json_put_int(b, "attempts", r->attempts);
	put_time(b, "received_at", h->received);
	if (r->started > h->received)
		json_put_int(
		    b, "queued_ms", (r->started - h->received) / CLOCK_MSEC);
	else
		json_put_int(b, "queued_ms", 0);
	put_text(b, "status_report", reports ? "pending" : NULL);
}

static void
put_record(struct buf *b, const struct record *r, const struct job_steps *steps,
    int reports, int whole)
{
	buf_addc(b, '{');
	put_what(b, r, steps);
	job_steps_put(b, steps, whole);
	json_put_bool(b, "success", r->outcome == JOB_SUCCEEDED);
	put_error(b, r, job_steps_error(steps));
	put_summary(b, r, steps);
	put_ours(b, r, reports);
	buf_addc(b, '}');
}

int
record_build(
    struct buf *b, struct spool *s, const struct record *r, struct err *err)
{
	struct job_steps *steps;
	int rc, reports = outbox_has(s, r->head->id);

	if (job_steps_read(&steps, s, r->head->id, err) == -1)
		return -1;
	put_record(b, r, steps, reports, 1);
	if (b->state == BUF_FULL) { /* better without the steps' data */
		buf_reset(b);
		put_record(b, r, steps, reports, 0);
	}
	rc = buf_check(b, "record", err);
	job_steps_free(steps);
	return rc;
}

/* ---- the form for people ---- */

static void
new_line(struct buf *b, unsigned depth)
{
	buf_addf(b, "\n%*s", (int)(2 * depth), "");
}

/* Length of the string that begins at `text`, with its quotes. */
static size_t
string_length(const char *text, size_t len)
{
	for (size_t i = 1; i < len; i++) {
		if (text[i] == '\\')
			i++;
		else if (text[i] == '"')
			return i + 1;
	}
	return len;
}

/* `text` is JSON that this program wrote, without blanks. */
void
record_indent(struct buf *b, const char *text, size_t len)
{
	unsigned depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		size_t n;

		switch (c) {
		case '"':
			n = string_length(text + i, len - i);
			buf_add(b, text + i, n);
			i += n - 1;
			break;
		case '{':
		case '[':
			buf_addc(b, c);
			if (i + 1 < len && (text[i + 1] == c + 2)) {
				buf_addc(b, text[++i]); /* empty */
				break;
			}
			new_line(b, ++depth);
			break;
		case '}':
		case ']':
			new_line(b, --depth);
			buf_addc(b, c);
			break;
		case ',':
			buf_addc(b, c);
			new_line(b, depth);
			break;
		case ':':
			buf_adds(b, ": ");
			break;
		default:
			buf_addc(b, c);
		}
	}
}
