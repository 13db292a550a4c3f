/* SPDX-License-Identifier: MIT */
/* The queue's calls, on the spool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "err.h"
#include "queue.h"
#include "spool.h"
#include "spool_fixture.h"

static void
the_queue_gives_the_oldest_job_whose_key_is_free(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct queue_counts counts;
	struct claim first, none;
	struct job_head a, b;
	struct queue *q;

	assert_int_equal(queue_spool_new(&q, f->spool, &err), 0);
	assert_int_equal(q->calls->claim(q, &first, &err), 1);
	fixture_job(f, 2, &a);
	fixture_job(f, 1, &b); /* the same key, later */
	assert_int_equal(q->calls->claim(q, &first, &err), 0);
	assert_string_equal(first.head.id, a.id);
	assert_int_equal(q->calls->claim(q, &none, &err), 1);
	assert_int_equal(q->calls->beat(q, &first, &err), 0);
	assert_int_equal(q->calls->ack(q, &first, &err), 0);
	assert_int_equal(first.fd, -1);
	assert_int_equal(q->calls->claim(q, &first, &err), 0);
	assert_string_equal(first.head.id, b.id);
	assert_int_equal(
	    q->calls->retry(q, &first, clock_wall() + CLOCK_SECOND, &err), 0);
	assert_int_equal(q->calls->stat(q, &counts, &err), 0);
	assert_int_equal(counts.done, 1);
	assert_int_equal(counts.waiting, 1);
	assert_int_equal(counts.ready + counts.running + counts.dead, 0);
	assert_false(fixture_exists(f, SPOOL_TMP, a.slot));
	assert_true(fixture_exists(f, SPOOL_TMP, b.slot));
	queue_spool_free(q);
}

static void
a_dead_job_may_come_again(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head;
	struct claim claim;
	struct queue *q;

	assert_int_equal(queue_spool_new(&q, f->spool, &err), 0);
	fixture_job(f, 1, &head);
	assert_int_equal(q->calls->claim(q, &claim, &err), 0);
	assert_int_equal(q->calls->dead(q, &claim, &err), 0);
	assert_int_equal(fixture_state(f, head.id), SPOOL_DEAD);
	fixture_job(f, 1, &head);
	queue_spool_free(q);
}

#define IN_SPOOL(test)                                                         \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SPOOL(the_queue_gives_the_oldest_job_whose_key_is_free),
		IN_SPOOL(a_dead_job_may_come_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
