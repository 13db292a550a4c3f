/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "cli/job_log.h"
#include "cli/screen.h"
#include "clock.h"
#include "fsio.h"
#include "json.h"
#include "spool.h"

static int open_log(struct job_log *log, struct err *err);
static int hand_out(struct job_log *log,
    void (*visit)(void *arg, const char *line, size_t len), void *arg);

int
job_log_open(
    struct job_log *log, struct spool *s, const char *id, struct err *err)
{
	struct buf *part = malloc(sizeof *part);

	if (part == NULL)
		return err_set(err, ERR_TEMP, ENOMEM, "step log: no memory");
	memset(log, 0, sizeof *log);
	buf_init(part, JOB_LOG_LINE);
	log->part = part;
	log->fd = -1;
	log->dir = spool_fd(s, SPOOL_LOG_JOBS);
	snprintf(log->name, sizeof log->name, "%s.jsonl", id);
	return 0;
}

void
job_log_close(struct job_log *log)
{
	fs_close(&log->fd);
	if (log->part != NULL)
		buf_release(log->part);
	free(log->part);
	log->part = NULL;
}

int
job_log_read(struct job_log *log,
    void (*visit)(void *arg, const char *line, size_t len), void *arg,
    struct err *err)
{
	char chunk[32768];
	size_t got;
	int lines = 0;

	if (log->fd == -1 && open_log(log, err) == -1)
		return -1;
	if (log->fd == -1)
		return 0;
	do {
		if (fs_pread_full(
			log->fd, chunk, sizeof chunk, log->at, &got, err) == -1)
			return -1;
		log->at += (off_t)got;
		buf_add(log->part, chunk, got);
		if (log->part->state != BUF_OK) { /* a line without an end */
			buf_reset(log->part);
			log->skip = 1;
			continue;
		}
		lines += hand_out(log, visit, arg);
	} while (got == sizeof chunk);
	return lines;
}

/* Of a very long log only the end is of use on a screen. */
static int
open_log(struct job_log *log, struct err *err)
{
	struct stat st;

	if (fs_open_read(&log->fd, log->dir, log->name, err) == -1)
		return err->sys == ENOENT ? 0 : -1;
	if (fstat(log->fd, &st) == 0 && st.st_size > JOB_LOG_MAX) {
		log->at = st.st_size - JOB_LOG_MAX;
		log->skip = 1;
	}
	return 0;
}

static int
hand_out(struct job_log *log,
    void (*visit)(void *arg, const char *line, size_t len), void *arg)
{
	struct buf *part = log->part;
	const char *line = part->data, *end;
	int lines = 0;

	while ((end = memchr(line, '\n',
		    part->len - (size_t)(line - part->data))) != NULL) {
		if (!log->skip && end > line) {
			visit(arg, line, (size_t)(end - line));
			lines++;
		}
		log->skip = 0;
		line = end + 1;
	}
	part->len -= (size_t)(line - part->data);
	memmove(part->data, line, part->len);
	part->data[part->len] = '\0';
	return lines;
}

/* ---- for a person ---- */

/* Members every line has; the rest is what the line is about. */
static const char *const common[] = { "ts", "level", "event", "request_id",
	"delivery_id", "job_id", "attempt", "step", "duration_ms", "error",
	"text", "msg" };

static enum style style_of(const struct json *line);
static void add_rest(struct buf *out, const struct json *line);
static void add_member(struct buf *out, const struct json *member);

void
job_log_print(const struct screen *s, const char *line, size_t len)
{
	struct json *doc = NULL;
	struct err err = { 0 };
	const char *time, *text;
	struct buf out;
	int64_t wall;

	buf_init(&out, 2 * JOB_LOG_LINE);
	if (json_parse(&doc, line, len, &err) == -1 ||
	    json_type(doc) != JSON_OBJECT) {
		screen_text(&out, line, len);
		puts(out.data);
		buf_release(&out);
		json_free(doc);
		return;
	}
	time = json_str(json_get(doc, "ts"), "");
	if (clock_parse(&wall, time) == 0 && strlen(time) >= 11 + 12 &&
	    s->terminal)
		buf_add(&out, time + 11, 12);
	else
		screen_text(&out, time, strlen(time));
	text = json_str(json_get(doc, "event"), "?");
	buf_addf(&out, "  %s", screen_style(s, style_of(doc)));
	screen_text(&out, text, strlen(text));
	buf_adds(&out, screen_plain(s));
	add_rest(&out, doc);
	puts(out.data);
	buf_release(&out);
	json_free(doc);
}

static enum style
style_of(const struct json *line)
{
	static const struct {
		const char *event;
		enum style style;
	} styles[] = {
		{ "step_completed", STYLE_GOOD },
		{ "step_failed", STYLE_BAD },
		{ "output", STYLE_DIM },
		{ "step_started", STYLE_DIM },
	};
	const char *event = json_str(json_get(line, "event"), "");
	const char *level = json_str(json_get(line, "level"), "");

	for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
		if (strcmp(styles[i].event, event) == 0)
			return styles[i].style;
	}
	return strcmp(level, "error") == 0	? STYLE_BAD
	       : strncmp(level, "warn", 4) == 0 ? STYLE_WARN
						: STYLE_HEAD;
}

static void
add_rest(struct buf *out, const struct json *line)
{
	int64_t ms = json_int(json_get(line, "duration_ms"), -1);
	const char *step = json_str(json_get(line, "step"), "");
	const char *text = json_str(json_get(line, "text"), NULL);
	const char *msg = json_str(json_get(line, "msg"), NULL);
	const char *why = json_str(json_path(line, "error.message"),
	    json_str(json_get(line, "error"), ""));

	if (step[0] != '\0') {
		buf_addc(out, ' ');
		screen_text(out, step, strlen(step));
	}
	/* Beyond a hundred years it is nonsense, and would not fit. */
	if (ms >= 0 && ms < INT64_C(100) * 366 * 86400 * 1000) {
		buf_addc(out, ' ');
		screen_duration(out, ms * CLOCK_MSEC);
	}
	if (why[0] != '\0') {
		buf_adds(out, ": ");
		screen_text(out, why, strlen(why));
	}
	if (text != NULL || msg != NULL) {
		buf_adds(out, ": ");
		screen_text(out, text != NULL ? text : msg,
		    strlen(text != NULL ? text : msg));
	}
	JSON_EACH (member, line)
		add_member(out, member);
}

static void
add_member(struct buf *out, const struct json *member)
{
	const char *name = json_name(member);
	struct buf value;

	for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
		if (strcmp(common[i], name) == 0)
			return;
	}
	buf_init(&value, JOB_LOG_LINE);
	json_put_value(&value, member);
	buf_addc(out, ' ');
	screen_text(out, name, strlen(name));
	buf_addc(out, '=');
	screen_text(out, value.data, value.len);
	buf_release(&value);
}
