/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "buf.h"
#include "cli/cli.h"
#include "cli/job_find.h"
#include "cli/screen.h"
#include "cli/table.h"
#include "clock.h"
#include "json.h"
#include "runner/order.h"
#include "spool.h"

/*
 * `hookspool queue list`. A spool may hold a hundred thousand jobs: names
 * and times of all are read, heads only of those that are shown. Where the
 * runner keeps the order of those in new/, a few more than are shown are read
 * of them.
 */

#define LIST_LIMIT 100 /* unless --limit says otherwise */
#define ORDER_MORE 100 /* read: the runner's order is not quite ours */

struct entry {
	unsigned state;
	struct spool_name name;
	int64_t time; /* waiting: mtime; settled: when it was settled */
};

struct listing {
	struct cli *cli;
	struct screen screen;
	unsigned states; /* bit set of those asked for */
	unsigned state;	 /* being read */
	const char *repository;
	size_t limit, shown;
	struct entry *entries;
	size_t count, room;
	uint64_t others; /* of new/, not read */
	struct table table;
	struct buf json;
};

static const struct {
	const char *word; /* the directory, and the job API's name */
	unsigned states;
} state_words[] = {
	{ "new", 1u << SPOOL_NEW },
	{ "queued", 1u << SPOOL_NEW },
	{ "run", 1u << SPOOL_RUN },
	{ "running", 1u << SPOOL_RUN },
	{ "retry", 1u << SPOOL_RETRY },
	{ "retrying", 1u << SPOOL_RETRY },
	{ "hold", 1u << SPOOL_HOLD },
	{ "held", 1u << SPOOL_HOLD },
	{ "done", 1u << SPOOL_DONE },
	{ "succeeded", 1u << SPOOL_DONE },
	{ "dead", 1u << SPOOL_DEAD },
	{ "bad", 1u << SPOOL_BAD },
	{ "quarantined", 1u << SPOOL_BAD },
	{ "active", 1u << SPOOL_NEW | 1u << SPOOL_RUN | 1u << SPOOL_RETRY |
			1u << SPOOL_HOLD },
	{ "settled", 1u << SPOOL_DONE | 1u << SPOOL_DEAD | 1u << SPOOL_BAD },
	{ "all", ~(1u << SPOOL_TMP) },
};

static int parse_arguments(struct listing *l);
static int parse_states(unsigned *out, const char *word);
static int collect(struct listing *l, struct err *err);
static int collect_first(struct listing *l);
static int add_first(void *arg, const struct spool_name *name);
static int add_entry(void *arg, const struct spool_name *name);
static int by_time(const void *a, const void *b);
static int is_settled(unsigned state);
static void show_entries(struct listing *l);
static void show_entry(struct listing *l, const struct entry *e);
static void add_row(
    struct listing *l, const struct entry *e, const struct job_head *head);
static void add_json(struct listing *l, const struct entry *e,
    const struct job_head *head, const struct err *err);
static int print_listing(struct listing *l);

int
cli_queue_list(struct cli *cli)
{
	static const char *const titles[] = { "STATE", "RECEIVED", ">TRY",
		"EVENT", "WHERE", "JOB", "NOTE", NULL };
	struct listing l = { .cli = cli };
	struct err err = { 0 };
	int code;

	screen_init(&l.screen);
	code = parse_arguments(&l);
	if (code != CLI_YES)
		return code;
	buf_init(&l.json, SIZE_MAX / 2);
	table_init(&l.table, titles);
	if (collect(&l, &err) == -1) {
		code = cli_error(&err);
	} else {
		if (l.count > 1)
			qsort(l.entries, l.count, sizeof *l.entries, by_time);
		show_entries(&l);
		code = print_listing(&l);
	}
	table_release(&l.table);
	buf_release(&l.json);
	free(l.entries);
	return code;
}

static int
parse_arguments(struct listing *l)
{
	const char *state = cli_value(l->cli, "state");
	const char *limit = cli_value(l->cli, "limit");
	char *end;

	l->repository = cli_value(l->cli, "repo");
	if (parse_states(&l->states, state != NULL ? state : "active") == -1)
		return cli_usage("--state %.20s: no such state", state);
	l->limit = LIST_LIMIT;
	if (limit != NULL) {
		l->limit = strtoul(limit, &end, 10);
		if (limit[0] < '0' || limit[0] > '9' || *end != '\0')
			return cli_usage("--limit %.20s: not a number", limit);
	}
	if (l->limit == 0)
		l->limit = SIZE_MAX;
	return CLI_YES;
}

static int
parse_states(unsigned *out, const char *word)
{
	for (size_t i = 0; i < sizeof state_words / sizeof *state_words; i++) {
		if (strcmp(state_words[i].word, word) == 0) {
			*out = state_words[i].states;
			return 0;
		}
	}
	return -1;
}

static int
collect(struct listing *l, struct err *err)
{
	for (l->state = SPOOL_NEW; l->state < SPOOL_STATES; l->state++) {
		if ((l->states & 1u << l->state) == 0)
			continue;
		if (l->state == SPOOL_NEW && collect_first(l))
			continue;
		if (spool_each(l->cli->spool, l->state, add_entry, l, err) ==
		    -1)
			return -1;
	}
	return 0;
}

static int
add_first(void *arg, const struct spool_name *name)
{
	struct listing *l = arg;

	add_entry(l, name);
	return l->count == l->limit + ORDER_MORE;
}

/* The first of new/ by the runner's order: 1; or 0 where all are to be read,
 * for it is not known, or too few of those that it names are left. */
static int
collect_first(struct listing *l)
{
	uint64_t total;

	if (l->limit > ORDER_MOST - ORDER_MORE || l->repository != NULL)
		return 0;
	if (!order_each(l->cli->spool, add_first, l, &total) ||
	    l->count < l->limit + ORDER_MORE) {
		l->count = 0;
		return 0;
	}
	l->others = total > l->count ? total - l->count : 0;
	return 1;
}

/* rename() leaves a file's mtime, so it tells when a job was accepted (or,
 * in retry/, is due), and its ctime when it came to where it is. */
static int
add_entry(void *arg, const struct spool_name *name)
{
	struct listing *l = arg;
	char file[SPOOL_NAME_MAX];
	struct timespec t;
	struct entry *e;
	struct stat st;

	if (l->count == l->room) {
		l->room = l->room == 0 ? 256 : 2 * l->room;
		l->entries =
		    reallocarray(l->entries, l->room, sizeof *l->entries);
		if (l->entries == NULL)
			fatal("out of memory");
	}
	spool_name_format(file, l->state, name);
	if (fstatat(spool_fd(l->cli->spool, l->state), file, &st,
		AT_SYMLINK_NOFOLLOW) == -1)
		return 0; /* it moved on */
	t = is_settled(l->state) ? st.st_ctim : st.st_mtim;
	e = &l->entries[l->count++];
	e->state = l->state;
	e->name = *name;
	e->time = clock_ns(&t);
	return 0;
}

/* What waits comes first, oldest first; then what settled, newest first. */
static int
by_time(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int settled = is_settled(x->state);

	if (settled != is_settled(y->state))
		return settled ? 1 : -1;
	if (x->time != y->time)
		return ((x->time > y->time) ? 1 : -1) * (settled ? -1 : 1);
	return strcmp(x->name.id, y->name.id);
}

static int
is_settled(unsigned state)
{
	return state == SPOOL_DONE || state == SPOOL_DEAD || state == SPOOL_BAD;
}

static void
show_entries(struct listing *l)
{
	buf_adds(&l->json, "{\"jobs\":[");
	for (size_t i = 0; i < l->count && l->shown < l->limit; i++)
		show_entry(l, &l->entries[i]);
	buf_adds(&l->json, "]");
	json_put_int(&l->json, "shown", (int64_t)l->shown);
	json_put_int(&l->json, "total", (int64_t)(l->count + l->others));
	buf_addc(&l->json, '}');
}

static void
show_entry(struct listing *l, const struct entry *e)
{
	struct job_head head = { 0 };
	struct err err = { 0 };

	if (spool_read_head(l->cli->spool, e->state, &e->name, &head, &err) ==
	    -1) {
		if (err.sys == ENOENT || l->repository != NULL)
			return;
		memset(&head, 0, sizeof head);
	}
	if (l->repository != NULL &&
	    strcasecmp(l->repository, head.repository) != 0)
		return;
	l->shown++;
	if (l->cli->json)
		add_json(l, e, &head, &err);
	else
		add_row(l, e, &head);
}

static void
add_row(struct listing *l, const struct entry *e, const struct job_head *head)
{
	static const enum style styles[SPOOL_STATES] = {
		[SPOOL_RUN] = STYLE_GOOD,
		[SPOOL_RETRY] = STYLE_WARN,
		[SPOOL_HOLD] = STYLE_WARN,
		[SPOOL_DEAD] = STYLE_BAD,
		[SPOOL_BAD] = STYLE_BAD,
	};
	struct buf text;

	buf_init(&text, 4096);
	table_cell(&l->table, styles[e->state], spool_dir_name(e->state));
	table_when(&l->table, &l->screen, head->received);
	if (is_settled(e->state))
		table_cell(&l->table, STYLE_PLAIN, "-");
	else
		table_cellf(&l->table, STYLE_PLAIN, "%u", e->name.attempt);
	job_event_text(
	    &text, head->event[0] != '\0' ? head->event : "-", head->action);
	table_cell(&l->table, STYLE_PLAIN, text.data);
	buf_reset(&text);
	job_place_text(&text, head->repository, head->number);
	table_cell(&l->table, STYLE_PLAIN, text.data);
	table_cell(&l->table, STYLE_PLAIN, e->name.id);
	buf_reset(&text);
	if (e->state == SPOOL_RETRY) {
		buf_adds(&text, "due ");
		screen_when(&l->screen, &text, e->time);
	} else if (head->id[0] == '\0') {
		buf_adds(&text, "unreadable");
	}
	table_cell(&l->table, STYLE_DIM, text.data);
	buf_release(&text);
}

static void
add_json(struct listing *l, const struct entry *e, const struct job_head *head,
    const struct err *err)
{
	char text[CLOCK_TEXT];

	if (l->shown > 1)
		buf_addc(&l->json, ',');
	buf_addc(&l->json, '{');
	json_put_member(&l->json, "job_id", e->name.id);
	json_put_member(&l->json, "state", spool_dir_name(e->state));
	if (!is_settled(e->state))
		json_put_int(&l->json, "attempt", e->name.attempt);
	if (e->state == SPOOL_RETRY) {
		clock_text(text, e->time);
		json_put_member(&l->json, "not_before", text);
	}
	if (err->class != ERR_NONE)
		json_put_member(&l->json, "error", err->text);
	else
		job_head_json(&l->json, head);
	buf_addc(&l->json, '}');
}

static int
print_listing(struct listing *l)
{
	int code;

	if (l->cli->json)
		return screen_document(&l->json);
	if (l->shown == 0) {
		if (l->screen.terminal)
			puts("no jobs");
		return CLI_YES;
	}
	code = table_print(&l->table, &l->screen);
	if (code == CLI_YES && l->shown == l->limit && l->shown < l->count)
		fprintf(stderr,
		    "hookspool: %zu of %ju jobs shown; --limit 0 shows all\n",
		    l->shown, (uintmax_t)(l->count + l->others));
	return code;
}
