/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "fsio.h"
#include "json.h"
#include "record.h"
#include "spool.h"
#include "spool_fixture.h"
#include "steplog.h"

/* 2026-11-22T01:02:03Z */
#define THEN	  INT64_C(1795309323000000000)
#define DAY	  (INT64_C(86400) * CLOCK_SECOND)
#define FILE_THEN "webhooks_2026-11-22.json"

static void
append(struct fixture *f, unsigned n, int64_t completed,
    enum job_outcome outcome, const char *reason, enum record_form form)
{
	struct job_head head;
	struct err err = { 0 };
	struct record r = { .head = &head,
		.outcome = outcome,
		.reason = reason,
		.attempts = 2,
		.started = completed - 5 * CLOCK_SECOND,
		.completed = completed,
		.duration = 7712 * CLOCK_MSEC };

	fixture_head(&head, n);
	head.received = completed - 9 * CLOCK_SECOND;
	if (record_append(f->spool, &r, form, &err) == -1)
		fail_msg("%s", err.text);
}

/* What record_each() gave, joined: IDs' last digits in order. */
struct got {
	char order[4096];
	size_t count, stop_after;
	struct json *last;
};

static int
take(void *arg, const char *text, size_t len)
{
	struct got *g = arg;
	struct err err = { 0 };
	const char *id;

	json_free(g->last);
	if (json_parse(&g->last, text, len, &err) == -1)
		fail_msg("%s: %.*s", err.text, (int)len, text);
	id = json_str(json_get(g->last, "job_id"), "?");
	if (g->count < sizeof g->order - 1)
		g->order[g->count] = id[strlen(id) - 1];
	g->count++;
	return g->stop_after != 0 && g->count == g->stop_after ? 42 : 0;
}

static void
each(struct fixture *f, const struct record_filter *filter, const char *want)
{
	struct got g = { .count = 0 };
	struct err err = { 0 };

	if (record_each(f->spool, filter, take, &g, &err) != 0)
		fail_msg("%s", err.text);
	json_free(g.last);
	assert_string_equal(g.order, want);
}

static struct json *
only_record(struct fixture *f)
{
	struct record_filter all = { 0 };
	struct got g = { .count = 0 };
	struct err err = { 0 };

	assert_int_equal(record_each(f->spool, &all, take, &g, &err), 0);
	assert_int_equal(g.count, 1);
	return g.last;
}

static void
log_steps(struct fixture *f)
{
	struct err gone = { ERR_PERM, 0, "no such branch" };
	struct err err = { 0 };
	struct job_head head;
	struct steplog log;
	struct step *step;

	fixture_head(&head, 1);
	/* A first attempt, of which only the calls count. */
	assert_int_equal(steplog_open(&log, f->spool, &head, 0, &err), 0);
	step_fail(step_start(&log, "repo_clone"), &gone);
	steplog_line(&log, "info", "api_call", "", "\"remaining\":4999");
	steplog_close(&log);
	assert_int_equal(steplog_open(&log, f->spool, &head, 1, &err), 0);
	steplog_line(&log, "info", "about", "",
	    "\"pr\":{\"number\":12,\"title\":\"T\",\"author\":\"a\"},"
	    "\"api_user\":\"bot\"");
	step = step_start(&log, "repo_clone");
	step_data(step, "checkout_ref", "main");
	step_data(step, "reason", "not worth a word");
	step_complete(step);
	step = step_start(&log, "check_merge_eligibility");
	step_data_bool(step, "can_merge", 0);
	step_data(step, "reason", "needs approval");
	step_complete(step);
	/* and one that never ends */
	steplog_line(&log, "info", "step_started", "pr_handler", NULL);
	steplog_line(&log, "info", "output", "x", "\"text\":\"made\"");
	steplog_line(&log, "info", "api_call", "", "\"remaining\":-1");
	steplog_line(&log, "info", "api_call", "", "\"remaining\":4997");
	steplog_close(&log);
}

static const char *
str(const struct json *r, const char *path)
{
	return json_str(json_path(r, path), "(none)");
}

static void
a_record_tells_the_whole_story(void **state)
{
	struct fixture *f = *state;
	struct json *r;

	log_steps(f);
	append(f, 1, THEN, JOB_SUCCEEDED, NULL, RECORD_LINES);
	r = only_record(f);
	assert_string_equal(str(r, "type"), "webhook_summary");
	assert_string_equal(
	    str(r, "hook_id"), "72d3162e-cc78-11e3-81ab-000000000001");
	assert_string_equal(str(r, "event_type"), "pull_request");
	assert_string_equal(str(r, "action"), "opened");
	assert_string_equal(str(r, "sender"), "octocat");
	assert_string_equal(str(r, "level"), "COMPLETED");
	/* a step says in its data that it did not succeed */
	assert_string_equal(str(r, "status"), "partial");
	assert_string_equal(str(r, "repository"), "hello-world");
	assert_string_equal(
	    str(r, "repository_full_name"), "octo-org/hello-world");
	assert_string_equal(str(r, "pr.title"), "T");
	assert_string_equal(str(r, "api_user"), "bot");
	assert_string_equal(
	    str(r, "timing.completed_at"), "2026-11-22T01:02:03.000000Z");
	assert_int_equal(json_int(json_path(r, "timing.duration_ms"), 0), 7712);
	assert_string_equal(
	    str(r, "workflow_steps.repo_clone.status"), "completed");
	assert_string_equal(
	    str(r, "workflow_steps.repo_clone.checkout_ref"), "main");
	assert_string_equal(
	    str(r, "workflow_steps.repo_clone.reason"), "(none)");
	assert_string_equal(
	    str(r, "workflow_steps.check_merge_eligibility.reason"),
	    "needs approval");
	assert_string_equal(
	    str(r, "workflow_steps.pr_handler.status"), "started");
	assert_int_equal(json_count(json_get(r, "workflow_steps")), 3);
	assert_int_equal(json_int(json_get(r, "token_spend"), 0), 3);
	assert_int_equal(json_int(json_get(r, "initial_rate_limit"), 0), 5000);
	assert_int_equal(json_int(json_get(r, "final_rate_limit"), 0), 4997);
	assert_true(json_true(json_get(r, "success")));
	assert_int_equal(json_type(json_get(r, "error")), JSON_NULL);
	assert_int_equal(strncmp(str(r, "summary"),
			     "[SUCCESS] Webhook completed PR#12 [7s712ms, "
			     "tokens:3] steps=[repo_clone:completed(",
			     82),
	    0);
	assert_string_equal(str(r, "state"), "succeeded");
	assert_int_equal(json_type(json_get(r, "status_report")), JSON_NULL);
	assert_int_equal(json_int(json_get(r, "attempts"), 0), 2);
	assert_int_equal(json_int(json_get(r, "queued_ms"), 0), 4000);
	json_free(r);
}

static void
a_job_that_never_ran_has_a_record_too(void **state)
{
	struct fixture *f = *state;
	struct json *r;

	append(
	    f, 1, THEN, JOB_LOST, "its worker died five times", RECORD_PRETTY);
	r = only_record(f);
	assert_string_equal(str(r, "status"), "failed");
	assert_string_equal(str(r, "state"), "lost");
	assert_string_equal(str(r, "error.type"), "lost");
	assert_string_equal(
	    str(r, "error.message"), "its worker died five times");
	assert_int_equal(json_int(json_path(r, "pr.number"), 0), 12);
	assert_int_equal(json_count(json_get(r, "workflow_steps")), 0);
	json_free(r);
}

static void
both_forms_are_read(void **state)
{
	struct fixture *f = *state;
	struct record_filter all = { 0 }, back = { .newest_first = 1 };

	append(f, 1, THEN - DAY, JOB_SUCCEEDED, NULL, RECORD_PRETTY);
	append(f, 2, THEN - DAY, JOB_SUCCEEDED, NULL, RECORD_LINES);
	append(f, 3, THEN, JOB_SUCCEEDED, NULL, RECORD_LINES);
	append(f, 4, THEN, JOB_SUCCEEDED, NULL, RECORD_PRETTY);
	append(f, 5, THEN, JOB_SUCCEEDED, NULL, RECORD_PRETTY);
	append(f, 6, THEN, JOB_SUCCEEDED, NULL, RECORD_LINES);
	each(f, &all, "123456");
	each(f, &back, "654321");
}

static void
filters_choose(void **state)
{
	static const struct {
		const char *why;
		struct record_filter filter;
		const char *want;
	} cases[] = {
		{ "by job",
		    { .job_id = "12-72d3162e-cc78-11e3-81ab-000000000003" },
		    "3" },
		{ "by delivery",
		    { .delivery = "72d3162e-cc78-11e3-81ab-000000000002" },
		    "2" },
		{ "by a delivery that is not there",
		    { .delivery = "72d3162e-cc78-11e3-81ab-000000000009" },
		    "" },
		{ "by repository", { .repository = "octo-org/hello-world" },
		    "1234" },
		{ "by another repository", { .repository = "octo-org/hello" },
		    "" },
		{ "by event", { .event = "pull_request" }, "1234" },
		{ "by status", { .status = "failed" }, "4" },
		{ "by number", { .number = 12 }, "1234" },
		{ "by another number", { .number = 1 }, "" },
		{ "since", { .since = THEN }, "34" },
		{ "until", { .until = THEN }, "12" },
		{ "a span", { .since = THEN - DAY, .until = THEN }, "2" },
		{ "all together",
		    { .status = "failed",
			.number = 12,
			.since = THEN,
			.newest_first = 1 },
		    "4" },
	};
	struct fixture *f = *state;

	append(f, 1, THEN - 2 * DAY, JOB_SUCCEEDED, NULL, RECORD_LINES);
	append(f, 2, THEN - DAY, JOB_SUCCEEDED, NULL, RECORD_LINES);
	append(f, 3, THEN, JOB_SUCCEEDED, NULL, RECORD_PRETTY);
	append(f, 4, THEN, JOB_CANCELLED, "by octocat", RECORD_LINES);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct got g = { .count = 0 };
		struct err err = { 0 };

		assert_int_equal(
		    record_each(f->spool, &cases[i].filter, take, &g, &err), 0);
		json_free(g.last);
		if (strcmp(g.order, cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].why, g.order);
	}
}

static void
what_is_torn_is_passed_over(void **state)
{
	struct fixture *f = *state;
	struct record_filter all = { 0 }, back = { .newest_first = 1 };
	static const char torn[] =
	    "{\n  \"type\": \"webhook_su\n"		   /* pretty, cut */
	    "{\"job_id\":\"1-72d3162e-cc78-11e3-81ab-00\n" /* a line, cut */
	    "}\n\n  \"no\": 1\nnothing at all\n{}\n[]\n{\"a\":1}}\n"
	    "{\"type\":\"webhook_summ"; /* the last, without its newline */

	fixture_write(f, SPOOL_LOG, FILE_THEN, torn, sizeof torn - 1);
	append(f, 1, THEN, JOB_SUCCEEDED, NULL, RECORD_PRETTY);
	append(f, 2, THEN, JOB_SUCCEEDED, NULL, RECORD_LINES);
	each(f,
	    &(struct record_filter){
		.job_id = "12-72d3162e-cc78-11e3-81ab-000000000001" },
	    "1");
	each(f, &(struct record_filter){ .repository = "octo-org/hello-world" },
	    "12");
	each(f,
	    &(struct record_filter){
		.repository = "octo-org/hello-world", .newest_first = 1 },
	    "21");
	/* "{}" is a record, if an odd one */
	each(f, &all, "?12");
	each(f, &back, "21?");
}

static void
a_file_cut_anywhere_gives_its_whole_records(void **state)
{
	struct fixture *f = *state;
	struct record_filter all = { 0 };
	struct err err = { 0 };
	struct buf b;
	size_t first = 0;

	append(f, 1, THEN, JOB_SUCCEEDED, NULL, RECORD_PRETTY);
	append(f, 2, THEN, JOB_SUCCEEDED, NULL, RECORD_LINES);
	buf_init(&b, 65536);
	assert_int_equal(fs_read_file(&b, AT_FDCWD,
			     fixture_path(f, SPOOL_LOG, FILE_THEN), &err),
	    0);
	first = (size_t)(strstr(b.data, "\n}\n") + 2 - b.data);
	for (size_t cut = 0; cut < b.len; cut++) {
		fixture_write(f, SPOOL_LOG, FILE_THEN, b.data, cut);
		/* with its brace, also without the newline */
		each(f, &all, cut < first ? "" : cut < b.len - 1 ? "1" : "12");
	}
	buf_release(&b);
}

/* Records that lie across the pieces in which a file is read. */
static void
large_files_are_read_in_pieces(void **state)
{
	struct fixture *f = *state;
	struct record_filter all = { 0 }, back = { .newest_first = 1 };
	struct record_filter one = {
		.job_id = "12-72d3162e-cc78-11e3-81ab-0000000007d0"
	};
	struct got g = { .count = 0 };
	struct err err = { 0 };
	int fd;

	for (unsigned n = 1; n <= 2500; n++)
		append(f, n, THEN, JOB_SUCCEEDED, NULL,
		    n % 3 == 0 ? RECORD_PRETTY : RECORD_LINES);
	/* And one line beyond all measure between them. */
	fd = open(fixture_path(f, SPOOL_LOG, FILE_THEN), O_WRONLY | O_APPEND);
	for (int i = 0; i < 5000; i++) {
		static char junk[1000];

		memset(junk, i == 0 ? '{' : 'j', sizeof junk);
		assert_int_equal(write(fd, junk, sizeof junk), sizeof junk);
	}
	close(fd);
	append(f, 2501, THEN, JOB_SUCCEEDED, NULL, RECORD_LINES);
	for (int i = 0; i < 2; i++) {
		g = (struct got){ .count = 0 };
		assert_int_equal(
		    record_each(f->spool, i ? &back : &all, take, &g, &err), 0);
		assert_int_equal(g.count, 2501);
		assert_string_equal(
		    str(g.last, "job_id") + 35, i ? "0001" : "09c5");
		json_free(g.last);
	}
	for (int i = 0; i < 2; i++) {
		g = (struct got){ .count = 0 };
		one.newest_first = i;
		assert_int_equal(
		    record_each(f->spool, &one, take, &g, &err), 0);
		assert_int_equal(g.count, 1);
		json_free(g.last);
	}
}

static void
visiting_ends_when_it_is_told(void **state)
{
	struct fixture *f = *state;
	struct record_filter all = { 0 }, back = { .newest_first = 1 };
	struct got g = { .stop_after = 2 };
	struct err err = { 0 };

	for (unsigned n = 1; n <= 5; n++)
		append(f, n, THEN, JOB_SUCCEEDED, NULL, RECORD_LINES);
	assert_int_equal(record_each(f->spool, &all, take, &g, &err), 42);
	assert_string_equal(g.order, "12");
	json_free(g.last);
	g = (struct got){ .stop_after = 2 };
	assert_int_equal(record_each(f->spool, &back, take, &g, &err), 42);
	assert_string_equal(g.order, "54");
	json_free(g.last);
}

static void
existing_records_are_known(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	const char *id = "12-72d3162e-cc78-11e3-81ab-000000000001";

	assert_int_equal(record_exists(f->spool, id, 0, &err), 0);
	append(f, 1, THEN + 1999, JOB_SUCCEEDED, NULL, RECORD_PRETTY);
	assert_int_equal(record_exists(f->spool, id, 0, &err), 1);
	assert_int_equal(record_exists(f->spool, id, THEN, &err), 1);
	/* The very moment, though the record tells microseconds only. */
	assert_int_equal(record_exists(f->spool, id, THEN + 1999, &err), 1);
	assert_int_equal(record_exists(f->spool, id, THEN + 2000, &err), 0);
	assert_int_equal(record_sync(f->spool, &err), 0);
}

static void
a_file_taken_away_is_made_again(void **state)
{
	struct fixture *f = *state;

	append(f, 1, THEN, JOB_SUCCEEDED, NULL, RECORD_LINES);
	unlink(fixture_path(f, SPOOL_LOG, FILE_THEN));
	append(f, 2, THEN, JOB_SUCCEEDED, NULL, RECORD_LINES);
	each(f, &(struct record_filter){ 0 }, "2");
}

static void
planted_files_are_not_read(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	    mkfifo(
		fixture_path(f, SPOOL_LOG, "webhooks_2020-01-01.json"), 0666),
	    0);
	assert_int_equal(
	    symlink("/etc/passwd",
		fixture_path(f, SPOOL_LOG, "webhooks_2020-01-02.json")),
	    0);
	assert_int_equal(
	    mkdir(fixture_path(f, SPOOL_LOG, "webhooks_2020-01-03.json"), 0700),
	    0);
	append(f, 1, THEN, JOB_SUCCEEDED, NULL, RECORD_LINES);
	each(f, &(struct record_filter){ 0 }, "1");
}

static void
several_writers_lose_nothing(void **state)
{
	struct fixture *f = *state;
	struct record_filter all = { 0 };
	struct got g = { .count = 0 };
	struct err err = { 0 };
	pid_t pids[4];

	for (unsigned i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] != 0)
			continue;
		for (unsigned n = 0; n < 100; n++)
			append(f, i * 100 + n, THEN, JOB_SUCCEEDED, NULL,
			    n % 2 ? RECORD_LINES : RECORD_PRETTY);
		_exit(0);
	}
	for (int i = 0; i < 4; i++) {
		int status;

		waitpid(pids[i], &status, 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(record_each(f->spool, &all, take, &g, &err), 0);
	assert_int_equal(g.count, 400);
	json_free(g.last);
}

#define IN_SPOOL(test)                                                         \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SPOOL(a_record_tells_the_whole_story),
		IN_SPOOL(a_job_that_never_ran_has_a_record_too),
		IN_SPOOL(both_forms_are_read),
		IN_SPOOL(filters_choose),
		IN_SPOOL(what_is_torn_is_passed_over),
		IN_SPOOL(a_file_cut_anywhere_gives_its_whole_records),
		IN_SPOOL(large_files_are_read_in_pieces),
		IN_SPOOL(visiting_ends_when_it_is_told),
		IN_SPOOL(existing_records_are_known),
		IN_SPOOL(a_file_taken_away_is_made_again),
		IN_SPOOL(planted_files_are_not_read),
		IN_SPOOL(several_writers_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
