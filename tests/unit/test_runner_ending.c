/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "runner/ending.h"

#define EXITED(code)   ((code) << 8)
#define KILLED(signal) (signal)
#define COUNT(array)   (sizeof(array) / sizeof *(array))

static const struct {
	const char *why;
	int status;
	enum stop stop;
	const char *report;
	unsigned attempts, lost;
	enum spool_state to;
	enum job_outcome outcome;
	const char *reason;
} cases[] = {
	{ "0 is done", EXITED(0), STOP_NONE, "", 1, 0, SPOOL_DONE,
	    JOB_SUCCEEDED, "" },
	{ "0 is done also at the deadline", EXITED(0), STOP_TIMEOUT, "", 1, 0,
	    SPOOL_DONE, JOB_SUCCEEDED, "" },
	{ "0 is done also when it was cancelled", EXITED(0), STOP_CANCEL, "", 1,
	    0, SPOOL_DONE, JOB_SUCCEEDED, "" },
	{ "100 is dead", EXITED(100), STOP_NONE, "", 1, 0, SPOOL_DEAD,
	    JOB_FAILED, "failed for good" },
	{ "100 with a reason", EXITED(100), STOP_NONE, "reason no branch\n", 1,
	    0, SPOOL_DEAD, JOB_FAILED, "no branch" },
	{ "100 and unreadable is bad", EXITED(100), STOP_NONE,
	    "unreadable torn\n", 1, 0, SPOOL_BAD, JOB_QUARANTINED, "torn" },
	{ "unreadable counts only with 100", EXITED(0), STOP_NONE,
	    "unreadable torn\n", 1, 0, SPOOL_DONE, JOB_SUCCEEDED, "torn" },
	{ "111 is tried again", EXITED(111), STOP_NONE, "reason busy\n", 1, 0,
	    SPOOL_RETRY, JOB_FAILED, "busy" },
	{ "111 is given up some day", EXITED(111), STOP_NONE, "reason busy\n",
	    40, 0, SPOOL_DEAD, JOB_FAILED, "given up after 40 attempts: busy" },
	{ "a signal is tried again", KILLED(11), STOP_NONE, "", 1, 1,
	    SPOOL_RETRY, JOB_LOST, "the worker was killed by signal 11" },
	{ "the fifth is not", KILLED(9), STOP_NONE, "", 5, 5, SPOOL_DEAD,
	    JOB_LOST,
	    "given up after 5 attempts: the worker was killed by signal 9" },
	{ "a code that means nothing is as a signal", EXITED(1), STOP_NONE, "",
	    7, 4, SPOOL_RETRY, JOB_LOST, "the worker ended with exit code 1" },
	{ "at its deadline it is dead, whatever it says", EXITED(111),
	    STOP_TIMEOUT, "reason busy\n", 1, 0, SPOOL_DEAD, JOB_TIMED_OUT,
	    "stopped at its deadline" },
	{ "cancelled is not failed", EXITED(100), STOP_CANCEL, "", 1, 0,
	    SPOOL_DEAD, JOB_CANCELLED, "cancelled by an operator" },
	{ "shutdown costs nothing", KILLED(9), STOP_SHUTDOWN, "", 1, 0,
	    SPOOL_NEW, JOB_FAILED, "the runner stopped" },
	{ "also where the worker calls it failed", EXITED(100), STOP_SHUTDOWN,
	    "", 1, 0, SPOOL_NEW, JOB_FAILED, "the runner stopped" },
	{ "a worker that could not be started costs nothing",
	    EXITED(ENDING_NO_WORKER), STOP_NONE, "reason exec: no file\n", 1, 0,
	    SPOOL_NEW, JOB_FAILED, "exec: no file" },
};

static void
endings_have_verdicts(void **state)
{
	const int64_t now = INT64_C(1800000000) * CLOCK_SECOND;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct report report;
		struct ending e = { .status = cases[i].status,
			.stop = cases[i].stop,
			.report = &report,
			.attempts = cases[i].attempts,
			.lost = cases[i].lost,
			.now = now,
			.received = now - 40 * 3600 * CLOCK_SECOND,
			.retry_for = 24 * 3600 * CLOCK_SECOND,
			.schedule = &schedule_default };
		struct verdict v;

		report_parse(&report, cases[i].report, strlen(cases[i].report));
		ending_judge(&v, &e);
		if (v.to != cases[i].to || v.outcome != cases[i].outcome ||
		    strcmp(v.reason, cases[i].reason) != 0)
			fail_msg("%s: to %d, outcome %d, \"%s\"", cases[i].why,
			    (int)v.to, (int)v.outcome, v.reason);
		assert_int_equal(v.blameless, v.to == SPOOL_NEW);
	}
}

static const struct {
	const char *why, *text;
	int64_t retry_at; /* s */
	int unreadable;
	const char *reason;
} reports[] = {
	{ "nothing", "", 0, 0, "" },
	{ "both", "reason a b\nretry-at 1800000000\n", 1800000000, 0, "a b" },
	{ "the last of a kind counts", "reason a\nreason b\n", 0, 0, "b" },
	{ "a torn line does not", "reason a\nreason bb", 0, 0, "a" },
	{ "other lines are nothing", "hello\n\nreasons a\nretry-at\n", 0, 0,
	    "" },
	{ "a time that is none", "retry-at soon\n", 0, 0, "" },
	{ "a negative time", "retry-at -5\n", 0, 0, "" },
	{ "a time past all days", "retry-at 999999999999\n", 0, 0, "" },
	{ "control characters", "reason a\tb\033[2Jc\n", 0, 0, "a b [2Jc" },
	{ "unreadable", "unreadable why\n", 0, 1, "why" },
};

static void
reports_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(reports); i++) {
		struct report r;

		report_parse(&r, reports[i].text, strlen(reports[i].text));
		if (r.retry_at != reports[i].retry_at * CLOCK_SECOND ||
		    r.unreadable != reports[i].unreadable ||
		    strcmp(r.reason, reports[i].reason) != 0)
			fail_msg("%s: \"%s\"", reports[i].why, r.reason);
	}
}

static void
a_long_reason_is_cut(void **state)
{
	char text[REPORT_MAX];
	struct report r;

	(void)state;
	memset(text, 'x', sizeof text);
	memcpy(text, "reason ", 7);
	text[sizeof text - 1] = '\n';
	report_parse(&r, text, sizeof text);
	assert_int_equal(strlen(r.reason), ERR_TEXT_MAX - 1);
}

static void
the_asked_time_goes_before_the_schedule(void **state)
{
	const int64_t now = INT64_C(1800000000) * CLOCK_SECOND;
	struct report report = { .retry_at = now + 77 * CLOCK_SECOND };
	struct ending e = { .status = EXITED(111),
		.report = &report,
		.attempts = 1,
		.now = now,
		.received = now,
		.retry_for = 3600 * CLOCK_SECOND,
		.schedule = &schedule_default };
	struct verdict v;

	(void)state;
	ending_judge(&v, &e);
	assert_int_equal(v.delay, 77 * CLOCK_SECOND);
	report.retry_at = now + INT64_C(864000) * CLOCK_SECOND;
	ending_judge(&v, &e);
	assert_true(v.delay <= 2 * 3600 * CLOCK_SECOND);
}

static void
orphans_go_back_until_they_are_lost(void **state)
{
	struct verdict v;

	(void)state;
	ending_orphan(&v, 1, 1);
	assert_int_equal(v.to, SPOOL_NEW);
	assert_false(v.blameless);
	ending_orphan(&v, 9, ENDING_LOST_MAX);
	assert_int_equal(v.to, SPOOL_DEAD);
	assert_int_equal(v.outcome, JOB_LOST);
	ending_orphan(&v, SPOOL_ATTEMPTS, 1);
	assert_int_equal(v.to, SPOOL_DEAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endings_have_verdicts),
		cmocka_unit_test(reports_are_read),
		cmocka_unit_test(a_long_reason_is_cut),
		cmocka_unit_test(the_asked_time_goes_before_the_schedule),
		cmocka_unit_test(orphans_go_back_until_they_are_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
