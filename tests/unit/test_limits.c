/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "filetree.h"
#include "github/limits.h"

#define LONG	(HOUR + CLOCK_SECOND)
#define MINUTE	(60 * CLOCK_SECOND)
#define HOUR	(3600 * CLOCK_SECOND)
#define SLACK	(30 * CLOCK_SECOND) /* that the test itself may take */
#define WRITES	(LIMITS_WRITES_HOUR + 1)
#define ONE	"0123456789abcdef"
#define ANOTHER "fedcba9876543210"

static char root[32];

static int
make_root(void **state)
{
	struct limits *limits;
	struct err err;

	snprintf(root, sizeof root, "/tmp/test_limits.XXXXXX");
	if (mkdtemp(root) == NULL || limits_open(&limits, root, &err) == -1)
		return -1;
	*state = limits;
	return 0;
}

static int
remove_root(void **state)
{
	struct err err;

	limits_close(*state);
	return filetree_remove(AT_FDCWD, root, &err);
}

/* The moment that was given, from `start` on; it lies between these two,
 * since we do not know when in between our clock was asked. */
struct moment {
	int64_t from, to;
};

static struct moment
take(struct limits *limits, const char *name, int64_t start)
{
	struct err err = { 0 };
	int64_t before = clock_wall(), wait;

	if (limits_take_write(limits, name, LONG, &wait, &err) == -1)
		fail_msg("%s", err.text);
	assert_true(wait >= 0);
	return (struct moment){ before + wait - start,
		clock_wall() + wait - start };
}

/* Surely closer than `least` to the one that was given `n` before. */
static int
is_too_close(const struct moment *at, int i, int n, int64_t least)
{
	return i >= n && at[i].to - at[i - n].from < least;
}

/* However many ask at once: never two in a second, 80 in a minute, 500 in an
 * hour. */
static void
writes_keep_their_distances(void **state)
{
	static struct moment at[WRITES];
	int64_t start = clock_wall();

	for (int i = 0; i < WRITES; i++) {
		at[i] = take(*state, ONE, start);
		if (is_too_close(at, i, 1, CLOCK_SECOND - CLOCK_MSEC))
			fail_msg("%d: less than a second", i);
		if (is_too_close(
			at, i, LIMITS_WRITES_MINUTE, MINUTE - CLOCK_SECOND))
			fail_msg("%d: more than 80 in a minute", i);
		if (is_too_close(at, i, LIMITS_WRITES_HOUR, HOUR - SLACK))
			fail_msg("%d: more than 500 in an hour", i);
	}
	/* and no later than that */
	assert_true(at[LIMITS_WRITES_HOUR - 1].from <
		    LIMITS_WRITES_HOUR * CLOCK_SECOND + SLACK);
	assert_true(at[LIMITS_WRITES_HOUR].from < HOUR + SLACK);
	/* another token has a pace of its own */
	assert_true(take(*state, ANOTHER, start).from < SLACK);
}

static void
a_wait_that_is_too_long_takes_nothing(void **state)
{
	struct err err = { 0 };
	int64_t wait, start = clock_wall(), first;

	for (int i = 0; i < 10; i++)
		first = take(*state, ONE, start).to;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(limits_take_write(*state, ONE,
				     CLOCK_SECOND / 2, &wait, &err),
		    -1);
		assert_int_equal(err.class, ERR_TEMP);
		assert_true(wait > CLOCK_SECOND / 2);
	}
	assert_true(take(*state, ONE, start).from < first + 2 * CLOCK_SECOND);
}

static void
what_is_known_ends_with_its_window(void **state)
{
	int64_t now = clock_wall() / CLOCK_SECOND;
	struct limits_window window = {
		.limit = 5000, .remaining = 7, .reset = now + 1000
	};
	struct limits_state known;
	struct err err = { 0 };

	assert_int_equal(limits_get(*state, ONE, &known, &err), 0);
	assert_int_equal(known.window[LIMITS_CORE].remaining, -1);
	assert_int_equal(
	    limits_note(*state, ONE, LIMITS_CORE, &window, &err), 0);
	assert_int_equal(limits_get(*state, ONE, &known, &err), 0);
	assert_int_equal(known.window[LIMITS_CORE].remaining, 7);
	assert_int_equal(known.window[LIMITS_GRAPHQL].remaining, -1);
	window.reset = now - 1;
	assert_int_equal(
	    limits_note(*state, ONE, LIMITS_CORE, &window, &err), 0);
	assert_int_equal(limits_get(*state, ONE, &known, &err), 0);
	assert_int_equal(known.window[LIMITS_CORE].remaining, -1);
	/* a block is only ever made longer, a refusal is another matter */
	assert_int_equal(limits_block(*state, ONE, now + 50, 0, &err), 0);
	assert_int_equal(limits_block(*state, ONE, now + 20, 0, &err), 0);
	assert_int_equal(limits_block(*state, ONE, now + 90, 1, &err), 0);
	assert_int_equal(limits_get(*state, ONE, &known, &err), 0);
	assert_int_equal(known.blocked_until, now + 50);
	assert_int_equal(known.invalid_until, now + 90);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(writes_keep_their_distances),
		TEST(a_wait_that_is_too_long_takes_nothing),
		TEST(what_is_known_ends_with_its_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
