/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>

#include "cli/job_find.h"
#include "cli/logs.h"
#include "cli/stats.h"
#include "clock.h"
#include "json.h"

#define NOW (INT64_C(1800000000) * CLOCK_SECOND)
#define ID  "7-0a1b2c3d-0000-4000-8000-000000000001"

static const struct {
	const char *text;
	int rc;
	int64_t want;
} time_cases[] = {
	{ "1970-01-01T00:00:01Z", 0, CLOCK_SECOND },
	{ "1970-01-02", 0, 86400 * CLOCK_SECOND },
	{ "90s", 0, NOW - 90 * CLOCK_SECOND },
	{ "15m", 0, NOW - 900 * CLOCK_SECOND },
	{ "2h", 0, NOW - 7200 * CLOCK_SECOND },
	{ "3d", 0, NOW - 259200 * CLOCK_SECOND },
	{ "", -1, 0 },
	{ "5", -1, 0 },
	{ "-5m", -1, 0 },
	{ "5m ago", -1, 0 },
	{ "5w", -1, 0 },
	{ "1970-13-01", -1, 0 },
	{ "99999999999999999999s", -1, 0 },
};

static const char record[] =
    "{\"hook_id\":\"0a1b2c3d-0000-4000-8000-000000000001\","
    "\"event_type\":\"issues\",\"repository_full_name\":\"octo/Hello\","
    "\"pr\":null,\"job_id\":\"" ID "\",\"state\":\"timed_out\","
    "\"status\":\"failed\","
    "\"timing\":{\"completed_at\":\"2026-11-22T12:00:00Z\"}}";

static const struct {
	const char *why;
	struct logs_filter filter;
	int want;
} match_cases[] = {
	{ "no condition", { 0 }, 1 },
	{ "the beginning of the delivery", { .delivery = "0A1B" }, 1 },
	{ "another delivery", { .delivery = "0a1c" }, 0 },
	{ "the job's ID", { .job = ID }, 1 },
	{ "the beginning of its delivery", { .job = "0a1b2c" }, 1 },
	{ "the repository in other case", { .repository = "OCTO/hello" }, 1 },
	{ "another repository", { .repository = "octo/hello2" }, 0 },
	{ "the event", { .event = "issues" }, 1 },
	{ "an event that begins so", { .event = "issue" }, 0 },
	{ "the outcome", { .status = "timed_out" }, 1 },
	{ "the status", { .status = "failed" }, 1 },
	{ "another outcome", { .status = "succeeded" }, 0 },
	{ "the number of an issue, from the ID", { .number = 7 }, 1 },
	{ "another number", { .number = 8 }, 0 },
	{ "before its time", { .since = NOW }, 0 },
	{ "after its time", { .until = CLOCK_SECOND }, 0 },
	{ "one of two conditions", { .event = "issues", .number = 8 }, 0 },
};

static void
moments_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof time_cases / sizeof *time_cases; i++) {
		int64_t wall = -7;

		if (logs_time(&wall, time_cases[i].text, NOW) !=
		    time_cases[i].rc)
			fail_msg("%s", time_cases[i].text);
		if (time_cases[i].rc == 0)
			assert_int_equal(wall, time_cases[i].want);
	}
}

static void
conditions_hold_or_not(void **state)
{
	struct json *doc = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(json_parse(&doc, record, strlen(record), &err), 0);
	for (size_t i = 0; i < sizeof match_cases / sizeof *match_cases; i++) {
		if (logs_match(&match_cases[i].filter, doc) !=
		    match_cases[i].want)
			fail_msg("%s: want %d", match_cases[i].why,
			    match_cases[i].want);
	}
	json_free(doc);
}

static void
a_job_is_named_by_beginnings(void **state)
{
	(void)state;
	assert_true(job_matches(ID, "7-0a"));
	assert_true(job_matches(ID, "0a1b2c3d-0000"));
	assert_false(job_matches(ID, "a1b2"));
	assert_false(job_matches(ID, "77-0a"));
	assert_true(job_text_valid("0a1b"));
	assert_false(job_text_valid("0a1"));
	assert_false(job_text_valid("../.."));
	assert_false(job_text_valid("0a1b\n"));
}

static void
percentiles_are_by_nearest_rank(void **state)
{
	int64_t values[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	struct stats st = { .durations = values, .ndurations = 10 },
		     none = { 0 };

	(void)state;
	assert_int_equal(stats_percentile(&st, 50), 5);
	assert_int_equal(stats_percentile(&st, 95), 10);
	assert_int_equal(stats_percentile(&st, 100), 10);
	assert_int_equal(stats_percentile(&st, 0), 1);
	assert_int_equal(stats_percentile(&none, 50), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moments_are_read),
		cmocka_unit_test(conditions_hold_or_not),
		cmocka_unit_test(a_job_is_named_by_beginnings),
		cmocka_unit_test(percentiles_are_by_nearest_rank),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
