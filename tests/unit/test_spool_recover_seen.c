/* SPDX-License-Identifier: MIT */
/* Recovery and seen/: that a delivery runs once after any crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "spool.h"
#include "spool_fixture.h"

/* Each entry alone: the delivery's, the body's, the ID's. */
static void
lost_entries_of_waiting_jobs_are_made_again(void **state)
{
	struct fixture *f = *state;
	struct spool_recovered out;
	struct err err = { 0 };
	struct job_head head;

	fixture_job(f, 1, &head);
	assert_int_equal(fixture_seen(f, 0), 3);
	for (const char *kind = "dbi"; *kind != '\0'; kind++) {
		fixture_lose(f, *kind);
		assert_int_equal(fixture_seen(f, 0), 2);
		fixture_reopen(f); /* the owner is gone */
		assert_int_equal(
		    spool_recover(f->spool, &out, NULL, NULL, &err), 0);
		assert_int_equal(fixture_seen(f, 0), 3);
	}
	assert_int_equal(fixture_accept(f->spool, 1, 300, &head),
	    ACCEPTED_DUPLICATE_DELIVERY);
}

/* A power cut took the entries of a job that was just settled: those of a
 * done one come back while its slot is there, those of a dead one do not. */
static void
lost_entries_of_settled_jobs(void **state)
{
	struct fixture *f = *state;
	struct spool_recovered out;
	struct err err = { 0 };
	struct job_head head;

	for (unsigned to = SPOOL_DONE; to <= SPOOL_DEAD; to++) {
		struct spool_name name = fixture_job(f, to, &head);
		unsigned entries = fixture_seen(f, 0);
		int fd;

		assert_int_equal(spool_claim(f->spool, &name, &fd, &err), 0);
		assert_int_equal(
		    spool_move(f->spool, SPOOL_RUN, &name, to, &name, &err), 0);
		close(fd);
		assert_int_equal(spool_forget(f->spool, &head, &err), 0);
		assert_true(fixture_seen(f, 0) < entries);
		fixture_reopen(f);
		assert_int_equal(
		    spool_recover(f->spool, &out, NULL, NULL, &err), 0);
		if (to == SPOOL_DONE)
			assert_int_equal(fixture_seen(f, 0), entries);
		else
			assert_true(fixture_seen(f, 0) < entries);
	}
}

/*
 * Killed between claiming its ID and claiming its delivery: the copy that is
 * sent again has the other ID, and once that is done the first must not come
 * to life.
 */
static void
a_copy_under_the_other_id_counts(void **state)
{
	struct fixture *f = *state;
	struct spool_recovered out;
	struct err err = { 0 };
	struct job_head head, copy;
	struct spool_name name = fixture_job(f, 1, &head);
	char file[SPOOL_NAME_MAX];
	int fd;

	spool_name_format(file, SPOOL_NEW, &name);
	unlink(fixture_path(f, SPOOL_NEW, file));
	fixture_lose(f, 'd');
	fixture_lose(f, 'b');
	name = fixture_job(f, 1, &copy);
	assert_string_not_equal(copy.id, head.id);
	assert_int_equal(spool_claim(f->spool, &name, &fd, &err), 0);
	assert_int_equal(
	    spool_move(f->spool, SPOOL_RUN, &name, SPOOL_DONE, &name, &err), 0);
	assert_int_equal(spool_drop_slot(f->spool, copy.slot, &err), 0);
	close(fd);
	fixture_reopen(f);
	assert_int_equal(spool_recover(f->spool, &out, NULL, NULL, &err), 0);
	assert_int_equal(out.published, 0);
	assert_int_equal(fixture_state(f, head.id), SPOOL_STATES);
}

#define IN_SPOOL(test)                                                         \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SPOOL(lost_entries_of_waiting_jobs_are_made_again),
		IN_SPOOL(lost_entries_of_settled_jobs),
		IN_SPOOL(a_copy_under_the_other_id_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
