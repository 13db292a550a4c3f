/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "err.h"
#include "form.h"

static const struct {
	const char *why, *body, *want; /* NULL: refused */
	const char *error;
} cases[] = {
	{ "as GitHub sends it", "payload=%7B%22a%22%3A1%7D", "{\"a\":1}", "" },
	{ "plus is a blank", "payload=a+b%2Bc", "a b+c", "" },
	{ "digits of either case", "payload=%c3%A9", "\xc3\xa9", "" },
	{ "among others", "x=1&payload=2&y=3", "2", "" },
	{ "an equals sign in the value", "payload=a=b", "a=b", "" },
	{ "an empty value", "payload=", "", "" },
	{ "no equals sign", "payload", "", "" },
	{ "a name written otherwise", "p%61yload=1", "1", "" },
	{ "missing", "x=1", NULL, "form: field payload is missing" },
	{ "an empty body", "", NULL, "form: field payload is missing" },
	{ "a longer name", "payloads=1", NULL,
	    "form: field payload is missing" },
	{ "a shorter name", "payloa=1", NULL,
	    "form: field payload is missing" },
	{ "a name with a NUL", "payload%00=1", NULL,
	    "form: field payload is missing" },
	{ "twice", "payload=1&payload=2", NULL,
	    "form: field payload stands twice" },
	{ "twice, the second hidden", "payload=1&%70ayload=2", NULL,
	    "form: field payload stands twice" },
	{ "a broken escape", "payload=%4", NULL,
	    "form: broken escape in field payload" },
	{ "an escape that runs into the next field", "payload=%4&x=1", NULL,
	    "form: broken escape in field payload" },
	{ "no hexadecimal", "payload=%zz", NULL,
	    "form: broken escape in field payload" },
	{ "a broken escape in another's name", "%=1&payload=1", NULL,
	    "form: broken escape in a field's name" },
	{ "more than there is room for", "payload=12345678901", NULL,
	    "form field: more than 10 bytes" },
};

static void
the_one_field_is_decoded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].body);
		char *copy = malloc(len + 1); /* ends where its memory ends */
		struct err err = { 0 };
		struct buf out;
		int rc;

		assert_non_null(copy);
		memcpy(copy, cases[i].body, len);
		buf_init(&out, 10);
		rc = form_field(&out, copy, len, "payload", &err);
		free(copy);
		if (rc != (cases[i].want != NULL ? 0 : -1) ||
		    strcmp(err.text, cases[i].error) != 0 ||
		    strcmp(out.data, rc == 0 ? cases[i].want : "") != 0)
			fail_msg("%s: %d %s %s", cases[i].why, rc, out.data,
			    err.text);
		buf_release(&out);
	}
}

static void
what_was_there_stays(void **state)
{
	struct err err = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	buf_adds(&out, "before ");
	assert_int_equal(form_field(&out, "a=1%", 4, "a", &err), -1);
	assert_string_equal(out.data, "before ");
	assert_int_equal(form_field(&out, "a=1%2", 3, "a", &err), 0);
	assert_string_equal(out.data, "before 1");
	buf_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_one_field_is_decoded),
		cmocka_unit_test(what_was_there_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
