/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "cli/cli.h"
#include "cli/job_find.h"
#include "cli/screen.h"
#include "cli/table.h"
#include "clock.h"
#include "json.h"
#include "outbox.h"
#include "record.h"

/*
 * `hookspool status`: what out/ holds. Changing a report wakes the runner,
 * which watches that directory, and its sender does the rest.
 */

/* What is waited for has not been refused: people call that pending. */
static const char *
result_word(const struct status_report *r)
{
	return r->result == RESULT_WAITING ? "pending"
					   : status_result_name(r->result);
}

static int
is_failed(const struct status_report *r)
{
	return r->result == RESULT_REFUSED || r->result == RESULT_EXPIRED;
}

/* The members without braces. */
static void
put_members(struct buf *out, const struct status_report *r)
{
	char text[CLOCK_TEXT];

	json_put_member(out, "job_id", r->job_id);
	json_put_member(out, "delivery_id", r->delivery);
	json_put_member(out, "repository", r->repository);
	json_put_member(out, "sha", r->sha);
	json_put_member(out, "context", r->context);
	json_put_member(out, "target_url", r->target);
	json_put_member(out, "description", r->description);
	json_put_member(out, "state", commit_state_name(r->state));
	json_put_member(out, "posted", commit_state_name(r->posted));
	json_put_member(out, "form", report_form_name(r->form));
	if (r->check != 0)
		json_put_int(out, "check_run_id", r->check);
	json_put_member(out, "result", result_word(r));
	json_put_int(out, "tries", r->tries);
	clock_text(text, r->wanted);
	json_put_member(out, "wanted_at", text);
	if (r->result == RESULT_WAITING) {
		clock_text(text, r->due);
		json_put_member(out, "not_before", text);
	}
	json_put_member(out, "message", r->words);
}

static void
put_json(struct buf *out, const struct status_report *r)
{
	buf_addc(out, '{');
	put_members(out, r);
	buf_addc(out, '}');
}

/* ---- list ---- */

struct listing {
	const char *result; /* NULL: all */
	struct screen screen;
	struct table table;
	struct buf json;
	size_t count;
};

static int
list_one(void *arg, const char *name, const struct status_report *r)
{
	struct listing *l = arg;

	if (r == NULL) {
		fprintf(stderr, "hookspool: out/%.80s: cannot be read\n", name);
		return 0;
	}
	if (l->result != NULL && strcmp(l->result, result_word(r)) != 0)
		return 0;
	if (l->count++ > 0)
		buf_addc(&l->json, ',');
	put_json(&l->json, r);
	table_cell(&l->table, STYLE_PLAIN, r->job_id);
	table_cell(&l->table, STYLE_PLAIN, r->repository);
	table_cellf(&l->table, STYLE_DIM, "%.10s", r->sha);
	table_cell(&l->table, STYLE_PLAIN, commit_state_name(r->state));
	table_cell(
	    &l->table, is_failed(r) ? STYLE_BAD : STYLE_PLAIN, result_word(r));
	table_when(&l->table, &l->screen, r->wanted);
	table_cell(&l->table, STYLE_PLAIN, r->words);
	return 0;
}

static int
known_result(const char *text)
{
	struct status_report r = { 0 };

	for (r.result = 0; r.result < RESULTS; r.result++) {
		if (strcmp(text, result_word(&r)) == 0)
			return 1;
	}
	return 0;
}

int
cli_status_list(struct cli *cli)
{
	static const char *const titles[] = { "JOB", "REPOSITORY", "COMMIT",
		"STATE", "RESULT", "WANTED", "MESSAGE", NULL };
	struct listing l = { .result = cli_value(cli, "result") };
	struct err err = { 0 };
	int code;

	if (l.result != NULL && !known_result(l.result))
		return cli_usage("--result %.40s: not a result", l.result);
	screen_init(&l.screen);
	table_init(&l.table, titles);
	buf_init(&l.json, SIZE_MAX / 2);
	buf_adds(&l.json, "{\"reports\":[");
	if (outbox_each(cli->spool, list_one, &l, &err) == -1) {
		code = cli_error(&err);
	} else if (cli->json) {
		buf_adds(&l.json, "]}");
		code = screen_document(&l.json);
	} else {
		code = table_print(&l.table, &l.screen);
	}
	table_release(&l.table);
	buf_release(&l.json);
	return code;
}

/* ---- one job's ---- */

struct search {
	const char *text;
	struct status_report found;
	size_t count;
};

static int
match(void *arg, const char *name, const struct status_report *r)
{
	struct search *s = arg;

	(void)name;
	if (r != NULL && job_matches(r->job_id, s->text)) {
		s->found = *r;
		s->count++;
	}
	return 0;
}

/* The job's file may be gone while its report is still there. */
static int
find(struct cli *cli, const char *text, struct status_report *out)
{
	struct search s = { .text = text };
	struct err err = { 0 };

	if (!job_text_valid(text))
		return cli_usage("%.60s: not a job", text);
	if (outbox_each(cli->spool, match, &s, &err) == -1)
		return cli_error(&err);
	if (s.count != 1) {
		fprintf(stderr, "hookspool: %s: %s\n", text,
		    s.count == 0 ? "no such job has a commit status"
				 : "several jobs begin so");
		return CLI_NO;
	}
	*out = s.found;
	return CLI_YES;
}

static void
print_field(const struct screen *s, const char *name, const char *value)
{
	struct buf text;

	if (*value == '\0')
		return;
	buf_init(&text, 16384);
	screen_text(&text, value, strlen(value));
	printf("%s%-11s%s %s\n", screen_style(s, STYLE_DIM), name,
	    screen_plain(s), text.data);
	buf_release(&text);
}

/* NULL where the step log cannot be read. */
static const struct job_spend *
read_spend(struct cli *cli, const char *job_id, struct job_spend *spend)
{
	struct err ignored;

	return record_spend(cli->spool, job_id, spend, &ignored) == 0 ? spend
								      : NULL;
}

/* "4, lowest limit 4988" */
static void
add_spend(struct buf *out, const struct job_spend *spend)
{
	if (spend == NULL || spend->calls == 0)
		return;
	buf_addf(out, "%" PRId64, spend->calls);
	if (spend->lowest_remaining >= 0)
		buf_addf(
		    out, ", lowest limit %" PRId64, spend->lowest_remaining);
}

static int
print_report(const struct status_report *r, const struct job_spend *spend)
{
	struct screen s;
	struct buf text;

	screen_init(&s);
	buf_init(&text, 4096);
	print_field(&s, "job", r->job_id);
	print_field(&s, "repository", r->repository);
	print_field(&s, "commit", r->sha);
	print_field(&s, "context", r->context);
	print_field(&s, "state", commit_state_name(r->state));
	print_field(&s, "text", r->description);
	print_field(&s, "link", r->target);
	print_field(&s, "result", result_word(r));
	print_field(&s, "GitHub has", commit_state_name(r->posted));
	if (r->form == FORM_CHECK)
		buf_addf(&text, "check run %" PRId64, r->check);
	else if (r->form == FORM_STATUS)
		buf_adds(&text, "commit status");
	print_field(&s, "as", text.data);
	buf_reset(&text);
	screen_when(&s, &text, r->wanted);
	print_field(&s, "wanted", text.data);
	buf_reset(&text);
	if (r->result == RESULT_WAITING && r->due > s.now)
		screen_when(&s, &text, r->due);
	print_field(&s, "next try", text.data);
	buf_reset(&text);
	if (r->tries > 0)
		buf_addf(&text, "%u", r->tries);
	print_field(&s, "failed", text.data);
	buf_reset(&text);
	add_spend(&text, spend);
	print_field(&s, "job's calls", text.data);
	print_field(&s, "message", r->words);
	buf_release(&text);
	return CLI_YES;
}

int
cli_status_show(struct cli *cli)
{
	struct status_report r = { 0 };
	struct job_spend room;
	const struct job_spend *spend;
	struct buf out;
	int code = find(cli, cli->argv[0], &r);

	if (code != CLI_YES)
		return code;
	spend = read_spend(cli, r.job_id, &room);
	if (!cli->json)
		return print_report(&r, spend);
	buf_init(&out, 65536);
	buf_addc(&out, '{');
	put_members(&out, &r);
	if (spend != NULL) {
		json_put_int(&out, "token_spend", spend->calls);
		json_put_int(
		    &out, "lowest_rate_limit", spend->lowest_remaining);
	}
	buf_addc(&out, '}');
	code = screen_document(&out);
	buf_release(&out);
	return code;
}

/* ---- sending again ---- */

struct again {
	struct cli *cli;
	int clear, code;
	struct buf json;
	size_t count;
};

static void
send_again(struct again *a, const char *id)
{
	struct err err = { 0 };

	if (outbox_again(a->cli->spool, id, a->clear, &err) == -1) {
		a->code = cli_error(&err);
		return;
	}
	buf_addf(&a->json, "%s\"%s\"", a->count++ > 0 ? "," : "", id);
	if (!a->cli->json)
		printf("%s: to be sent again\n", id);
}

static int
again_if_failed(void *arg, const char *name, const struct status_report *r)
{
	if (r != NULL && is_failed(r))
		send_again(arg, name);
	return 0;
}

static int
act(struct cli *cli, int clear, int failed)
{
	struct again a = { .cli = cli, .clear = clear };
	struct status_report r = { 0 };
	struct err err = { 0 };

	buf_init(&a.json, SIZE_MAX / 2);
	buf_adds(&a.json, "{\"jobs\":[");
	if (failed && outbox_each(cli->spool, again_if_failed, &a, &err) == -1)
		a.code = cli_error(&err);
	for (int i = 0; i < cli->argc; i++) {
		int code = find(cli, cli->argv[i], &r);

		if (code == CLI_YES)
			send_again(&a, r.job_id);
		else if (code > a.code)
			a.code = code;
	}
	buf_adds(&a.json, "]}");
	if (cli->json)
		screen_document(&a.json);
	buf_release(&a.json);
	return a.code;
}

int
cli_status_clear(struct cli *cli)
{
	return act(cli, 1, 0);
}

int
cli_status_retry(struct cli *cli)
{
	int failed = cli_value(cli, "failed") != NULL;

	if (!failed && cli->argc == 0)
		return cli_usage("status retry: which? An ID, or --failed");
	return act(cli, 0, failed);
}
