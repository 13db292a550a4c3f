/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fsio.h"
#include "runner/order.h"
#include "runner/presence.h"
#include "spool_fixture.h"

#define DELIVERY "72d3162e-cc78-11e3-81ab-"

/* What order_each() offered. */
struct offered {
	unsigned count, most;
	char first[JOB_ID_MAX], last[JOB_ID_MAX];
	uint64_t total;
	int rc;
};

static int
take(void *arg, const struct spool_name *name)
{
	struct offered *o = arg;

	memcpy(o->count == 0 ? o->first : o->last, name->id, JOB_ID_MAX);
	return ++o->count == o->most;
}

static struct offered
offered(const struct fixture *f, unsigned most)
{
	struct offered o = { .most = most };

	o.rc = order_each(f->spool, take, &o, &o.total);
	return o;
}

/* The n-th was received at n. */
static void
put(struct backlog *b, unsigned n)
{
	struct waiting w = { .in = WAITS_NEW, .key = n % 7, .received = n };
	char moot[JOB_ID_MAX];

	snprintf(w.id, sizeof w.id, "0-" DELIVERY "%012x", n);
	assert_int_equal(backlog_put(b, &w, moot), 0);
}

/* Those from `from` to `to`, in no order. */
static struct backlog *
many(unsigned from, unsigned to)
{
	struct backlog *b = backlog_new();

	for (unsigned n = from; n < to; n += 2)
		put(b, n);
	for (unsigned n = from + 1; n < to; n += 2)
		put(b, n);
	return b;
}

static int
join(const struct fixture *f)
{
	struct err err = { 0 };
	int fd = -1;

	assert_int_equal(presence_join(f->spool, &fd, &err), 0);
	return fd;
}

static void
the_oldest_are_told_in_order(void **state)
{
	struct fixture *f = *state;
	struct backlog *b = many(100, 100 + ORDER_MIN);
	struct order o = { 0 };
	struct offered found;
	int fd = join(f);

	order_round(&o, f->spool, b, clock_boot());
	found = offered(f, ORDER_MIN);
	assert_int_equal(found.rc, 1);
	assert_int_equal(found.count, ORDER_MOST);
	assert_int_equal(found.total, ORDER_MIN);
	assert_string_equal(found.first, "0-" DELIVERY "000000000064");
	assert_string_equal(found.last, "0-" DELIVERY "000000000833");
	/* and no more of them than are asked for */
	assert_int_equal(offered(f, 3).count, 3);
	/* not when nobody keeps it any more */
	fs_close(&fd);
	assert_int_equal(offered(f, 3).rc, 0);
	backlog_free(b);
}

static void
it_is_written_when_it_changed_and_not_too_often(void **state)
{
	struct fixture *f = *state;
	struct backlog *b = many(100, 100 + ORDER_MIN);
	struct order o = { 0 };
	int64_t now = clock_boot();
	int fd = join(f);

	assert_true(order_wake(&o, b) <= now);
	order_round(&o, f->spool, b, now);
	assert_true(order_wake(&o, b) == INT64_MAX);
	put(b, 3);
	assert_true(order_wake(&o, b) >= now + CLOCK_SECOND);
	order_round(&o, f->spool, b, now + CLOCK_SECOND / 2);
	assert_string_equal(offered(f, 1).first, "0-" DELIVERY "000000000064");
	order_round(&o, f->spool, b, order_wake(&o, b));
	assert_string_equal(offered(f, 1).first, "0-" DELIVERY "000000000003");
	fs_close(&fd);
	backlog_free(b);
}

static void
few_are_not_told(void **state)
{
	struct fixture *f = *state;
	struct backlog *b = many(100, 100 + ORDER_MIN - 1);
	struct order o = { 0 };

	assert_true(order_wake(&o, b) == INT64_MAX);
	order_round(&o, f->spool, b, clock_boot());
	assert_false(fixture_exists(f, SPOOL_LOCK, "waiting"));
	put(b, 3);
	order_round(&o, f->spool, b, clock_boot());
	assert_true(fixture_exists(f, SPOOL_LOCK, "waiting"));
	/* the last goes with the many */
	backlog_remove(b, "0-" DELIVERY "000000000003");
	order_round(&o, f->spool, b, order_wake(&o, b));
	assert_false(fixture_exists(f, SPOOL_LOCK, "waiting"));
	assert_true(order_wake(&o, b) == INT64_MAX);
	backlog_free(b);
}

static void
what_somebody_else_left_there_goes(void **state)
{
	struct fixture *f = *state;
	struct order o = { .written = 1 };

	fixture_write(f, SPOOL_LOCK, "waiting", "1\n", 2);
	order_begin(&o, f->spool);
	assert_false(fixture_exists(f, SPOOL_LOCK, "waiting"));
	assert_int_equal(o.written, 0);
}

#define GOOD "0-" DELIVERY "000000000001.0\n"

static void
what_is_wrong_is_not_used(void **state)
{
	static const struct {
		const char *why, *text;
		int rc;
		unsigned count;
	} cases[] = {
		{ "whole", "12345\n" GOOD, 1, 1 },
		{ "without names", "12345\n", 1, 0 },
		{ "empty", "", 0, 0 },
		{ "no number", "x\n" GOOD, 0, 0 },
		{ "nothing but a number", "12345", 0, 0 },
		{ "a path", "12345\n../../../../etc/passwd.0\n", 0, 0 },
		{ "a name that ends nowhere", "1\n" GOOD "0-72d3162e", 0, 1 },
		{ "a line without end", "1\n" GOOD GOOD "\n", 0, 2 },
		{ "a settled one's name", "1\n0-" DELIVERY "000000000001\n", 0,
		    0 },
	};
	struct fixture *f = *state;
	int fd = join(f);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct offered found;

		fixture_write(f, SPOOL_LOCK, "waiting", cases[i].text,
		    strlen(cases[i].text));
		found = offered(f, 100);
		if (found.rc != cases[i].rc || found.count != cases[i].count)
			fail_msg("%s: %d, %u names", cases[i].why, found.rc,
			    found.count);
	}
	unlink(fixture_path(f, SPOOL_LOCK, "waiting"));
	assert_int_equal(offered(f, 1).rc, 0);
	assert_int_equal(
	    mkfifo(fixture_path(f, SPOOL_LOCK, "waiting"), 0600), 0);
	assert_int_equal(offered(f, 1).rc, 0);
	fs_close(&fd);
}

#define IN_SPOOL(test)                                                         \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SPOOL(the_oldest_are_told_in_order),
		IN_SPOOL(it_is_written_when_it_changed_and_not_too_often),
		IN_SPOOL(few_are_not_told),
		IN_SPOOL(what_somebody_else_left_there_goes),
		IN_SPOOL(what_is_wrong_is_not_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
