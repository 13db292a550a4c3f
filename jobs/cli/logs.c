/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli/cli.h"
#include "cli/follow.h"
#include "cli/job_find.h"
#include "cli/job_log.h"
#include "cli/logs.h"
#include "cli/screen.h"
#include "clock.h"
#include "fsio.h"
#include "json.h"
#include "record.h"
#include "spool.h"

/*
 * `hookspool logs`: records of settled jobs, the newest last; with --follow
 * those that come; with --job and --follow the steps of one job as they
 * happen, until it settles.
 */

#define LOGS_LIMIT 100	/* unless --limit says otherwise */
#define WAIT_MS	   1000 /* what inotify missed is seen this late */

struct logs {
	struct cli *cli;
	struct screen screen;
	struct logs_filter filter;
	size_t limit;
	struct buf texts; /* of records, the newest first, a NUL each */
	size_t *at;	  /* where each begins */
	size_t count, room;
	int more; /* there are older ones than those */
};

static int parse_filter(struct logs *l);
static int parse_moment(
    int64_t *out, const struct cli *cli, const char *option, int64_t now);
static int parse_number(
    int64_t *out, const struct cli *cli, const char *option);
static int show_history(struct logs *l);
static int keep(void *arg, const char *text, size_t len);
static int print_history(struct logs *l);
static void print_one(struct logs *l, const char *text, size_t len);
static void print_new(void *arg, const char *text, size_t len);
static int follow_records(struct logs *l);
static int follow_job(struct logs *l);
static void print_step(void *arg, const char *line, size_t len);
static int has_settled(struct logs *l, const struct job_ref *job);

int
cli_logs(struct cli *cli)
{
	struct logs l = { .cli = cli };
	int code;

	screen_init(&l.screen);
	code = parse_filter(&l);
	if (code != CLI_YES)
		return code;
	buf_init(&l.texts, SIZE_MAX / 2);
	/* What came through a pipe is to be seen at once. */
	if (cli_value(cli, "follow") != NULL)
		setvbuf(stdout, NULL, _IOLBF, 0);
	if (cli_value(cli, "follow") == NULL)
		code = show_history(&l);
	else
		code =
		    l.filter.job != NULL ? follow_job(&l) : follow_records(&l);
	buf_release(&l.texts);
	free(l.at);
	return code;
}

static int
parse_filter(struct logs *l)
{
	struct logs_filter *f = &l->filter;
	int64_t limit = LOGS_LIMIT;

	f->delivery = cli_value(l->cli, "delivery");
	f->job = cli_value(l->cli, "job");
	f->repository = cli_value(l->cli, "repo");
	f->event = cli_value(l->cli, "event");
	f->status = cli_value(l->cli, "status");
	if (f->job != NULL && !job_text_valid(f->job))
		return cli_usage("--job %.60s: not a job", f->job);
	if (parse_number(&f->number, l->cli, "pr") == -1 ||
	    parse_number(&limit, l->cli, "limit") == -1 ||
	    parse_moment(&f->since, l->cli, "since", l->screen.now) == -1 ||
	    parse_moment(&f->until, l->cli, "until", l->screen.now) == -1)
		return CLI_USAGE;
	l->limit = limit == 0 ? SIZE_MAX : (size_t)limit;
	return CLI_YES;
}

static int
parse_number(int64_t *out, const struct cli *cli, const char *option)
{
	const char *text = cli_value(cli, option);
	char *end;

	if (text == NULL)
		return 0;
	*out = strtoll(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0')
		return cli_usage("--%s %.20s: not a number", option, text), -1;
	return 0;
}

static int
parse_moment(
    int64_t *out, const struct cli *cli, const char *option, int64_t now)
{
	const char *text = cli_value(cli, option);

	if (text != NULL && logs_time(out, text, now) == -1)
		return cli_usage(
			   "--%s %.40s: not a time (2026-11-22T01:02:03Z, "
			   "2026-11-22, 90s, 15m, 2h or 3d ago)",
			   option, text),
		       -1;
	return 0;
}

/* ---- history ---- */

/* A delivery, a job, or the beginning of one, as it stands in records. */
static const char *
find_needle(const struct logs *l, char needle[JOB_ID_MAX])
{
	const char *text = l->filter.delivery;
	size_t i;

	if (text == NULL)
		text = l->filter.job;
	if (text == NULL || strlen(text) >= JOB_ID_MAX)
		return NULL;
	for (i = 0; text[i] != '\0'; i++)
		needle[i] = (char)tolower((unsigned char)text[i]);
	needle[i] = '\0';
	return needle;
}

/*
 * What of it begins a UUID, which the index knows. A job's number may stand
 * before it; eight digits before a dash may be either, and are looked for in
 * the text.
 */
static const char *
find_uuid(const struct logs *l, const char *needle)
{
	const char *dash = needle != NULL ? strchr(needle, '-') : NULL;
	size_t digits = needle != NULL ? strspn(needle, "0123456789") : 0;

	if (needle == NULL || l->filter.delivery != NULL)
		return needle;
	if (dash != NULL && (size_t)(dash - needle) == digits)
		return digits != 8 && dash[1] != '\0' ? dash + 1 : NULL;
	return needle[digits] == '\0' ? NULL : needle;
}

/* What the library compares exactly, and we leniently, is left to us. */
static int
show_history(struct logs *l)
{
	char needle[JOB_ID_MAX];
	const char *holds = find_needle(l, needle);
	struct record_filter weed = {
		.holds = holds,
		.uuid = find_uuid(l, holds),
		.repository = l->filter.repository,
		.event = l->filter.event,
		.number = l->filter.number,
		.since = l->filter.since,
		.until = l->filter.until,
		.newest_first = 1,
	};
	struct err err = { 0 };

	if (record_each(l->cli->spool, &weed, keep, l, &err) == -1)
		return cli_error(&err);
	return print_history(l);
}

/* The newest come first; one more than is shown tells that there are more. */
static int
keep(void *arg, const char *text, size_t len)
{
	struct logs *l = arg;
	struct json *doc = NULL;
	struct err err = { 0 };
	int wanted;

	if (json_parse(&doc, text, len, &err) == -1)
		return 0;
	wanted = logs_match(&l->filter, doc);
	json_free(doc);
	if (!wanted)
		return 0;
	if (l->count == l->limit) {
		l->more = 1;
		return 1;
	}
	if (l->count == l->room) {
		l->room = l->room == 0 ? 128 : 2 * l->room;
		l->at = reallocarray(l->at, l->room, sizeof *l->at);
		if (l->at == NULL)
			fatal("out of memory");
	}
	l->at[l->count++] = l->texts.len;
	buf_add(&l->texts, text, len);
	buf_addc(&l->texts, '\0');
	if (l->texts.state != BUF_OK)
		fatal("out of memory");
	return 0;
}

static int
print_history(struct logs *l)
{
	struct buf out;
	int code = CLI_YES;

	buf_init(&out, SIZE_MAX / 2);
	buf_adds(&out, "{\"records\":[");
	for (size_t i = l->count; i-- > 0;) {
		const char *text = l->texts.data + l->at[i];

		if (l->cli->json)
			buf_addf(
			    &out, "%s%s", i + 1 < l->count ? "," : "", text);
		else
			print_one(l, text, strlen(text));
	}
	buf_adds(&out, "]");
	json_put_int(&out, "shown", (int64_t)l->count);
	json_put_bool(&out, "more", l->more);
	buf_addc(&out, '}');
	if (l->cli->json)
		code = screen_document(&out);
	else if (l->more)
		fprintf(stderr,
		    "hookspool: the last %zu records; --limit 0 shows all\n",
		    l->count);
	buf_release(&out);
	return code == CLI_YES && l->count == 0 ? CLI_NO : code;
}

static void
print_one(struct logs *l, const char *text, size_t len)
{
	struct json *doc = NULL;
	struct err err = { 0 };
	struct buf out;

	if (json_parse(&doc, text, len, &err) == -1)
		return;
	if (l->cli->json) { /* --follow: an object a line */
		buf_init(&out, SIZE_MAX / 2);
		json_put_value(&out, doc);
		screen_document(&out);
		buf_release(&out);
	} else {
		logs_print(&l->screen, doc, cli_value(l->cli, "steps") != NULL);
	}
	json_free(doc);
}

/* ---- following ---- */

static void
print_new(void *arg, const char *text, size_t len)
{
	struct logs *l = arg;
	struct json *doc = NULL;
	struct err err = { 0 };

	if (json_parse(&doc, text, len, &err) == -1)
		return;
	if (logs_match(&l->filter, doc))
		print_one(l, text, len);
	json_free(doc);
}

/* Ends when nobody listens any more, or on a signal. */
static int
follow_records(struct logs *l)
{
	struct follow f;
	struct err err = { 0 };

	if (follow_open(&f, l->cli->spool, clock_wall(), &err) == -1)
		return cli_error(&err);
	while (!ferror(stdout)) {
		if (follow_read(&f, clock_wall(), print_new, l, &err) == -1)
			break;
		follow_wait(f.notify, WAIT_MS);
	}
	follow_close(&f);
	return err.class != ERR_NONE ? cli_error(&err) : CLI_YES;
}

/* Whether it settled is asked before reading, so that no line is missed. */
static int
follow_job(struct logs *l)
{
	struct job_ref job;
	struct job_log log;
	struct err err = { 0 };
	int settled, notify, code = job_find(l->cli, l->filter.job, &job);

	if (code != 0)
		return code;
	if (job_log_open(&log, l->cli->spool, job.name.id, &err) == -1)
		return cli_error(&err);
	notify = follow_watch(log.dir);
	for (;;) {
		settled = has_settled(l, &job);
		if (job_log_read(&log, print_step, l, &err) == -1) {
			code = cli_error(&err);
			break;
		}
		if (settled || ferror(stdout))
			break;
		follow_wait(notify, WAIT_MS);
	}
	fs_close(&notify);
	job_log_close(&log);
	return code;
}

static void
print_step(void *arg, const char *line, size_t len)
{
	struct logs *l = arg;
	struct buf out;

	if (!l->cli->json) {
		job_log_print(&l->screen, line, len);
		return;
	}
	buf_init(&out, JOB_LOG_LINE * 2);
	buf_add(&out, line, len);
	screen_document(&out);
	buf_release(&out);
}

/* A job that was swept meanwhile has settled too. */
static int
has_settled(struct logs *l, const struct job_ref *job)
{
	struct spool_name name;
	struct err ignored = { 0 };
	unsigned state;

	if (spool_find(l->cli->spool, job->name.id, &state, &name, &ignored) ==
	    -1)
		return ignored.class == ERR_BAD;
	return state >= SPOOL_DONE;
}
