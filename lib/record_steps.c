/* SPDX-License-Identifier: MIT */
/*
 * A job's step log, read back for its record: the steps of the last attempt,
 * and of all attempts the calls of the API. Lines that cannot be read (the
 * writer died in the middle of one) are passed over. Memory is bounded by the
 * limits below, whatever the job logged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "fsio.h"
#include "json.h"
#include "record_parts.h"
#include "spool.h"

#define STEPS_MAX 128
#define DATA_MAX  8192	/* bytes of one step's data in a record */
#define LINE_ROOM 65536 /* of a line; longer ones are passed over */

enum step_status { STEP_STARTED, STEP_COMPLETED, STEP_FAILED };

struct one_step {
	char name[72];
	char started[CLOCK_TEXT];
	enum step_status status;
	int64_t duration_ms;
	int negative; /* completed, but its data says otherwise */
	char *error;  /* JSON, or NULL */
	char *data;   /* members, or NULL */
};

struct job_steps {
	struct one_step steps[STEPS_MAX];
	size_t count;
	int64_t attempt;
	struct job_spend spend;
	int64_t first_remaining, last_remaining; /* -1: not known */
	char *pr, *api_user;			 /* JSON, or NULL */
	const char *error;			 /* of the last step */
};

static const char *const status_names[] = { "started", "completed", "failed" };

/* Members of every line, and those that a record gives each step; what else
 * is there is data. */
static const char *const plain[] = { "ts", "level", "event", "request_id",
	"delivery_id", "job_id", "attempt", "step", "duration_ms", "error",
	"timestamp", "status" };

static int
is_plain(const char *name)
{
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		if (strcmp(plain[i], name) == 0)
			return 1;
	}
	return 0;
}

static int
ends_in(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);

	return a >= b && strcmp(text + a - b, end) == 0;
}

/* The signs of a step that did its work and found that something is not
 * well, as the reference server reads them. */
static int
is_negative(const char *name, const struct json *value)
{
	enum json_type type = json_type(value);

	if (strcmp(name, "can_merge") == 0 || strcmp(name, "success") == 0 ||
	    ends_in(name, "_success"))
		return type == JSON_FALSE;
	return ends_in(name, "_failed") && type == JSON_TRUE;
}

/* The JSON of a value in memory of its own, or NULL if it is none or large. */
static char *
copy_json(const struct json *value)
{
	struct buf b;
	char *copy = NULL;

	if (json_type(value) == JSON_NONE || json_type(value) == JSON_NULL)
		return NULL;
	buf_init(&b, DATA_MAX);
	json_put_value(&b, value);
	if (b.state == BUF_OK)
		copy = strdup(b.data);
	buf_release(&b);
	return copy;
}

static void
replace_json(char **slot, const struct json *value)
{
	char *copy = copy_json(value);

	if (copy == NULL)
		return;
	free(*slot);
	*slot = copy;
}

static void
clear_step(struct one_step *step)
{
	free(step->error);
	free(step->data);
	*step = (struct one_step){ 0 };
}

/* Data members of a line; `reason` only explains what went wrong. */
static void
take_data(struct one_step *step, const struct json *line)
{
	struct buf b;

	JSON_EACH (member, line) {
		if (is_negative(json_name(member), member))
			step->negative = 1;
	}
	if (json_type(json_get(line, "error")) > JSON_NULL)
		step->negative = 1;
	buf_init(&b, DATA_MAX);
	buf_addc(&b, '{');
	JSON_EACH (member, line) {
		const char *name = json_name(member);

		if (is_plain(name) ||
		    (strcmp(name, "reason") == 0 && !step->negative))
			continue;
		json_put_key(&b, name);
		json_put_value(&b, member);
	}
	if (b.state == BUF_OK && b.len > 1) {
		free(step->data);
		step->data = strdup(b.data + 1);
	}
	buf_release(&b);
}

static struct one_step *
step_of(struct job_steps *j, const char *name)
{
	struct one_step *step;

	for (size_t i = 0; i < j->count; i++) {
		if (strcmp(j->steps[i].name, name) == 0)
			return &j->steps[i];
	}
	if (j->count == STEPS_MAX || strlen(name) >= sizeof step->name)
		return NULL;
	step = &j->steps[j->count++];
	snprintf(step->name, sizeof step->name, "%s", name);
	return step;
}

static void
take_step(struct job_steps *j, const struct json *line, enum step_status status)
{
	struct one_step *step =
	    step_of(j, json_str(json_get(line, "step"), ""));

	if (step == NULL)
		return;
	step->status = status;
	if (status == STEP_STARTED || step->started[0] == '\0')
		snprintf(step->started, sizeof step->started, "%s",
		    json_str(json_get(line, "ts"), ""));
	step->duration_ms = json_int(json_get(line, "duration_ms"), -1);
	replace_json(&step->error, json_get(line, "error"));
	if (step->error != NULL)
		j->error = step->error;
	if (status != STEP_STARTED)
		take_data(step, line);
}

static void
take_call(struct job_steps *j, const struct json *line)
{
	int64_t left = json_int(json_get(line, "remaining"), -1);

	j->spend.calls++;
	if (left < 0)
		return;
	if (j->spend.lowest_remaining < 0 || left < j->spend.lowest_remaining)
		j->spend.lowest_remaining = left;
	if (j->first_remaining < 0)
		j->first_remaining = left + 1;
	j->last_remaining = left;
}

static void
start_attempt(struct job_steps *j, int64_t attempt)
{
	for (size_t i = 0; i < j->count; i++)
		clear_step(&j->steps[i]);
	j->count = 0;
	j->error = NULL;
	j->attempt = attempt;
}

static void
take_line(struct job_steps *j, const char *text, size_t len)
{
	struct json *line;
	struct err ignored;
	const char *event;
	int64_t attempt;

	/* A command's output is most of a log and nothing of a record. */
	if (memmem(text, len, "\"event\":\"output\"", 16) != NULL ||
	    json_parse(&line, text, len, &ignored) == -1)
		return;
	event = json_str(json_get(line, "event"), "");
	attempt = json_int(json_get(line, "attempt"), 0);
	if (attempt > j->attempt)
		start_attempt(j, attempt);
	if (strcmp(event, "step_started") == 0)
		take_step(j, line, STEP_STARTED);
	else if (strcmp(event, "step_completed") == 0)
		take_step(j, line, STEP_COMPLETED);
	else if (strcmp(event, "step_failed") == 0)
		take_step(j, line, STEP_FAILED);
	else if (strcmp(event, "api_call") == 0)
		take_call(j, line);
	replace_json(&j->pr, json_get(line, "pr"));
	replace_json(&j->api_user, json_get(line, "api_user"));
	json_free(line);
}

static int
read_lines(struct job_steps *j, int fd, struct err *err)
{
	char *room = malloc(LINE_ROOM);
	size_t held = 0, got;
	off_t at = 0;
	int skipping = 0, rc = -1;

	if (room == NULL)
		return err_set(err, ERR_TEMP, 0, "step log: out of memory");
	for (;;) {
		char *from = room, *end;

		if (fs_pread_full(
			fd, room + held, LINE_ROOM - held, at, &got, err) == -1)
			goto out;
		if (got == 0)
			break;
		at += (off_t)got;
		held += got;
		while ((end = memchr(from, '\n',
			    held - (size_t)(from - room))) != NULL) {
			if (!skipping)
				take_line(j, from, (size_t)(end - from));
			skipping = 0;
			from = end + 1;
		}
		held -= (size_t)(from - room);
		memmove(room, from, held);
		if (held == LINE_ROOM) {
			skipping = 1;
			held = 0;
		}
	}
	rc = 0;
out:
	free(room);
	return rc;
}

int
job_steps_read(
    struct job_steps **out, struct spool *s, const char *id, struct err *err)
{
	char name[JOB_ID_MAX + 8];
	struct job_steps *j = calloc(1, sizeof *j);
	int fd, rc;

	if (j == NULL)
		return err_set(err, ERR_TEMP, 0, "step log: out of memory");
	j->first_remaining = j->last_remaining = -1;
	j->spend.lowest_remaining = -1;
	snprintf(name, sizeof name, "%s.jsonl", id);
	/* A job that never ran has none; one that cannot be read costs its
	 * steps, not the record. */
	if (fs_open_read(&fd, spool_fd(s, SPOOL_LOG_JOBS), name, err) == 0) {
		rc = read_lines(j, fd, err);
		close(fd);
		if (rc == -1 && err->class == ERR_TEMP) {
			job_steps_free(j);
			return -1;
		}
	}
	*out = j;
	return 0;
}

void
job_steps_free(struct job_steps *j)
{
	if (j == NULL)
		return;
	for (size_t i = 0; i < j->count; i++)
		clear_step(&j->steps[i]);
	free(j->pr);
	free(j->api_user);
	free(j);
}

static void
put_limit(struct buf *b, const char *key, int64_t n)
{
	if (n >= 0) {
		json_put_int(b, key, n);
	} else {
		json_put_key(b, key);
		buf_adds(b, "null");
	}
}

static void
put_step(struct buf *b, const struct one_step *step, int whole)
{
	json_put_key(b, step->name);
	buf_addc(b, '{');
	json_put_member(b, "timestamp", step->started);
	json_put_member(b, "status", status_names[step->status]);
	put_limit(b, "duration_ms", step->duration_ms);
	json_put_key(b, "error");
	buf_adds(b, step->error != NULL ? step->error : "null");
	if (whole && step->data != NULL)
		buf_addf(b, ",%s", step->data);
	buf_addc(b, '}');
}

void
job_steps_put(struct buf *b, const struct job_steps *j, int whole)
{
	json_put_key(b, "workflow_steps");
	buf_addc(b, '{');
	for (size_t i = 0; i < j->count; i++)
		put_step(b, &j->steps[i], whole);
	buf_addc(b, '}');
	json_put_int(b, "token_spend", j->spend.calls);
	put_limit(b, "initial_rate_limit", j->first_remaining);
	put_limit(b, "final_rate_limit", j->last_remaining);
	put_limit(b, "lowest_rate_limit", j->spend.lowest_remaining);
}

int
record_spend(
    struct spool *s, const char *job_id, struct job_spend *out, struct err *err)
{
	struct job_steps *j;

	if (job_steps_read(&j, s, job_id, err) == -1)
		return -1;
	*out = j->spend;
	job_steps_free(j);
	return 0;
}

int
job_steps_partial(const struct job_steps *j)
{
	for (size_t i = 0; i < j->count; i++) {
		if (j->steps[i].status == STEP_FAILED || j->steps[i].negative)
			return 1;
	}
	return 0;
}

const char *
job_steps_error(const struct job_steps *j)
{
	return j->error;
}

int64_t
job_steps_calls(const struct job_steps *j)
{
	return j->spend.calls;
}

void
job_steps_summary(struct buf *b, const struct job_steps *j)
{
	buf_adds(b, "steps=[");
	for (size_t i = 0; i < j->count; i++) {
		const struct one_step *step = &j->steps[i];

		buf_addf(b, "%s%s:%s", i > 0 ? ", " : "", step->name,
		    status_names[step->status]);
		if (step->duration_ms >= 0) {
			buf_addc(b, '(');
			record_duration(b, step->duration_ms);
			buf_addc(b, ')');
		}
	}
	buf_addc(b, ']');
}

const char *
job_steps_about(const struct job_steps *j, const char *key)
{
	return strcmp(key, "pr") == 0 ? j->pr : j->api_user;
}
