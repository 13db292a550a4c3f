/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "clock.h"
#include "runner/schedule.h"

#define MINUTE	     (60 * CLOCK_SECOND)
#define HOUR	     (60 * MINUTE)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct {
	const char *why, *text;
	unsigned n; /* 0: refused */
	int64_t last;
} parse_cases[] = {
	{ "one delay", "5s", 1, 5 * CLOCK_SECOND },
	{ "seconds need no unit", "5", 1, 5 * CLOCK_SECOND },
	{ "all units", "1ms,2s,3m,4h", 4, 4 * HOUR },
	{ "none at once is allowed", "0s", 1, 0 },
	{ "nothing", "", 0, 0 },
	{ "an empty item", "1s,,2s", 0, 0 },
	{ "a comma at the end", "1s,", 0, 0 },
	{ "a sign", "-1s", 0, 0 },
	{ "an unknown unit", "1d", 0, 0 },
	{ "text behind the unit", "1sec", 0, 0 },
	{ "more than a week", "200h", 0, 0 },
	{ "a number that overflows", "99999999999999999999999s", 0, 0 },
	{ "33 delays",
	    "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",
	    0, 0 },
};

static void
lists_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(parse_cases); i++) {
		struct schedule s = { .n = 77 };
		struct err err = { 0 };
		int rc = schedule_parse(&s, parse_cases[i].text, &err);

		if (rc != (parse_cases[i].n == 0 ? -1 : 0))
			fail_msg("%s: %d", parse_cases[i].why, rc);
		if (rc == -1) {
			assert_int_equal(s.n, 77);
			assert_int_equal(err.class, ERR_CONF);
			continue;
		}
		assert_int_equal(s.n, parse_cases[i].n);
		assert_int_equal(s.delays[s.n - 1], parse_cases[i].last);
	}
}

static const struct {
	const char *why;
	unsigned attempts;
	int64_t nominal;
} delay_cases[] = {
	{ "the first", 1, 10 * CLOCK_SECOND },
	{ "the second", 2, 30 * CLOCK_SECOND },
	{ "the third", 3, 2 * MINUTE },
	{ "the sixth", 6, HOUR },
	{ "from there hourly", 7, HOUR },
	{ "for ever", 900, HOUR },
};

static void
delays_have_a_fifth_of_jitter(void **state)
{
	static const uint32_t dice[] = { 0, 1, 500, 999, 1000, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(delay_cases); i++) {
		int64_t want = delay_cases[i].nominal;

		for (size_t k = 0; k < COUNT(dice); k++) {
			int64_t d = schedule_delay(&schedule_default,
			    delay_cases[i].attempts, dice[k]);

			if (d < want - want / 5 || d > want + want / 5)
				fail_msg(
				    "%s: %jd", delay_cases[i].why, (intmax_t)d);
		}
		assert_int_equal(schedule_delay(&schedule_default,
				     delay_cases[i].attempts, 0),
		    want - want / 5);
		assert_int_equal(schedule_delay(&schedule_default,
				     delay_cases[i].attempts, 1000),
		    want + want / 5);
	}
}

static const struct {
	const char *why;
	unsigned attempts;
	int64_t since_received;
	int spent;
} spent_cases[] = {
	{ "the first hour", 4, HOUR, 0 },
	{ "a day, by both reckonings", 30, 25 * HOUR, 1 },
	{ "the machine was off for a week after one attempt", 1, 168 * HOUR,
	    0 },
	{ "the clock jumped a year ahead", 2, 8760 * HOUR, 0 },
	{ "the clock was set back", 10, -5 * HOUR, 0 },
	{ "the clock was set back, but it was tried for a day", 30, -5 * HOUR,
	    1 },
	{ "many attempts in a short time", 30, HOUR, 0 },
};

static void
a_job_is_given_up_after_a_day(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(spent_cases); i++) {
		if (schedule_spent(&schedule_default, spent_cases[i].attempts,
			spent_cases[i].since_received,
			24 * HOUR) != spent_cases[i].spent)
			fail_msg("%s", spent_cases[i].why);
	}
}

static void
wishes_are_clamped(void **state)
{
	const struct schedule quick = { { CLOCK_SECOND }, 1 };

	(void)state;
	assert_int_equal(schedule_clamp(&quick, -HOUR), 0);
	assert_int_equal(schedule_clamp(&quick, MINUTE), MINUTE);
	assert_int_equal(schedule_clamp(&quick, HOUR), HOUR);
	assert_int_equal(schedule_clamp(&quick, 9000 * HOUR), HOUR + HOUR / 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_read),
		cmocka_unit_test(delays_have_a_fifth_of_jitter),
		cmocka_unit_test(a_job_is_given_up_after_a_day),
		cmocka_unit_test(wishes_are_clamped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
