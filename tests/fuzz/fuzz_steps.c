/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli/follow.h"
#include "cli/job_log.h"
#include "cli/screen.h"
#include "err.h"
#include "json.h"
#include "place.h"
#include "record_parts.h"
#include "spool.h"
#include "worker/history.h"

/*
 * A job's step log, as a worker, a command's output or a crash left it: the
 * record's steps, the history of attempts, and what `logs` shows; and the
 * same bytes as a day's records that are followed. What comes in two parts
 * is read as what comes at once, a record's members are JSON, and nothing
 * that steers a terminal gets out.
 */

#define ID  "7-0b989ba4-242f-11e5-81e1-c7b6966d2516"
#define LOG ID ".jsonl"
#define DAY "webhooks_2026-11-22.json"
#define NOW INT64_C(1795309323000000000) /* on that day */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

struct seen {
	unsigned long count, sum; /* of texts, in their order */
};

static void
note(void *arg, const char *text, size_t len)
{
	struct seen *s = arg;

	for (size_t i = 0; i < len; i++)
		s->sum = s->sum * 33 ^ (unsigned char)text[i];
	s->sum = s->sum * 33 ^ '\n';
	s->count++;
}

static void
read_steps(void)
{
	struct job_steps *steps;
	struct json *doc;
	struct err err = { 0 };
	struct buf b;

	if (job_steps_read(&steps, place_spool(), ID, &err) == -1)
		abort();
	for (int whole = 0; whole < 2; whole++) {
		buf_init(&b, 1 << 22);
		buf_addc(&b, '{');
		job_steps_put(&b, steps, whole);
		buf_addc(&b, '}');
		if (b.state == BUF_OK &&
		    json_parse(&doc, b.data, b.len, &err) == -1)
			abort();
		if (b.state == BUF_OK)
			json_free(doc);
		buf_release(&b);
	}
	buf_init(&b, 1 << 22);
	job_steps_summary(&b, steps);
	buf_release(&b);
	(void)job_steps_partial(steps);
	(void)job_steps_calls(steps);
	(void)job_steps_error(steps);
	(void)job_steps_about(steps, "pr");
	job_steps_free(steps);
}

static void
read_history(void)
{
	struct history h = { 0 };
	struct err err;

	if (history_read(&h, place_spool(), ID, &err) == -1)
		abort();
	for (size_t i = 0; i < h.count; i++) {
		if (history_of(&h, h.rows[i].name) != &h.rows[i])
			abort();
	}
	history_release(&h);
}

static void
show(void *arg, const char *line, size_t len)
{
	struct screen s = { .terminal = *(const int *)arg, .now = NOW };

	job_log_print(&s, line, len);
}

/* What is printed goes through stdout, which a replay needs itself. */
static void
show_all(int terminal)
{
	FILE *real = stdout;
	struct job_log log;
	struct err err;
	char *text;
	size_t size;

	stdout = open_memstream(&text, &size);
	if (stdout == NULL ||
	    job_log_open(&log, place_spool(), ID, &err) == -1 ||
	    job_log_read(&log, show, &terminal, &err) == -1)
		abort();
	job_log_close(&log);
	fclose(stdout);
	stdout = real;
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < ' ' && c != '\n') || c == 0x7f)
			abort();
	}
	free(text);
}

static struct seen
read_log(const void *data, size_t first, size_t size)
{
	struct seen seen = { 0 };
	struct job_log log;
	struct err err;

	place_write(SPOOL_LOG_JOBS, LOG, data, first);
	if (job_log_open(&log, place_spool(), ID, &err) == -1 ||
	    job_log_read(&log, note, &seen, &err) == -1)
		abort();
	place_add(
	    SPOOL_LOG_JOBS, LOG, (const char *)data + first, size - first);
	if (job_log_read(&log, note, &seen, &err) == -1)
		abort();
	job_log_close(&log);
	return seen;
}

/* As at the change of the day. Opening it anew each time would mean an
 * inotify instance each, whose end takes the kernel milliseconds. */
static void
rewind_day(struct follow *f)
{
	struct err err;

	place_write(SPOOL_LOG, DAY, NULL, 0);
	if (f->part == NULL && follow_open(f, place_spool(), NOW, &err) == -1)
		abort();
	f->at = 0;
	f->depth = 0;
	f->line_start = 1;
	buf_reset(f->part);
}

static struct seen
follow_day(const void *data, size_t first, size_t size)
{
	static struct follow f;
	struct seen seen = { 0 };
	struct err err;

	rewind_day(&f);
	place_add(SPOOL_LOG, DAY, data, first);
	if (follow_read(&f, NOW, note, &seen, &err) == -1)
		abort();
	place_add(SPOOL_LOG, DAY, (const char *)data + first, size - first);
	if (follow_read(&f, NOW, note, &seen, &err) == -1)
		abort();
	return seen;
}

static void
must_be_alike(struct seen a, struct seen b)
{
	if (a.count != b.count || a.sum != b.sum)
		abort();
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	size_t first = size > 0 ? data[size - 1] * size / 256 : 0;

	must_be_alike(read_log(data, first, size), read_log(data, size, size));
	must_be_alike(
	    follow_day(data, first, size), follow_day(data, size, size));
	read_steps();
	read_history();
	show_all(0);
	show_all(1);
	return 0;
}
