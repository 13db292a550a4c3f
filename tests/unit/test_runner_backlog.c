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
#include "runner/backlog.h"

static struct backlog *backlog;

static int
make(void **state)
{
	(void)state;
	backlog = backlog_new();
	return 0;
}

static int
drop(void **state)
{
	(void)state;
	backlog_free(backlog);
	return 0;
}

static int
put_kind(const char *id, const char *key, int64_t received, int64_t due,
    uint64_t kind, char moot[JOB_ID_MAX])
{
	struct waiting w = { .in = due == 0 ? WAITS_NEW : WAITS_RETRY,
		.key = backlog_hash(key),
		.kind = kind,
		.received = received,
		.due = due };

	snprintf(w.id, sizeof w.id, "%s", id);
	return backlog_put(backlog, &w, moot);
}

static void
put(const char *id, const char *key, int64_t received, int64_t due)
{
	char moot[JOB_ID_MAX];

	assert_int_equal(put_kind(id, key, received, due, 0, moot), 0);
}

/* The ID of what is next at that time, "" for nothing. */
static const char *
next(int64_t now)
{
	const struct waiting *w = backlog_next(backlog, now);

	return w == NULL ? "" : w->id;
}

static void
the_oldest_of_a_free_key_is_next(void **state)
{
	(void)state;
	put("c", "two", 3, 0);
	put("b", "one", 2, 0);
	put("a", "one", 1, 0);
	assert_string_equal(next(0), "a");
	backlog_take(backlog, "a");
	assert_string_equal(next(0), "c");
	backlog_take(backlog, "c");
	assert_string_equal(next(0), "");
	assert_true(backlog_wake(backlog) == INT64_MAX);
	backlog_release(backlog, backlog_hash("one"));
	assert_string_equal(next(0), "b");
	backlog_release(backlog, backlog_hash("two"));
	assert_int_equal(backlog_count(backlog, WAITS_NEW), 1);
}

static void
one_that_waits_for_its_time_holds_up_its_key(void **state)
{
	(void)state;
	put("a", "one", 1, 100);
	put("b", "one", 2, 0);
	put("c", "two", 3, 0);
	assert_string_equal(next(99), "c");
	backlog_remove(backlog, "c");
	assert_string_equal(next(99), "");
	assert_int_equal(backlog_wake(backlog), 100);
	assert_string_equal(next(100), "a");
	backlog_remove(backlog, "a");
	assert_string_equal(next(100), "b");
}

static void
one_whose_time_has_come_goes_before_younger_keys(void **state)
{
	(void)state;
	put("a", "one", 1, 100);
	for (int i = 0; i < 50; i++) {
		char id[32], key[16];

		snprintf(id, sizeof id, "x%d", i);
		snprintf(key, sizeof key, "k%d", i);
		put(id, key, 2 + i, 0);
	}
	assert_string_equal(next(99), "x0");
	assert_string_equal(next(100), "a");
}

static void
a_job_is_known_once(void **state)
{
	const struct waiting *w;

	(void)state;
	put("a", "one", 1, 100);
	put("a", "one", 1, 0);
	assert_int_equal(backlog_count(backlog, WAITS_RETRY), 0);
	assert_int_equal(backlog_count(backlog, WAITS_NEW), 1);
	w = backlog_find(backlog, "a");
	assert_non_null(w);
	assert_int_equal(w->in, WAITS_NEW);
	backlog_remove(backlog, "a");
	backlog_remove(backlog, "a");
	assert_null(backlog_find(backlog, "a"));
}

static void
a_key_put_aside_comes_back_later_and_later(void **state)
{
	int64_t at, last = 0, now = 0;

	(void)state;
	put("a", "one", 1, 0);
	for (int i = 0; i < 10; i++) {
		assert_string_equal(next(now), "a");
		backlog_aside(backlog, backlog_hash("one"), now);
		assert_string_equal(next(now), "");
		at = backlog_wake(backlog);
		assert_true(at - now >= last || at - now == 5 * CLOCK_SECOND);
		last = at - now;
		now = at;
	}
	assert_int_equal(last, 5 * CLOCK_SECOND);
	backlog_aside(backlog, backlog_hash("one"), now);
	backlog_hurry(backlog);
	assert_string_equal(next(now), "a");
}

static void
hurrying_does_not_end_a_retrys_wait(void **state)
{
	(void)state;
	put("a", "one", 1, 100);
	put("b", "two", 2, 0);
	backlog_aside(backlog, backlog_hash("two"), 0);
	backlog_hurry(backlog);
	assert_string_equal(next(0), "b");
	backlog_remove(backlog, "b");
	assert_string_equal(next(0), "");
	assert_int_equal(backlog_wake(backlog), 100);
}

static void
a_newer_one_makes_an_older_one_moot(void **state)
{
	char moot[JOB_ID_MAX];

	(void)state;
	assert_int_equal(put_kind("a", "one", 1, 0, 7, moot), 0);
	assert_int_equal(put_kind("b", "one", 2, 0, 8, moot), 0);
	assert_int_equal(put_kind("c", "two", 3, 0, 7, moot), 0);
	assert_int_equal(put_kind("d", "one", 4, 0, 7, moot), 1);
	assert_string_equal(moot, "a");
	backlog_remove(backlog, "a");
	/* Told late of an old one: it is the moot one. */
	assert_int_equal(put_kind("e", "one", 3, 0, 7, moot), 1);
	assert_string_equal(moot, "e");
}

static void
what_a_scan_did_not_see_is_forgotten(void **state)
{
	(void)state;
	put("a", "one", 1, 0);
	put("b", "one", 2, 0);
	put("c", "one", 3, 100);
	assert_non_null(backlog_see(backlog, "b", 5));
	assert_null(backlog_see(backlog, "x", 5));
	assert_int_equal(backlog_forget_unseen(backlog, WAITS_NEW, 5), 1);
	assert_null(backlog_find(backlog, "a"));
	assert_non_null(backlog_find(backlog, "b"));
	assert_non_null(backlog_find(backlog, "c"));
}

/* Against a model: the smallest (received, id) of the keys that are free. */
static void
many_jobs_come_in_order(void **state)
{
	enum { JOBS = 20000, KEYS = 500 };
	int64_t last[KEYS];
	int taken = 0;

	(void)state;
	for (int i = 0; i < KEYS; i++)
		last[i] = -1;
	srandom(1);
	for (int i = 0; i < JOBS; i++) {
		char id[32], key[16];

		snprintf(id, sizeof id, "%05d-%03d", i, i * 7 % KEYS);
		snprintf(key, sizeof key, "%d", i * 7 % KEYS);
		put(id, key, i / 10, 0);
	}
	for (;;) {
		const struct waiting *w = backlog_next(backlog, 0);
		char id[JOB_ID_MAX];
		int64_t received;
		uint64_t key;
		int k;

		if (w == NULL)
			break;
		k = atoi(w->id + 6);
		received = w->received;
		key = w->key;
		memcpy(id, w->id, sizeof id);
		assert_true(received >= last[k]);
		last[k] = received;
		backlog_take(backlog, id);
		taken++;
		backlog_release(backlog, key);
	}
	assert_int_equal(taken, JOBS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

static void
a_parked_key_lets_others_pass(void **state)
{
	(void)state;
	put("a", "one", 1, 0);
	put("b", "one", 2, 0);
	put("c", "two", 3, 0);
	backlog_park(backlog, backlog_hash("one"));
	assert_string_equal(next(0), "c");
	backlog_unpark(backlog);
	assert_string_equal(next(0), "a");
	/* Whatever changes its line is a reason to look at it again. */
	backlog_park(backlog, backlog_hash("one"));
	backlog_remove(backlog, "a");
	assert_string_equal(next(0), "b");
	backlog_park(backlog, backlog_hash("one"));
	backlog_remove(backlog, "b");
	backlog_take(backlog, "c");
	assert_true(backlog_wake(backlog) == INT64_MAX);
	backlog_unpark(backlog);
	assert_string_equal(next(0), "");
}

static void
the_oldest_of_all_are_told(void **state)
{
	static const char *const in_order[] = { "a", "b", "c", "d", "f" };
	const struct waiting *out[10];
	unsigned long before = backlog_changes(backlog);

	(void)state;
	assert_int_equal(backlog_oldest(backlog, WAITS_NEW, out, 10), 0);
	put("f", "three", 9, 0);
	put("c", "two", 3, 0);
	put("r", "two", 1, 70); /* in retry/, before those of its key */
	put("b", "one", 2, 0);
	put("d", "two", 4, 0);
	put("a", "one", 2, 0); /* the same time: by ID */
	assert_true(backlog_changes(backlog) != before);
	for (size_t max = 0; max < 10; max++) {
		size_t n = backlog_oldest(backlog, WAITS_NEW, out, max);

		assert_int_equal(n, max < 5 ? max : 5);
		for (size_t i = 0; i < n; i++)
			assert_string_equal(out[i]->id, in_order[i]);
	}
	/* also of a key that runs */
	backlog_take(backlog, "a");
	assert_int_equal(backlog_oldest(backlog, WAITS_NEW, out, 1), 1);
	assert_string_equal(out[0]->id, "b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_oldest_of_a_free_key_is_next),
		TEST(one_that_waits_for_its_time_holds_up_its_key),
		TEST(one_whose_time_has_come_goes_before_younger_keys),
		TEST(a_job_is_known_once),
		TEST(a_key_put_aside_comes_back_later_and_later),
		TEST(a_parked_key_lets_others_pass),
		TEST(hurrying_does_not_end_a_retrys_wait),
		TEST(a_newer_one_makes_an_older_one_moot),
		TEST(what_a_scan_did_not_see_is_forgotten),
		TEST(many_jobs_come_in_order),
		TEST(the_oldest_of_all_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
