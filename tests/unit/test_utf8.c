/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "utf8.h"

#define E_ACUTE "\xc3\xa9"
#define EURO	"\xe2\x82\xac"
#define FACE	"\xf0\x9f\x98\x80"

static const struct {
	const char *why, *text;
	size_t valid;
} cases[] = {
	{ "nothing", "", 0 },
	{ "ASCII", "plain text of some length", 25 },
	{ "every length", E_ACUTE EURO FACE "z", 10 },
	{ "the largest", "\xf4\x8f\xbf\xbf", 4 },
	{ "one too large", "a\xf4\x90\x80\x80", 1 },
	{ "the last before the surrogates", "\xed\x9f\xbf", 3 },
	{ "a surrogate", "12345678\xed\xa0\x80", 8 },
	{ "an overlong slash", "\xc0\xaf", 0 },
	{ "overlong in three", "\xe0\x9f\xbf", 0 },
	{ "overlong in four", "\xf0\x8f\xbf\xbf", 0 },
	{ "a tail alone", "a\x80", 1 },
	{ "cut after one byte", "1234567\xc3", 7 },
	{ "cut after two", "\xe2\x82", 0 },
	{ "cut after three", "\xf0\x9f\x98", 0 },
	{ "a byte that never occurs", "\xff", 0 },
	{ "a bad byte behind the eighth",
	    "123456789\xfe"
	    "123",
	    9 },
};

static void
the_valid_prefix_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].text), got;
		char *copy = malloc(len + 1); /* ends where its memory ends */

		assert_non_null(copy);
		memcpy(copy, cases[i].text, len);
		got = utf8_valid(copy, len);
		free(copy);
		if (got != cases[i].valid)
			fail_msg("%s: %zu", cases[i].why, got);
	}
}

static void
a_cut_splits_no_character(void **state)
{
	static const char text[] = "a" E_ACUTE EURO FACE "z";
	static const size_t want[] = { 0, 1, 3, 6, 10, 11, 11 };

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		assert_int_equal(utf8_cut(text, sizeof text - 1, i), want[i]);
	assert_int_equal(utf8_cut("\xff\xff", 2, 1), 1);
	assert_int_equal(utf8_cut("\xe2\x82", 2, 5), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_valid_prefix_is_found),
		cmocka_unit_test(a_cut_splits_no_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
