/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "err.h"
#include "uuid.h"

static const struct {
	const char *why, *text, *want; /* NULL: refused */
} cases[] = {
	{ "as GitHub sends it", "72d3162e-cc78-11e3-81ab-4c9367dc0958",
	    "72d3162e-cc78-11e3-81ab-4c9367dc0958" },
	{ "upper case is folded", "72D3162E-CC78-11E3-81AB-4C9367DC0958",
	    "72d3162e-cc78-11e3-81ab-4c9367dc0958" },
	{ "any version", "00000000-0000-0000-0000-000000000000",
	    "00000000-0000-0000-0000-000000000000" },
	{ "empty", "", NULL },
	{ "too short", "72d3162e-cc78-11e3-81ab-4c9367dc095", NULL },
	{ "too long", "72d3162e-cc78-11e3-81ab-4c9367dc09580", NULL },
	{ "no digit", "72d3162e-cc78-11e3-81ab-4c9367dc095g", NULL },
	{ "a dash elsewhere", "72d3162ecc-78-11e3-81ab-4c9367dc0958", NULL },
	{ "a path", "../../../../../../../../../etc/passwd", NULL },
	{ "braces", "{72d3162e-cc78-11e3-81ab-4c9367dc0958}", NULL },
	{ "a newline behind", "72d3162e-cc78-11e3-81ab-4c9367dc0958\n", NULL },
};

static void
names_are_taken_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char out[UUID_TEXT] = "before";
		int rc = uuid_parse(out, cases[i].text);
		const char *want = cases[i].want;

		if (want == NULL ? rc != -1 || strcmp(out, "before") != 0
				 : rc != 0 || strcmp(out, want) != 0)
			fail_msg("%s: %d %s", cases[i].why, rc, out);
	}
}

static void
made_ones_are_valid_and_differ(void **state)
{
	char one[UUID_TEXT], two[UUID_TEXT], again[UUID_TEXT];
	struct err err = { 0 };

	(void)state;
	assert_int_equal(uuid_make(one, &err), 0);
	assert_int_equal(uuid_make(two, &err), 0);
	assert_string_not_equal(one, two);
	assert_int_equal(uuid_parse(again, one), 0);
	assert_string_equal(again, one);
	assert_int_equal(one[14], '4');
	assert_non_null(strchr("89ab", one[19]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_taken_or_refused),
		cmocka_unit_test(made_ones_are_valid_and_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
