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

static void
what_is_added_is_there(void **state)
{
	struct err err = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	assert_string_equal(b.data, "");
	buf_adds(&b, "one");
	buf_addc(&b, ' ');
	buf_add(&b, "t\0o", 3);
	buf_addf(&b, " %d", 3);
	assert_int_equal(b.len, 9);
	assert_memory_equal(b.data, "one t\0o 3", 10);
	for (int i = 0; i < 2000; i++)
		buf_addf(&b, "%03d", i % 1000);
	assert_int_equal(b.len, 9 + 6000);
	assert_string_equal(b.data + b.len - 6, "998999");
	assert_int_equal(buf_check(&b, "test", &err), 0);
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	buf_release(&b);
	buf_release(&b);
}

static void
the_maximum_holds_and_is_told_once(void **state)
{
	struct err err = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	buf_adds(&b, "12345");
	assert_int_equal(buf_check(&b, "test", &err), 0);
	buf_addc(&b, '6');
	assert_string_equal(b.data, "12345");
	assert_int_equal(buf_check(&b, "test", &err), -1);
	assert_int_equal(err.class, ERR_BAD);
	assert_string_equal(err.text, "test: more than 5 bytes");
	buf_reset(&b);
	buf_adds(&b, "123");
	buf_addf(&b, "%s", "456");
	buf_adds(&b, "4"); /* would fit, but comes after what did not */
	assert_string_equal(b.data, "123");
	assert_int_equal(buf_check(&b, "test", &err), -1);
	buf_release(&b);
}

static void
a_buffer_without_limit_grows(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	for (int i = 0; i < 3000; i++)
		buf_addc(&b, 'x');
	assert_int_equal(b.len, 3000);
	assert_null(buf_room(&b, SIZE_MAX));
	assert_int_equal(b.state, BUF_FULL);
	buf_release(&b);
}

static void
room_keeps_the_end_marked(void **state)
{
	struct buf b;
	char *room;

	(void)state;
	buf_init(&b, 1000);
	room = buf_room(&b, 600);
	assert_non_null(room);
	assert_string_equal(b.data, "");
	memcpy(room, "abc", 4);
	b.len += 3;
	assert_non_null(buf_room(&b, 997));
	assert_string_equal(b.data, "abc");
	assert_null(buf_room(&b, 998));
	buf_release(&b);
}

static void
a_zeroed_one_may_be_released(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_release(&b);
	buf_adds(&b, "x");
	assert_int_equal(b.state, BUF_FULL);
	assert_string_equal(b.data, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_added_is_there),
		cmocka_unit_test(the_maximum_holds_and_is_told_once),
		cmocka_unit_test(a_buffer_without_limit_grows),
		cmocka_unit_test(room_keeps_the_end_marked),
		cmocka_unit_test(a_zeroed_one_may_be_released),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
