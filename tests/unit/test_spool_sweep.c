/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "spool.h"
#include "spool_fixture.h"

#define HOUR (3600 * CLOCK_SECOND)
#define DAY  (24 * HOUR)

static const struct spool_sweep defaults = {
	.tmp_age = HOUR,
	.seen_age = 8 * DAY,
	.seen_min = 10,
	.settled_age = 30 * DAY,
	.log_age = 90 * DAY,
	.slice = 1000,
};

/* One whole pass; how many files went. */
static unsigned
pass(struct fixture *f, const struct spool_sweep *limits)
{
	struct sweeper *w;
	struct err err = { 0 };
	unsigned sum = 0, n;
	int rc;

	assert_int_equal(spool_sweeper_new(&w, f->spool, &err), 0);
	do {
		rc = spool_sweep(w, limits, &n, &err);
		if (rc == -1)
			fail_msg("%s", err.text);
		sum += n;
	} while (rc == 1);
	spool_sweeper_free(w);
	return sum;
}

/* Row by row: a file of that age, and whether it is there afterwards. */
#define ID  "12-72d3162e-cc78-11e3-81ab-000000000001"
#define ID2 "12-72d3162e-cc78-11e3-81ab-000000000002"

static const struct {
	const char *why;
	unsigned dir;
	const char *name;
	int64_t age;
	int stays;
} cases[] = {
	{ "an old stray file in tmp/", SPOOL_TMP, "editor~", 2 * HOUR, 0 },
	{ "a young one", SPOOL_TMP, "editor~", HOUR / 2, 1 },
	{ "an old slot is recovery's", SPOOL_TMP, "0123abcd.1", 99 * DAY, 1 },
	{ "an old owner too", SPOOL_TMP, "0123abcd.own", 99 * DAY, 1 },
	{ "an old done job", SPOOL_DONE, ID, 31 * DAY, 0 },
	{ "a young done job", SPOOL_DONE, ID, 29 * DAY, 1 },
	{ "an old dead job", SPOOL_DEAD, ID, 31 * DAY, 0 },
	{ "an old bad one", SPOOL_BAD, ID, 31 * DAY, 0 },
	{ "an operator's old file", SPOOL_BAD, "look-at-this", 31 * DAY, 0 },
	{ "a waiting job of any age", SPOOL_NEW, ID ".0", 999 * DAY, 1 },
	{ "a held one", SPOOL_HOLD, ID ".0", 999 * DAY, 1 },
	{ "one to be retried", SPOOL_RETRY, ID ".0", 999 * DAY, 1 },
	{ "a running one", SPOOL_RUN, ID ".0", 999 * DAY, 1 },
	{ "steps of a job that is nowhere", SPOOL_LOG_JOBS, ID ".jsonl",
	    31 * DAY, 0 },
	{ "young steps", SPOOL_LOG_JOBS, ID ".jsonl", 29 * DAY, 1 },
	{ "records of a day long ago", SPOOL_LOG, "webhooks_2019-01-01.json", 0,
	    0 },
	{ "an index whose records are gone", SPOOL_LOG,
	    "webhooks_2026-01-01.idx", 0, 0 },
	{ "another's index", SPOOL_LOG, "notes.idx", 999 * DAY, 1 },
	{ "another file in log/", SPOOL_LOG, "notes.txt", 999 * DAY, 1 },
	{ "a request", SPOOL_CTL, "cancel", 999 * DAY, 1 },
	{ "what is no report in out/", SPOOL_OUT, "x", 31 * DAY, 0 },
	{ "the memory of a newest job", SPOOL_OUT, ".newest-0123", 31 * DAY,
	    0 },
	{ "a young one", SPOOL_OUT, ".newest-0123", 29 * DAY, 1 },
	{ "an old stray file in seen/", SPOOL_SEEN, "d.0123", 9 * DAY, 0 },
	{ "one with a dot", SPOOL_SEEN, ".anchor-x", 9 * DAY, 0 },
	{ "one that is nearly the ledger", SPOOL_SEEN, "ledger.1", 9 * DAY, 0 },
	{ "a young one", SPOOL_SEEN, "d.0123", 7 * DAY, 1 },
	{ "the newest part of the ledger", SPOOL_SEEN, "ledger.1.64", 99 * DAY,
	    1 },
};

static void
what_is_old_goes(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture *f;
		void *state;

		fixture_setup(&state);
		f = state;
		/* Today's records, which always stay. */
		fixture_write(f, SPOOL_LOG, "webhooks_2099-01-01.json", "", 0);
		fixture_write(f, cases[i].dir, cases[i].name, "x", 1);
		fixture_age(f, cases[i].dir, cases[i].name, cases[i].age);
		assert_int_equal(pass(f, &defaults), !cases[i].stays);
		if (fixture_exists(f, cases[i].dir, cases[i].name) !=
		    cases[i].stays)
			fail_msg("%s: %s", cases[i].why,
			    cases[i].stays ? "went" : "stays");
		fixture_teardown(&state);
	}
}

static void
an_index_goes_with_its_records(void **state)
{
	static char records[1000];
	struct fixture *f = *state;
	struct spool_sweep limits = defaults;

	fixture_write(f, SPOOL_LOG, "webhooks_2019-01-01.json", "x", 1);
	fixture_write(f, SPOOL_LOG, "webhooks_2019-01-01.idx", "x", 1);
	fixture_write(f, SPOOL_LOG, "webhooks_2098-01-01.json", records, 1000);
	fixture_write(f, SPOOL_LOG, "webhooks_2098-01-01.idx", records, 500);
	fixture_write(f, SPOOL_LOG, "webhooks_2099-01-01.json", records, 1000);
	assert_int_equal(pass(f, &limits), 1);
	assert_false(fixture_exists(f, SPOOL_LOG, "webhooks_2019-01-01.idx"));
	assert_true(fixture_exists(f, SPOOL_LOG, "webhooks_2098-01-01.idx"));
	/* and counts */
	limits.log_bytes = 2400;
	assert_int_equal(pass(f, &limits), 1);
	assert_false(fixture_exists(f, SPOOL_LOG, "webhooks_2098-01-01.idx"));
	assert_false(fixture_exists(f, SPOOL_LOG, "webhooks_2098-01-01.json"));
}

static void
steps_stay_with_their_job(void **state)
{
	struct fixture *f = *state;

	fixture_write(f, SPOOL_HOLD, ID ".0", "x", 1);
	fixture_write(f, SPOOL_LOG_JOBS, ID ".jsonl", "x", 1);
	fixture_age(f, SPOOL_LOG_JOBS, ID ".jsonl", 99 * DAY);
	fixture_write(f, SPOOL_DONE, ID2, "x", 1);
	fixture_write(f, SPOOL_LOG_JOBS, ID2 ".jsonl", "x", 1);
	fixture_age(f, SPOOL_DONE, ID2, 31 * DAY);
	assert_int_equal(pass(f, &defaults), 1);
	assert_true(fixture_exists(f, SPOOL_LOG_JOBS, ID ".jsonl"));
	/* a settled job's go with it */
	assert_false(fixture_exists(f, SPOOL_LOG_JOBS, ID2 ".jsonl"));
}

/* 25 deliveries, five to each generation. */
static void
so_many_seen_entries_stay_whatever_their_age(void **state)
{
	static const char *const names[] = { "ledger.1.64", "ledger.2.64",
		"ledger.3.64", "ledger.4.64", "ledger.5.64" };
	struct fixture *f = *state;
	struct spool_sweep limits = defaults;
	struct job_head head;

	for (unsigned i = 0; i < 5; i++) {
		fixture_write(f, SPOOL_SEEN, names[i], "", 0);
		fixture_reopen(f);
		for (unsigned n = 0; n < 5; n++)
			fixture_accept(f->spool, 5 * i + n, 300, &head);
		fixture_age(f, SPOOL_SEEN, names[i], i < 4 ? 30 * DAY : DAY);
	}
	assert_int_equal(fixture_seen(f, 'd'), 25);
	assert_int_equal(pass(f, &limits), 3);
	assert_int_equal(fixture_seen(f, 'd'), 10);
	limits.seen_min = 6;
	assert_int_equal(pass(f, &limits), 0);
	limits.seen_min = 0;
	assert_int_equal(pass(f, &limits), 1);
	/* the newest stays, whatever its age and the minimum */
	fixture_age(f, SPOOL_SEEN, names[4], 30 * DAY);
	assert_int_equal(pass(f, &limits), 0);
	assert_int_equal(fixture_seen(f, 'd'), 5);
	/* what went is accepted again, what stays is not */
	assert_int_equal(
	    fixture_accept(f->spool, 24, 300, &head) == ACCEPTED_NEW, 0);
}

static void
the_oldest_done_jobs_go_first(void **state)
{
	struct fixture *f = *state;
	struct spool_sweep limits = defaults;
	static char block[8192];
	char name[JOB_ID_MAX];
	struct job_head head;

	for (unsigned i = 1; i <= 20; i++) {
		fixture_head(&head, i);
		fixture_write(f, SPOOL_DONE, head.id, block, sizeof block);
		fixture_age(f, SPOOL_DONE, head.id, i * HOUR);
		fixture_write(f, SPOOL_DEAD, head.id, block, sizeof block);
		fixture_age(f, SPOOL_DEAD, head.id, i * HOUR);
	}
	limits.settled_bytes = 10 * sizeof block + 4096;
	pass(f, &limits);
	/* only done/ is limited, for dead jobs wait for somebody to look */
	assert_int_equal(fixture_count(f, SPOOL_DEAD), 20);
	assert_in_range(fixture_count(f, SPOOL_DONE), 8, 10);
	for (unsigned i = 1; i <= 8; i++) {
		fixture_head(&head, i);
		memcpy(name, head.id, sizeof name);
		assert_true(fixture_exists(f, SPOOL_DONE, name));
	}
}

static void
the_newest_records_stay(void **state)
{
	struct fixture *f = *state;
	struct spool_sweep limits = defaults;
	char name[40];

	limits.log_age = INT64_C(36500) * DAY;
	limits.log_bytes = 250;
	for (int i = 1; i <= 9; i++) {
		static char text[100];

		snprintf(name, sizeof name, "webhooks_2026-01-0%d.json", i);
		fixture_write(f, SPOOL_LOG, name, text, sizeof text);
	}
	assert_int_equal(pass(f, &limits), 7);
	assert_true(fixture_exists(f, SPOOL_LOG, "webhooks_2026-01-09.json"));
	assert_true(fixture_exists(f, SPOOL_LOG, "webhooks_2026-01-08.json"));
	limits.log_bytes = 1;
	assert_int_equal(pass(f, &limits), 1);
	assert_true(fixture_exists(f, SPOOL_LOG, "webhooks_2026-01-09.json"));
}

/* Or recovery would make a job of it again. */
static void
a_slot_goes_before_its_settled_file(void **state)
{
	struct fixture *f = *state;
	struct spool_recovered out;
	struct err err = { 0 };
	struct job_head head;
	struct spool_name name = fixture_job(f, 1, &head);

	assert_int_equal(
	    spool_move(f->spool, SPOOL_NEW, &name, SPOOL_DONE, &name, &err), 0);
	assert_true(fixture_exists(f, SPOOL_TMP, head.slot));
	fixture_age(f, SPOOL_DONE, head.id, 31 * DAY);
	fixture_reopen(f);
	assert_int_equal(pass(f, &defaults), 1);
	assert_false(fixture_exists(f, SPOOL_TMP, head.slot));
	assert_int_equal(spool_recover(f->spool, &out, NULL, NULL, &err), 0);
	assert_int_equal(out.published, 0);
}

static void
a_slice_is_no_more_than_asked(void **state)
{
	struct fixture *f = *state;
	struct spool_sweep limits = defaults;
	struct sweeper *w;
	struct err err = { 0 };
	struct job_head head;
	unsigned n, sum = 0, calls = 0;
	int rc;

	for (unsigned i = 0; i < 100; i++) {
		fixture_head(&head, i);
		fixture_write(f, SPOOL_DEAD, head.id, "x", 1);
		fixture_age(f, SPOOL_DEAD, head.id, 31 * DAY);
	}
	limits.slice = 7;
	assert_int_equal(spool_sweeper_new(&w, f->spool, &err), 0);
	do {
		rc = spool_sweep(w, &limits, &n, &err);
		assert_int_not_equal(rc, -1);
		assert_true(n <= 7);
		sum += n;
		calls++;
	} while (rc == 1);
	assert_int_equal(sum, 100);
	assert_true(calls >= 100 / 7);
	spool_sweeper_free(w);
}

static void
planted_things_are_swept_or_left(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(
	    symlink("/etc/passwd", fixture_path(f, SPOOL_DONE, ID)), 0);
	fixture_age(f, SPOOL_DONE, ID, 31 * DAY);
	assert_int_equal(
	    mkfifo(fixture_path(f, SPOOL_TMP, "0123abcd.5"), 0600), 0);
	fixture_age(f, SPOOL_TMP, "0123abcd.5", DAY);
	assert_int_equal(mkdir(fixture_path(f, SPOOL_BAD, "dir"), 0700), 0);
	fixture_write(f, SPOOL_BAD, "dir/file", "x", 1);
	fixture_age(f, SPOOL_BAD, "dir", 31 * DAY);
	assert_int_equal(pass(f, &defaults), 2);
	assert_false(fixture_exists(f, SPOOL_DONE, ID));
	assert_false(fixture_exists(f, SPOOL_TMP, "0123abcd.5"));
	assert_true(fixture_exists(f, SPOOL_BAD, "dir/file"));
	assert_int_equal(stat("/etc/passwd", &st), 0);
}

#define IN_SPOOL(test)                                                         \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_old_goes),
		IN_SPOOL(an_index_goes_with_its_records),
		IN_SPOOL(steps_stay_with_their_job),
		IN_SPOOL(so_many_seen_entries_stay_whatever_their_age),
		IN_SPOOL(the_oldest_done_jobs_go_first),
		IN_SPOOL(the_newest_records_stay),
		IN_SPOOL(a_slot_goes_before_its_settled_file),
		IN_SPOOL(a_slice_is_no_more_than_asked),
		IN_SPOOL(planted_things_are_swept_or_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
