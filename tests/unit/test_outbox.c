/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "fsio.h"
#include "outbox.h"
#include "spool.h"
#include "spool_fixture.h"
#include "steplog.h"
#include "utf8.h"

#define SHA "0123456789abcdef0123456789abcdef01234567"
#define DAY (INT64_C(86400) * CLOCK_SECOND)

static void
make(struct status_report *r, unsigned n, enum commit_state state,
    const char *words)
{
	struct job_head head;

	fixture_head(&head, n);
	head.received = (int64_t)n * CLOCK_SECOND;
	snprintf(head.sha, sizeof head.sha, "%s", SHA);
	status_report_init(r, &head, "hookspool",
	    "https://ci.example.org/jobs/x", state, words);
}

static void
want(struct fixture *f, const struct status_report *r, int rc)
{
	struct err err = { 0 };

	if (outbox_want(f->spool, r, &err) != rc)
		fail_msg("not %d: %s", rc, err.text);
}

static void
get(struct fixture *f, struct status_report *r)
{
	struct err err = { 0 };
	char id[JOB_ID_MAX];

	snprintf(id, sizeof id, "%s", r->job_id);
	if (outbox_read(f->spool, id, r, &err) == -1)
		fail_msg("%s", err.text);
}

static void
put(struct fixture *f, const struct status_report *r)
{
	struct err err = { 0 };

	if (outbox_update(f->spool, r, &err) == -1)
		fail_msg("%s", err.text);
}

/* ---- descriptions ---- */

#define TEN   "0123456789"
#define TENS4 TEN TEN TEN TEN
#define FACE  "\xf0\x9f\x98\x80" /* 4 bytes, one character */

static const struct {
	const char *why, *text;
	size_t chars; /* that are left */
	const char *end;
} descriptions[] = {
	{ "a short one stays", "push succeeded in 12 ms", 23, "12 ms" },
	{ "an empty one too", "", 0, "" },
	{ "140 characters stay", TENS4 TENS4 TENS4 TEN TEN, 140, "9" },
	{ "200 are cut to 140", TENS4 TENS4 TENS4 TENS4 TENS4, 140, "9" },
	{ "the 140th has four bytes",
	    TENS4 TENS4 TENS4 TEN "012345678" FACE FACE, 140, FACE },
	{ "the 141st has four bytes", TENS4 TENS4 TENS4 TEN TEN FACE, 140,
	    "9" },
	{ "what is no UTF-8 ends it", "abc\xff\xfe", 3, "abc" },
	{ "half a character ends it", "abc\xf0\x9f", 3, "abc" },
	{ "a line break becomes a blank", "a\nState: error", 14,
	    "State: error" },
};

static void
descriptions_are_cut_and_clean(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof descriptions / sizeof *descriptions;
	     i++) {
		const char *why = descriptions[i].why;
		struct status_report r;
		size_t len, chars;

		make(&r, 1, COMMIT_SUCCESS, descriptions[i].text);
		len = strlen(r.description);
		chars = 0;
		for (size_t at = 0; at < len; at++)
			chars +=
			    ((unsigned char)r.description[at] & 0xc0) != 0x80;
		if (utf8_valid(r.description, len) != len)
			fail_msg("%s: not UTF-8", why);
		if (chars != descriptions[i].chars)
			fail_msg("%s: %zu characters", why, chars);
		if (strcmp(r.description + len - strlen(descriptions[i].end),
			descriptions[i].end) != 0)
			fail_msg("%s: ends in %s", why, r.description);
	}
}

/* Job by job: what its commit is told. */
static const struct {
	enum job_outcome outcome;
	const char *reason;
	enum commit_state state;
	const char *text;
} endings[] = {
	{ JOB_SUCCEEDED, NULL, COMMIT_SUCCESS, "push succeeded in 1234 ms" },
	{ JOB_SUCCEEDED, "odd", COMMIT_SUCCESS, "push succeeded in 1234 ms" },
	{ JOB_FAILED, NULL, COMMIT_FAILURE, "push failed in 1234 ms" },
	{ JOB_FAILED, "no such branch", COMMIT_FAILURE,
	    "push failed: no such branch" },
	{ JOB_TIMED_OUT, NULL, COMMIT_ERROR, "push timed out in 1234 ms" },
	{ JOB_CANCELLED, "by ann", COMMIT_ERROR, "push cancelled: by ann" },
	{ JOB_LOST, NULL, COMMIT_ERROR, "push lost its worker in 1234 ms" },
	{ JOB_QUARANTINED, "torn", COMMIT_ERROR,
	    "push could not be read: torn" },
};

static void
every_outcome_is_told(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		struct status_report r;
		struct job_head head;
		struct record done = { .head = &head,
			.outcome = endings[i].outcome,
			.reason = endings[i].reason,
			.duration = 1234 * CLOCK_MSEC };
		struct err err = { 0 };

		fixture_head(&head, (unsigned)i + 1);
		snprintf(head.event, sizeof head.event, "push");
		make(&r, (unsigned)i + 1, COMMIT_PENDING, "running");
		want(f, &r, 0);
		assert_int_equal(outbox_finish(f->spool, &done, &err), 0);
		get(f, &r);
		assert_int_equal(r.state, endings[i].state);
		assert_string_equal(r.description, endings[i].text);
		assert_string_equal(r.context, "hookspool");
	}
}

static void
a_job_without_a_report_gets_none(void **state)
{
	struct fixture *f = *state;
	struct job_head head;
	struct record done = { .head = &head };
	struct err err = { 0 };

	fixture_head(&head, 1);
	assert_int_equal(outbox_finish(f->spool, &done, &err), 0);
	assert_false(outbox_has(f->spool, head.id));
}

/* ---- wishes ---- */

static void
the_same_wish_is_stored_once(void **state)
{
	struct fixture *f = *state;
	struct status_report pending, final, r;

	make(&pending, 1, COMMIT_PENDING, "running");
	make(&final, 1, COMMIT_FAILURE, "failed");
	want(f, &pending, 0);
	want(f, &pending, 1);
	want(f, &final, 0);
	want(f, &final, 1);
	r = final;
	get(f, &r);
	assert_int_equal(r.state, COMMIT_FAILURE);
	assert_int_equal(r.run, 0);
}

/* Only a job that is settled has a final report; it begins once more. */
static void
pending_after_a_final_state_is_another_run(void **state)
{
	struct fixture *f = *state;
	struct status_report pending, final, sent, r;

	make(&pending, 1, COMMIT_PENDING, "running");
	make(&final, 1, COMMIT_SUCCESS, "done");
	want(f, &pending, 0);
	want(f, &final, 0);
	sent = final;
	sent.form = FORM_CHECK;
	sent.check = 77;
	sent.attempted = sent.posted = COMMIT_SUCCESS;
	sent.result = RESULT_REPORTED;
	put(f, &sent);
	make(&pending, 1, COMMIT_PENDING, "running again");
	want(f, &pending, 0);
	r = final;
	get(f, &r);
	assert_int_equal(r.state, COMMIT_PENDING);
	assert_int_equal(r.run, 1);
	assert_int_equal(r.result, RESULT_WAITING);
	assert_int_equal(r.attempted, COMMIT_NONE);
	assert_int_equal(r.form, FORM_NONE);
	assert_int_equal(r.check, 0);
	/* a sender that was still at the first run's */
	put(f, &sent);
	get(f, &r);
	assert_int_equal(r.attempted, COMMIT_NONE);
	assert_int_equal(r.check, 0);
	/* and its end is the second run's */
	want(f, &final, 0);
	get(f, &r);
	assert_int_equal(r.state, COMMIT_SUCCESS);
	assert_int_equal(r.run, 1);
	assert_int_equal(r.attempted, COMMIT_NONE);
}

/* The sender was at "pending" when the job settled. */
static void
a_send_keeps_the_newer_wish(void **state)
{
	struct fixture *f = *state;
	struct status_report sent, final, r;

	make(&sent, 1, COMMIT_PENDING, "running");
	want(f, &sent, 0);
	make(&final, 1, COMMIT_SUCCESS, "done");
	want(f, &final, 0);
	sent.attempted = sent.posted = COMMIT_PENDING;
	sent.form = FORM_CHECK;
	sent.check = 77;
	sent.result = RESULT_REPORTED;
	put(f, &sent);
	r = final;
	get(f, &r);
	assert_int_equal(r.state, COMMIT_SUCCESS);
	assert_int_equal(r.form, FORM_CHECK);
	assert_int_equal(r.check, 77);
	assert_int_equal(r.result, RESULT_WAITING);
	assert_int_equal(r.posted, COMMIT_PENDING);
	assert_int_equal(r.attempted, COMMIT_PENDING);
}

static void
what_was_removed_stays_removed(void **state)
{
	struct fixture *f = *state;
	struct status_report r;
	struct err err = { 0 };

	make(&r, 1, COMMIT_SUCCESS, "done");
	want(f, &r, 0);
	assert_int_equal(outbox_remove(f->spool, r.job_id, &err), 0);
	r.result = RESULT_REPORTED;
	put(f, &r);
	assert_false(outbox_has(f->spool, r.job_id));
	assert_int_equal(outbox_again(f->spool, r.job_id, 0, &err), -1);
	assert_int_equal(err.class, ERR_BAD);
}

static void
again_asks_first_and_clear_forgets(void **state)
{
	struct fixture *f = *state;
	struct status_report r;
	struct err err = { 0 };

	make(&r, 1, COMMIT_SUCCESS, "done");
	want(f, &r, 0);
	r.attempted = COMMIT_SUCCESS;
	r.result = RESULT_REFUSED;
	r.due = INT64_MAX / 2;
	snprintf(r.words, sizeof r.words, "no");
	put(f, &r);
	assert_int_equal(outbox_again(f->spool, r.job_id, 0, &err), 0);
	get(f, &r);
	assert_int_equal(r.result, RESULT_WAITING);
	assert_int_equal(r.attempted, COMMIT_SUCCESS);
	assert_int_equal(r.due, 0);
	assert_string_equal(r.words, "");
	assert_int_equal(outbox_again(f->spool, r.job_id, 1, &err), 0);
	get(f, &r);
	assert_int_equal(r.attempted, COMMIT_NONE);
	assert_int_equal(r.form, FORM_NONE);
}

/* ---- what it cost ---- */

/* Of all attempts and of the sender, the record's calls among them. */
static void
what_a_job_cost_stands_in_its_line(void **state)
{
	static const char *const left[] = { "-1", "4999", "4990", "4997" };
	struct fixture *f = *state;
	struct status_report r;
	struct job_head head;
	struct steplog log;
	struct job_spend spend;
	struct err err = { 0 };
	char member[40];

	fixture_head(&head, 1);
	make(&r, 1, COMMIT_SUCCESS, "done");
	assert_int_equal(record_spend(f->spool, r.job_id, &spend, &err), 0);
	assert_int_equal(spend.calls, 0);
	assert_int_equal(spend.lowest_remaining, -1);
	for (unsigned i = 0; i < sizeof left / sizeof *left; i++) {
		assert_int_equal(
		    steplog_open(&log, f->spool, &head, i, &err), 0);
		snprintf(member, sizeof member, "\"remaining\":%s", left[i]);
		steplog_line(&log, "info", "api_call", "", member);
		steplog_close(&log);
	}
	assert_int_equal(record_spend(f->spool, r.job_id, &spend, &err), 0);
	assert_int_equal(spend.calls, 4);
	assert_int_equal(spend.lowest_remaining, 4990);
}

/* ---- the newest job ---- */

static void
an_older_job_is_not_the_newest(void **state)
{
	struct fixture *f = *state;
	struct status_report old, new, other;
	struct err err = { 0 };

	make(&old, 1, COMMIT_SUCCESS, "done");
	make(&new, 2, COMMIT_PENDING, "running");
	other = old;
	snprintf(other.context, sizeof other.context, "another");
	assert_int_equal(outbox_is_newest(f->spool, &old, &err), 1);
	assert_int_equal(outbox_is_newest(f->spool, &new, &err), 1);
	assert_int_equal(outbox_is_newest(f->spool, &old, &err), 0);
	assert_int_equal(outbox_is_newest(f->spool, &new, &err), 1);
	assert_int_equal(outbox_is_newest(f->spool, &other, &err), 1);
}

/* ---- damage ---- */

struct seen {
	unsigned good, bad;
};

static int
see(void *arg, const char *name, const struct status_report *r)
{
	struct seen *seen = arg;

	(void)name;
	if (r != NULL)
		seen->good++;
	else
		seen->bad++;
	return 0;
}

/* Cut at every length: one file is unreadable, the others are not. */
static void
a_torn_file_concerns_one_job(void **state)
{
	struct fixture *f = *state;
	struct status_report good, torn;
	struct buf text;
	struct err err = { 0 };

	make(&good, 1, COMMIT_SUCCESS, "done");
	make(&torn, 2, COMMIT_SUCCESS, "done");
	want(f, &good, 0);
	want(f, &torn, 0);
	buf_init(&text, 4096);
	assert_int_equal(fs_read_file(&text, spool_fd(f->spool, SPOOL_OUT),
			     torn.job_id, &err),
	    0);
	for (size_t n = 0; n < text.len; n++) {
		struct seen seen = { 0, 0 };
		uint64_t counts[RESULTS];

		fixture_write(f, SPOOL_OUT, torn.job_id, text.data, n);
		assert_int_equal(outbox_each(f->spool, see, &seen, &err), 0);
		assert_int_equal(seen.good, 1);
		assert_int_equal(seen.bad, 1);
		assert_int_equal(outbox_count(f->spool, counts, &err), 0);
		assert_int_equal(counts[RESULT_WAITING], 1);
	}
	buf_release(&text);
	want(f, &torn, 0); /* and the next wish repairs it */
	get(f, &torn);
}

static void
a_report_that_waits_is_never_swept(void **state)
{
	struct fixture *f = *state;
	const struct spool_sweep limits = { .settled_age = 30 * DAY,
		.log_age = 90 * DAY,
		.seen_age = 8 * DAY,
		.tmp_age = DAY,
		.slice = 1000 };
	struct status_report waits, over;
	struct sweeper *w;
	struct err err = { 0 };
	unsigned removed;

	make(&waits, 1, COMMIT_SUCCESS, "done");
	make(&over, 2, COMMIT_SUCCESS, "done");
	want(f, &waits, 0);
	want(f, &over, 0);
	over.result = RESULT_REPORTED;
	put(f, &over);
	fixture_age(f, SPOOL_OUT, waits.job_id, 99 * DAY);
	fixture_age(f, SPOOL_OUT, over.job_id, 99 * DAY);
	assert_int_equal(spool_sweeper_new(&w, f->spool, &err), 0);
	assert_int_equal(spool_sweep(w, &limits, &removed, &err), 0);
	spool_sweeper_free(w);
	assert_true(outbox_has(f->spool, waits.job_id));
	assert_false(outbox_has(f->spool, over.job_id));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptions_are_cut_and_clean),
		TEST(every_outcome_is_told),
		TEST(a_job_without_a_report_gets_none),
		TEST(the_same_wish_is_stored_once),
		TEST(pending_after_a_final_state_is_another_run),
		TEST(a_send_keeps_the_newer_wish),
		TEST(what_was_removed_stays_removed),
		TEST(again_asks_first_and_clear_forgets),
		TEST(what_a_job_cost_stands_in_its_line),
		TEST(an_older_job_is_not_the_newest),
		TEST(a_torn_file_concerns_one_job),
		TEST(a_report_that_waits_is_never_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
