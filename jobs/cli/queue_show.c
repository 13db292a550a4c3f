/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "cli/cli.h"
#include "cli/job_find.h"
#include "cli/job_log.h"
#include "cli/screen.h"
#include "clock.h"
#include "fsio.h"
#include "json.h"
#include "outbox.h"
#include "record.h"
#include "spool.h"

/*
 * `hookspool queue show`: all that is known of one job: its head, its
 * record if it settled, its step log.
 */

struct view {
	struct cli *cli;
	struct screen screen;
	struct job_ref job;
	struct job_head head;
	int readable;	    /* the head could be read */
	struct err why_not; /* else */
	size_t body_at;
	int fd;
	int64_t due;	   /* retry: not before */
	struct buf record; /* its last record, "" if none */
	struct buf json;
	int lines; /* of the step log, put into the document */
};

static int open_job(struct view *v, struct err *err);
static int find_record(struct view *v, struct err *err);
static int keep_record(void *arg, const char *text, size_t len);
static int print_payload(struct view *v);
static int print_text(struct view *v);
static void print_head(const struct view *v);
static void print_outcome(const struct view *v);
static void print_status(const struct view *v);
static void print_line(void *arg, const char *line, size_t len);
static int print_json(struct view *v);
static void add_line(void *arg, const char *line, size_t len);
static int each_line(struct view *v,
    void (*visit)(void *arg, const char *line, size_t len), struct err *err);

int
cli_queue_show(struct cli *cli)
{
	struct view v = { .cli = cli, .fd = -1 };
	struct err err = { 0 };
	int code = job_find(cli, cli->argv[0], &v.job);

	if (code != 0)
		return code;
	screen_init(&v.screen);
	buf_init(&v.record, JOB_LOG_MAX);
	buf_init(&v.json, SIZE_MAX / 2);
	if (open_job(&v, &err) == -1)
		code = cli_error(&err);
	else if (cli_value(cli, "payload") != NULL)
		code = print_payload(&v);
	else if (find_record(&v, &err) == -1)
		code = cli_error(&err);
	else
		code = cli->json ? print_json(&v) : print_text(&v);
	fs_close(&v.fd);
	buf_release(&v.record);
	buf_release(&v.json);
	return code;
}

/* A file whose head cannot be read is shown for what it is. */
static int
open_job(struct view *v, struct err *err)
{
	char name[SPOOL_NAME_MAX];
	struct stat st;

	spool_name_format(name, v->job.state, &v->job.name);
	if (fs_open_read(
		&v->fd, spool_fd(v->cli->spool, v->job.state), name, err) == -1)
		return err_prefix(err, "%s", v->job.name.id);
	if (v->job.state == SPOOL_RETRY && fstat(v->fd, &st) == 0)
		v->due = clock_ns(&st.st_mtim);
	v->readable = head_read(&v->head, &v->body_at, v->fd, &v->why_not) == 0;
	return 0;
}

static int
find_record(struct view *v, struct err *err)
{
	struct record_filter filter = { .job_id = v->job.name.id };

	return record_each(v->cli->spool, &filter, keep_record, v, err);
}

/* A job that was armed again has several: the last one counts. */
static int
keep_record(void *arg, const char *text, size_t len)
{
	struct view *v = arg;

	buf_reset(&v->record);
	buf_add(&v->record, text, len);
	return 0;
}

static int
print_payload(struct view *v)
{
	struct err err = v->why_not;
	char chunk[65536];
	uint64_t left = v->head.length;
	off_t at = (off_t)v->body_at;

	if (!v->readable)
		return cli_error(&err);
	while (left > 0) {
		size_t want = left < sizeof chunk ? left : sizeof chunk, got;

		if (fs_pread_full(v->fd, chunk, want, at, &got, &err) == -1)
			return cli_error(&err);
		if (v->screen.terminal) {
			struct buf safe;

			buf_init(&safe, sizeof chunk * 8);
			screen_text(&safe, chunk, got);
			fwrite(safe.data, 1, safe.len, stdout);
			buf_release(&safe);
		} else {
			fwrite(chunk, 1, got, stdout);
		}
		if (got < want)
			break;
		left -= got;
		at += (off_t)got;
	}
	return CLI_YES;
}

/* ---- for a person ---- */

static int
print_text(struct view *v)
{
	struct err err = { 0 };

	print_head(v);
	if (v->record.len > 0)
		print_outcome(v);
	print_status(v);
	return each_line(v, print_line, &err) == -1 ? cli_error(&err) : CLI_YES;
}

static void
print_field(const struct screen *s, const char *name, const char *value)
{
	struct buf text;

	if (value[0] == '\0')
		return;
	buf_init(&text, 4096);
	screen_text(&text, value, strlen(value));
	printf("%s%-11s%s %s\n", screen_style(s, STYLE_DIM), name,
	    screen_plain(s), text.data);
	buf_release(&text);
}

static void
print_head(const struct view *v)
{
	const struct job_head *h = &v->head;
	const struct screen *s = &v->screen;
	struct buf text;

	buf_init(&text, 4096);
	print_field(s, "job", v->job.name.id);
	buf_adds(&text, spool_dir_name(v->job.state));
	if (v->job.state < SPOOL_DONE)
		buf_addf(&text, ", attempt %u", v->job.name.attempt);
	if (v->due != 0) {
		buf_adds(&text, ", due ");
		screen_when(s, &text, v->due);
	}
	print_field(s, "state", text.data);
	if (!v->readable) {
		print_field(s, "unreadable", v->why_not.text);
		buf_release(&text);
		return;
	}
	buf_reset(&text);
	job_event_text(&text, h->event, h->action);
	print_field(s, "event", text.data);
	buf_reset(&text);
	job_place_text(&text, h->repository, h->number);
	print_field(s, "repository", text.data);
	print_field(s, "sender", h->sender);
	print_field(s, "commit", h->sha);
	print_field(s, "key", h->key);
	print_field(s, "request", h->request_id);
	print_field(s, "peer", h->peer);
	buf_reset(&text);
	screen_when(s, &text, h->received);
	print_field(s, "received", text.data);
	buf_reset(&text);
	screen_size(&text, h->length);
	buf_addf(&text, " %s", h->type);
	print_field(s, "payload", text.data);
	buf_release(&text);
}

static void
print_outcome(const struct view *v)
{
	struct json *doc = NULL;
	struct err err = { 0 };
	const struct json *timing;
	struct buf text;

	if (json_parse(&doc, v->record.data, v->record.len, &err) == -1)
		return;
	buf_init(&text, 4096);
	timing = json_get(doc, "timing");
	print_field(
	    &v->screen, "outcome", json_str(json_get(doc, "state"), "?"));
	print_field(&v->screen, "reason",
	    json_str(json_get(doc, "reason"),
		json_str(json_path(doc, "error.message"), "")));
	screen_duration(
	    &text, json_int(json_get(timing, "duration_ms"), 0) * CLOCK_MSEC);
	buf_addf(&text, " in attempt %" PRId64,
	    json_int(json_get(doc, "attempts"), 0));
	print_field(&v->screen, "took", text.data);
	buf_release(&text);
	json_free(doc);
}

static void
print_status(const struct view *v)
{
	struct status_report r;
	struct err ignored;
	struct buf text;

	if (outbox_read(v->cli->spool, v->job.name.id, &r, &ignored) == -1)
		return;
	buf_init(&text, 4096);
	buf_addf(&text, "%s, %s%s%s", commit_state_name(r.state),
	    r.result == RESULT_WAITING ? "pending"
				       : status_result_name(r.result),
	    r.words[0] != '\0' ? ": " : "", r.words);
	print_field(&v->screen, "status", text.data);
	buf_release(&text);
}

static void
print_line(void *arg, const char *line, size_t len)
{
	struct view *v = arg;

	if (v->lines++ == 0)
		putchar('\n');
	job_log_print(&v->screen, line, len);
}

/* ---- for a program ---- */

static int
print_json(struct view *v)
{
	struct err err = { 0 };
	struct buf *out = &v->json;
	char text[CLOCK_TEXT];

	buf_addc(out, '{');
	json_put_member(out, "job_id", v->job.name.id);
	json_put_member(out, "state", spool_dir_name(v->job.state));
	if (v->job.state < SPOOL_DONE)
		json_put_int(out, "attempt", v->job.name.attempt);
	if (v->due != 0) {
		clock_text(text, v->due);
		json_put_member(out, "not_before", text);
	}
	if (v->readable)
		job_head_json(out, &v->head);
	else
		json_put_member(out, "error", v->why_not.text);
	json_put_key(out, "steps");
	buf_addc(out, '[');
	if (each_line(v, add_line, &err) == -1)
		return cli_error(&err);
	buf_addc(out, ']');
	json_put_key(out, "record");
	if (v->record.len > 0)
		buf_add(out, v->record.data, v->record.len);
	else
		buf_adds(out, "null");
	buf_addc(out, '}');
	return screen_document(out);
}

/* A torn line would break the document: only what parses goes in. */
static void
add_line(void *arg, const char *line, size_t len)
{
	struct view *v = arg;
	struct json *doc = NULL;
	struct err err = { 0 };

	if (json_parse(&doc, line, len, &err) == -1)
		return;
	if (v->lines++ > 0)
		buf_addc(&v->json, ',');
	json_put_value(&v->json, doc);
	json_free(doc);
}

static int
each_line(struct view *v,
    void (*visit)(void *arg, const char *line, size_t len), struct err *err)
{
	struct job_log log;
	int n;

	if (job_log_open(&log, v->cli->spool, v->job.name.id, err) == -1)
		return -1;
	n = job_log_read(&log, visit, v, err);
	job_log_close(&log);
	return n;
}
