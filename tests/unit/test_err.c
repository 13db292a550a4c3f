/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "err.h"

static const struct {
	enum err_class class;
	int http_status, exit_code;
} outside[] = {
	{ ERR_NONE, 200, EXIT_DONE },
	{ ERR_TEMP, 503, EXIT_TRYAGAIN },
	{ ERR_PERM, 500, EXIT_FAILED },
	{ ERR_BAD, 400, EXIT_FAILED },
	{ ERR_CONF, 503, EXIT_FAILED },
};

static const struct {
	int sys;
	enum err_class class;
} classes[] = {
	{ ENOSPC, ERR_TEMP },
	{ EDQUOT, ERR_TEMP },
	{ ENOMEM, ERR_TEMP },
	{ EMFILE, ERR_TEMP },
	{ EAGAIN, ERR_TEMP },
	{ EIO, ERR_TEMP },
	{ EACCES, ERR_PERM },
	{ ENOENT, ERR_PERM },
};

static void
a_class_says_what_the_outside_sees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
		assert_int_equal(
		    err_http_status(outside[i].class), outside[i].http_status);
		assert_int_equal(
		    err_exit_code(outside[i].class), outside[i].exit_code);
	}
}

static void
a_missing_permission_can_be_waited_for(void **state)
{
	struct err err = { 0 };

	(void)state;
	errno = EACCES;
	(void)err_sys(&err, "file");
	err_wait_for_permission(&err);
	assert_int_equal(err.class, ERR_TEMP);
	errno = EPERM;
	(void)err_sys(&err, "file");
	err_wait_for_permission(&err);
	assert_int_equal(err.class, ERR_TEMP);
	errno = ENOENT;
	(void)err_sys(&err, "file");
	err_wait_for_permission(&err);
	assert_int_equal(err.class, ERR_PERM);
	(void)err_set(&err, ERR_CONF, EACCES, "configured");
	err_wait_for_permission(&err);
	assert_int_equal(err.class, ERR_CONF);
}

static void
errno_decides_the_class_of_a_failed_call(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		struct err err = { 0 };
		char want[ERR_TEXT_MAX];

		errno = classes[i].sys;
		assert_int_equal(err_sys(&err, "file %d", 7), -1);
		assert_int_equal(err.class, classes[i].class);
		assert_int_equal(err.sys, classes[i].sys);
		snprintf(
		    want, sizeof want, "file 7: %s", strerror(classes[i].sys));
		assert_string_equal(err.text, want);
	}
}

static void
context_is_put_before_and_long_texts_are_cut(void **state)
{
	struct err err = { 0 };
	char word[300];

	(void)state;
	memset(word, 'x', sizeof word - 1);
	word[sizeof word - 1] = '\0';
	assert_int_equal(err_set(&err, ERR_BAD, 5, "inner %s", "text"), -1);
	assert_int_equal(err_prefix(&err, "outer %d", 1), -1);
	assert_string_equal(err.text, "outer 1: inner text");
	assert_int_equal(err.class, ERR_BAD);
	assert_int_equal(err.sys, 5);
	assert_int_equal(err_set(&err, ERR_BAD, 0, "%s", word), -1);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
	assert_int_equal(err_prefix(&err, "%s", word), -1);
	assert_int_equal(strlen(err.text), ERR_TEXT_MAX - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_class_says_what_the_outside_sees),
		cmocka_unit_test(a_missing_permission_can_be_waited_for),
		cmocka_unit_test(errno_decides_the_class_of_a_failed_call),
		cmocka_unit_test(context_is_put_before_and_long_texts_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
