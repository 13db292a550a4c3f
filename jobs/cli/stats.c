/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "cli/cli.h"
#include "cli/screen.h"
#include "cli/stats.h"
#include "cli/table.h"
#include "clock.h"
#include "json.h"
#include "runner/presence.h"

/* `hookspool stats`: what stats.h counts, for a person or a program. */

static int print_text(
    struct cli *cli, const struct stats *st, const struct screen *s);
static int print_states(const struct stats *st, const struct screen *s);
static void print_today(const struct stats *st, const struct screen *s);
static void print_rest(
    struct cli *cli, const struct stats *st, const struct screen *s);
static int print_json(
    struct cli *cli, const struct stats *st, const struct screen *s);
static void add_states(
    struct buf *out, const struct stats *st, const struct screen *s);
static void add_today(
    struct buf *out, const struct stats *st, const struct screen *s);
static uint64_t queue_depth(const struct stats *st);

int
cli_stats(struct cli *cli)
{
	struct stats st = { 0 };
	struct screen s;
	struct err err = { 0 };
	int code;

	screen_init(&s);
	if (stats_collect(&st, cli->spool, s.now, &err) == -1)
		code = cli_error(&err);
	else
		code = cli->json ? print_json(cli, &st, &s)
				 : print_text(cli, &st, &s);
	stats_release(&st);
	return code;
}

/* What has yet to be done, whether its time has come or not. */
static uint64_t
queue_depth(const struct stats *st)
{
	return st->states[SPOOL_NEW].jobs + st->states[SPOOL_RETRY].jobs;
}

static int
print_text(struct cli *cli, const struct stats *st, const struct screen *s)
{
	int code = print_states(st, s);

	print_today(st, s);
	print_rest(cli, st, s);
	return code;
}

static int
print_states(const struct stats *st, const struct screen *s)
{
	static const char *const titles[] = { "STATE", ">JOBS", ">DISK",
		"OLDEST", NULL };
	struct table t;
	int code;

	table_init(&t, titles);
	for (unsigned i = SPOOL_NEW; i < SPOOL_STATES; i++) {
		int alarm = st->states[i].jobs > 0 &&
			    (i == SPOOL_DEAD || i == SPOOL_BAD);

		table_cell(&t, STYLE_PLAIN, spool_dir_name(i));
		table_cellf(&t, alarm ? STYLE_BAD : STYLE_PLAIN, "%" PRIu64,
		    st->states[i].jobs);
		table_size(&t, st->states[i].bytes);
		table_when(&t, s, st->states[i].oldest);
	}
	code = table_print(&t, s);
	table_release(&t);
	return code;
}

static void
print_today(const struct stats *st, const struct screen *s)
{
	struct buf line;

	buf_init(&line, 4096);
	buf_addf(&line, "\n%" PRIu64 " settled today (UTC)", st->records);
	for (size_t i = 0; i < st->noutcomes; i++) {
		buf_addf(&line, "%s%" PRIu64 " ", i == 0 ? ": " : ", ",
		    st->outcomes[i].count);
		screen_text(
		    &line, st->outcomes[i].name, strlen(st->outcomes[i].name));
	}
	if (st->ndurations > 0) {
		buf_adds(&line, "\ndurations: half within ");
		screen_duration(&line, stats_percentile(st, 50) * CLOCK_MSEC);
		buf_adds(&line, ", 95 % within ");
		screen_duration(&line, stats_percentile(st, 95) * CLOCK_MSEC);
		buf_adds(&line, ", longest ");
		screen_duration(&line, stats_percentile(st, 100) * CLOCK_MSEC);
	}
	screen_print(s, STYLE_PLAIN, line.data);
	putchar('\n');
	buf_release(&line);
}

/* The order in which they are shown, and what `stats` calls them. */
static const struct {
	enum status_result result;
	const char *name;
} report_names[] = {
	{ RESULT_REPORTED, "sent" },
	{ RESULT_WAITING, "pending" },
	{ RESULT_REFUSED, "refused" },
	{ RESULT_EXPIRED, "expired" },
	{ RESULT_SUPERSEDED, "superseded" },
};

static void
print_reports(const struct stats *st, const struct screen *s)
{
	struct buf line;

	buf_init(&line, 4096);
	buf_adds(&line, "commit statuses:");
	for (size_t i = 0; i < RESULTS; i++)
		buf_addf(&line, "%s %" PRIu64 " %s", i > 0 ? "," : "",
		    st->reports[report_names[i].result], report_names[i].name);
	buf_adds(&line, "\nrunner: ");
	screen_print(s, STYLE_PLAIN, line.data);
	buf_release(&line);
}

static void
print_rest(struct cli *cli, const struct stats *st, const struct screen *s)
{
	struct buf line;

	buf_init(&line, 4096);
	buf_addf(&line,
	    "queue depth %" PRIu64 ", %" PRIu64
	    " deliveries remembered\nlogs take ",
	    queue_depth(st), st->seen);
	screen_size(&line, st->log_bytes);
	buf_adds(&line, "; free: ");
	screen_size(&line, st->free_bytes);
	buf_addf(&line, " and %" PRIu64 " inodes\n", st->free_inodes);
	screen_print(s, STYLE_PLAIN, line.data);
	print_reports(st, s);
	if (presence_alive(cli->spool))
		screen_print(s, STYLE_GOOD, "alive");
	else
		screen_print(s, STYLE_BAD, "not running");
	putchar('\n');
	buf_release(&line);
}

static int
print_json(struct cli *cli, const struct stats *st, const struct screen *s)
{
	struct buf out;
	int code;

	buf_init(&out, 65536);
	buf_addc(&out, '{');
	add_states(&out, st, s);
	json_put_int(&out, "queue_depth", (int64_t)queue_depth(st));
	json_put_int(&out, "seen_entries", (int64_t)st->seen);
	add_today(&out, st, s);
	json_put_key(&out, "commit_statuses");
	buf_addc(&out, '{');
	for (size_t i = 0; i < RESULTS; i++)
		json_put_int(&out, report_names[i].name,
		    (int64_t)st->reports[report_names[i].result]);
	buf_addc(&out, '}');
	json_put_key(&out, "disk");
	buf_addc(&out, '{');
	json_put_int(&out, "log_bytes", (int64_t)st->log_bytes);
	json_put_int(&out, "free_bytes", (int64_t)st->free_bytes);
	json_put_int(&out, "free_inodes", (int64_t)st->free_inodes);
	buf_addc(&out, '}');
	json_put_key(&out, "runner");
	buf_addc(&out, '{');
	json_put_bool(&out, "alive", presence_alive(cli->spool));
	json_put_int(&out, "heartbeat_age_s", presence_age(cli->spool));
	buf_adds(&out, "}}");
	code = screen_document(&out);
	buf_release(&out);
	return code;
}

static void
add_states(struct buf *out, const struct stats *st, const struct screen *s)
{
	char text[CLOCK_TEXT];

	json_put_key(out, "states");
	buf_addc(out, '{');
	for (unsigned i = SPOOL_NEW; i < SPOOL_STATES; i++) {
		int64_t oldest = st->states[i].oldest;

		json_put_key(out, spool_dir_name(i));
		buf_addc(out, '{');
		json_put_int(out, "jobs", (int64_t)st->states[i].jobs);
		json_put_int(out, "bytes", (int64_t)st->states[i].bytes);
		if (oldest != 0) {
			clock_text(text, oldest);
			json_put_member(out, "oldest_at", text);
			json_put_int(out, "oldest_age_s",
			    (s->now - oldest) / CLOCK_SECOND);
		}
		buf_addc(out, '}');
	}
	buf_addc(out, '}');
}

static void
add_today(struct buf *out, const struct stats *st, const struct screen *s)
{
	char day[CLOCK_DAY];

	clock_day(day, s->now);
	json_put_key(out, "today");
	buf_addc(out, '{');
	json_put_member(out, "day", day);
	json_put_int(out, "records", (int64_t)st->records);
	json_put_key(out, "by_state");
	buf_addc(out, '{');
	for (size_t i = 0; i < st->noutcomes; i++)
		json_put_int(
		    out, st->outcomes[i].name, (int64_t)st->outcomes[i].count);
	buf_addc(out, '}');
	json_put_key(out, "duration_ms");
	buf_addc(out, '{');
	json_put_int(out, "p50", stats_percentile(st, 50));
	json_put_int(out, "p95", stats_percentile(st, 95));
	json_put_int(out, "max", stats_percentile(st, 100));
	buf_adds(out, "}}");
}
