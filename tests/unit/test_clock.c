/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"

#define S CLOCK_SECOND

static const struct {
	const char *why, *text;
	int64_t want;
} read_well[] = {
	{ "the beginning", "1970-01-01T00:00:00Z", 0 },
	{ "a fraction", "1970-01-01T00:00:01.5Z", S + S / 2 },
	{ "nine digits", "1970-01-01T00:00:00.000000001Z", 1 },
	{ "more than nine", "1970-01-01T00:00:00.0000000019Z", 1 },
	{ "before the beginning", "1969-12-31T23:59:59.75Z", -S / 4 },
	{ "an offset east", "1970-01-01T02:30:00+02:30", 0 },
	{ "an offset west", "1969-12-31T20:00:00-04:00", 0 },
	{ "a leap day", "2024-02-29T00:00:00Z", 1709164800 * S },
	{ "a leap second, whose fraction belongs to no other",
	    "2016-12-31T23:59:60.5Z", 1483228800 * S },
};

static const char *const refused[] = {
	"",
	"1970-01-01",
	"1970-01-01T00:00:00",
	"1970-01-01T00:00:00z",
	"1970-01-01 00:00:00Z",
	" 1970-01-01T00:00:00Z",
	"1970-01-01T00:00:00Z ",
	"1970-1-1T0:0:0Z",
	"1970- 1-01T00:00:00Z",
	"1970-00-01T00:00:00Z",
	"1970-13-01T00:00:00Z",
	"1970-01-32T00:00:00Z",
	"1970-04-31T00:00:00Z",
	"2023-02-29T00:00:00Z",
	"1970-01-01T24:00:00Z",
	"1970-01-01T00:60:00Z",
	"1970-01-01T00:00:61Z",
	"1970-01-01T00:00:00.Z",
	"1970-01-01T00:00:00+2:00",
	"1970-01-01T00:00:00+-1:-2",
	"1970-01-01T00:00:00+0200",
	"1970-01-01T00:00:00+24:00",
	"1970-01-01T00:00:00+02:60",
	"9999-12-31T23:59:59Z", /* no nanoseconds count so far */
	"0001-01-01T00:00:00Z",
};

static void
times_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof read_well / sizeof *read_well; i++) {
		int64_t wall = 77;

		if (clock_parse(&wall, read_well[i].text) == -1 ||
		    wall != read_well[i].want)
			fail_msg("%s: %lld", read_well[i].why, (long long)wall);
	}
}

static void
everything_else_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		int64_t wall = 77;

		if (clock_parse(&wall, refused[i]) == 0 || wall != 77)
			fail_msg("%s: taken", refused[i]);
	}
}

static const struct {
	int64_t wall;
	const char *micro, *nano, *day;
} written[] = {
	{ 0, "1970-01-01T00:00:00.000000Z", "1970-01-01T00:00:00.000000000Z",
	    "1970-01-01" },
	{ 1709164799 * S + 999999999, "2024-02-28T23:59:59.999999Z",
	    "2024-02-28T23:59:59.999999999Z", "2024-02-28" },
	{ -1, "1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999999Z",
	    "1969-12-31" },
	{ INT64_MAX, "2262-04-11T23:47:16.854775Z",
	    "2262-04-11T23:47:16.854775807Z", "2262-04-11" },
};

static void
times_are_written_and_read_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
		char text[CLOCK_TEXT], day[CLOCK_DAY];
		int64_t again = 77;

		clock_text(text, written[i].wall);
		assert_string_equal(text, written[i].micro);
		clock_text_ns(text, written[i].wall);
		assert_string_equal(text, written[i].nano);
		clock_day(day, written[i].wall);
		assert_string_equal(day, written[i].day);
		assert_int_equal(clock_parse(&again, text), 0);
		assert_true(again == written[i].wall);
	}
}

static void
clocks_go_forward(void **state)
{
	int64_t mono = clock_mono(), boot = clock_boot();

	(void)state;
	assert_true(clock_mono() >= mono);
	assert_true(clock_boot() >= boot);
	assert_true(clock_wall() > 1600000000 * S);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(everything_else_is_refused),
		cmocka_unit_test(times_are_written_and_read_again),
		cmocka_unit_test(clocks_go_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
