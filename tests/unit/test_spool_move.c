/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "spool.h"
#include "spool_fixture.h"

/* The moves that docs/spool.5 lists; all others abort. A letter a target:
 * New, Run, rEtry, Hold, doNe -> 'D', deAd -> 'X', Bad. */
static const struct {
	enum spool_state from;
	const char *to;
} legal[] = {
	{ SPOOL_TMP, "" },
	{ SPOOL_NEW, "rhDXB" },
	{ SPOOL_RUN, "neDXB" },
	{ SPOOL_RETRY, "nhDXB" },
	{ SPOOL_HOLD, "nDXB" },
	{ SPOOL_DONE, "n" },
	{ SPOOL_DEAD, "n" },
	{ SPOOL_BAD, "" },
};

static const char letters[SPOOL_STATES + 1] = "tnrehDXB";

/* SIGABRT in a child, or its exit status. */
static int
move_in_child(struct fixture *f, unsigned from, unsigned to)
{
	struct spool_name name = { .attempt = 0 };
	struct job_head head;
	pid_t pid;
	int status;

	fixture_head(&head, 1);
	memcpy(name.id, head.id, sizeof name.id);
	pid = fork();
	if (pid == 0) {
		struct err err;

		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(9);
		_exit(spool_move(f->spool, from, &name, to, &name, &err) == 1
			  ? 0
			  : 8);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void
only_listed_moves_are_made(void **state)
{
	for (unsigned i = 0; i < SPOOL_STATES; i++) {
		for (unsigned to = 0; to < SPOOL_STATES; to++) {
			unsigned from = legal[i].from;
			int is_legal = strchr(legal[i].to, letters[to]) != NULL;
			int rc = move_in_child(*state, from, to);

			/* A legal one of a job that is not there says 1. */
			if (rc != (is_legal ? 0 : -SIGABRT))
				fail_msg("%s to %s: %d", spool_dir_name(from),
				    spool_dir_name(to), rc);
			assert_int_equal(
			    spool_move_guarantee(from, to) != NULL, is_legal);
		}
	}
}

static void
names_are_parsed_strictly(void **state)
{
#define ID "12-72d3162e-cc78-11e3-81ab-000000000001"
	static const struct {
		unsigned state;
		const char *name;
		int attempt; /* -1: no job's name */
	} names[] = {
		{ SPOOL_NEW, ID ".0", 0 },
		{ SPOOL_NEW, ID ".999", 999 },
		{ SPOOL_NEW, ID ".1000", -1 },
		{ SPOOL_NEW, ID ".00", -1 },
		{ SPOOL_NEW, ID ".", -1 },
		{ SPOOL_NEW, ID ".-1", -1 },
		{ SPOOL_NEW, ID ".1x", -1 },
		{ SPOOL_NEW, ID, -1 },
		{ SPOOL_DONE, ID, 0 },
		{ SPOOL_DONE, ID ".0", -1 },
		{ SPOOL_DONE, "x" ID, -1 },
		{ SPOOL_NEW, ".", -1 },
		{ SPOOL_NEW, "..", -1 },
		{ SPOOL_NEW, "", -1 },
		{ SPOOL_NEW, "0000000000000000000000000000000" ID ".0", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct spool_name name;
		char again[SPOOL_NAME_MAX];
		int rc = spool_name_parse(&name, names[i].state, names[i].name);

		if (rc != (names[i].attempt == -1 ? -1 : 0))
			fail_msg("%s: %d", names[i].name, rc);
		if (rc == -1)
			continue;
		assert_int_equal(name.attempt, names[i].attempt);
		spool_name_format(again, names[i].state, &name);
		assert_string_equal(again, names[i].name);
	}
}

static void
one_of_two_claims_wins(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head, h;
	struct spool_name name = fixture_job(f, 1, &head);
	size_t body_at;
	int fd, other, locked;

	locked = open(fixture_path(f, SPOOL_NEW, ID ".0"), O_RDONLY);
	assert_int_equal(spool_claim(f->spool, &name, &fd, &err), 0);
	assert_int_equal(fixture_state(f, head.id), SPOOL_RUN);
	/* the descriptor is at the beginning and locked */
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	assert_int_equal(head_verify(&h, &body_at, fd, &err), 0);
	assert_int_equal(flock(locked, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(spool_claim(f->spool, &name, &other, &err), 1);
	assert_int_equal(spool_orphan(f->spool, &name, &other, &err), 0);
	/* the worker dies */
	close(fd);
	assert_int_equal(spool_orphan(f->spool, &name, &other, &err), 1);
	assert_int_equal(flock(locked, LOCK_EX | LOCK_NB), -1);
	close(other);
	close(locked);
}

static void
what_somebody_locked_is_not_claimed(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head;
	struct spool_name name = fixture_job(f, 1, &head);
	int locked = open(fixture_path(f, SPOOL_NEW, ID ".0"), O_RDONLY), fd;

	assert_int_equal(flock(locked, LOCK_EX), 0);
	assert_int_equal(spool_claim(f->spool, &name, &fd, &err), 1);
	assert_int_equal(fixture_state(f, head.id), SPOOL_NEW);
	close(locked);
}

static void
a_move_replaces_nothing_that_waits(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head;
	struct spool_name name = fixture_job(f, 1, &head);
	int fd;

	fixture_write(f, SPOOL_RUN, ID ".0", "other", 5);
	assert_int_equal(spool_claim(f->spool, &name, &fd, &err), -1);
	assert_int_equal(err.sys, EEXIST);
	assert_true(fixture_exists(f, SPOOL_NEW, ID ".0"));
}

static void
planted_things_are_neither_followed_nor_waited_for(void **state)
{
	struct fixture *f = *state;
	struct spool_name name = { .id = ID };
	const char *path = fixture_path(f, SPOOL_NEW, ID ".0");
	struct job_head head;
	struct err err = { 0 };
	int fd;

	for (int kind = 0; kind < 4; kind++) {
		switch (kind) {
		case 0:
			assert_int_equal(mkfifo(path, 0666), 0);
			break;
		case 1:
			assert_int_equal(symlink("/etc/passwd", path), 0);
			break;
		case 2:
			assert_int_equal(mkdir(path, 0777), 0);
			break;
		default:
			fixture_write(f, SPOOL_NEW, ID ".0", "Job: x\n\n", 8);
		}
		assert_int_equal(
		    spool_read_head(f->spool, SPOOL_NEW, &name, &head, &err),
		    -1);
		if (kind < 3)
			assert_int_equal(
			    spool_claim(f->spool, &name, &fd, &err), -1);
		/* and each can be put out of the way */
		assert_int_equal(spool_move(f->spool, SPOOL_NEW, &name,
				     SPOOL_BAD, &name, &err),
		    0);
		assert_int_equal(fixture_state(f, ID), SPOOL_BAD);
		assert_int_equal(
		    spool_retire(f->spool, SPOOL_BAD, ID, &err), 0);
		assert_int_equal(fixture_state(f, ID), SPOOL_STATES);
	}
}

/* As a power cut can leave it: the place is taken by a second file of the job,
 * or by a second name of the same file. */
static void
a_job_in_two_places_still_moves(void **state)
{
	struct fixture *f = *state;

	for (unsigned same = 0; same < 2; same++) {
		struct job_head head;
		struct err err = { 0 };
		struct spool_name name = fixture_job(f, same, &head);
		char ran[SPOOL_NAME_MAX], waits[SPOOL_NAME_MAX];
		struct stat before, after;
		int fd;

		assert_int_equal(spool_claim(f->spool, &name, &fd, &err), 0);
		assert_int_equal(fstat(fd, &before), 0);
		snprintf(ran, sizeof ran, "%s.0", head.id);
		snprintf(waits, sizeof waits, "%s.1", head.id);
		if (same)
			assert_int_equal(
			    link(fixture_path(f, SPOOL_RUN, ran),
				fixture_path(f, SPOOL_RETRY, waits)),
			    0);
		else
			fixture_write(f, SPOOL_RETRY, waits, "x", 1);
		assert_int_equal(spool_retry(f->spool, &name, 1, &err), 0);
		close(fd);
		assert_false(fixture_exists(f, SPOOL_RUN, ran));
		assert_int_equal(
		    stat(fixture_path(f, SPOOL_RETRY, waits), &after), 0);
		assert_true(before.st_ino == after.st_ino);
		assert_true(fixture_exists(f, SPOOL_TMP, head.slot));
	}
}

static void
a_retry_waits_for_its_time(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head;
	struct spool_name name = fixture_job(f, 1, &head);
	int64_t then = INT64_C(4102444800123456789), wall;
	int fd;

	assert_int_equal(spool_claim(f->spool, &name, &fd, &err), 0);
	assert_int_equal(spool_retry(f->spool, &name, then, &err), 0);
	close(fd);
	name.attempt = 1;
	assert_int_equal(fixture_state(f, head.id), SPOOL_RETRY);
	assert_int_equal(spool_not_before(f->spool, &name, &wall, &err), 0);
	assert_true(wall == then);
	assert_int_equal(
	    spool_move(f->spool, SPOOL_RETRY, &name, SPOOL_NEW, &name, &err),
	    0);
	assert_int_equal(spool_not_before(f->spool, &name, &wall, &err), 1);
	assert_int_equal(spool_retry(f->spool, &name, then, &err), 1);
}

static void
jobs_of_many_attempts_are_found(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct spool_name name;
	unsigned where;

	fixture_write(f, SPOOL_RETRY, ID ".777", "x", 1);
	assert_int_equal(spool_find(f->spool, ID, &where, &name, &err), 0);
	assert_int_equal(where, SPOOL_RETRY);
	assert_int_equal(name.attempt, 777);
	assert_int_equal(
	    spool_find(f->spool, "../../etc", &where, &name, &err), -1);
	assert_int_equal(err.class, ERR_BAD);
}

static void
a_dropped_slot_is_the_only_thing_removed(void **state)
{
	static const char *const names[] = { "../new/x", "0123abcd.own", ".",
		"0123abcd.", "x.1", "0123abcd.1/../x" };
	struct fixture *f = *state;
	struct job_head head;
	struct err err = { 0 };

	fixture_job(f, 1, &head);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		assert_int_equal(spool_drop_slot(f->spool, names[i], &err), -1);
		assert_int_equal(err.class, ERR_BAD);
	}
	assert_int_equal(spool_drop_slot(f->spool, "", &err), 0);
	assert_int_equal(spool_drop_slot(f->spool, "0123abcd.1", &err), 0);
	assert_int_equal(spool_drop_slot(f->spool, head.slot, &err), 0);
	assert_int_equal(fixture_count(f, SPOOL_TMP), 1);
}

static void
a_replayed_job_has_its_deed_again(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head, again;
	struct spool_name name = fixture_job(f, 1, &head);

	assert_int_equal(
	    spool_move(f->spool, SPOOL_NEW, &name, SPOOL_DEAD, &name, &err), 0);
	assert_int_equal(spool_forget(f->spool, &head, &err), 0);
	assert_int_equal(spool_drop_slot(f->spool, head.slot, &err), 0);
	assert_int_equal(spool_rearm(f->spool, SPOOL_DEAD, &name, 5, &err), 0);
	assert_true(fixture_exists(f, SPOOL_NEW, ID ".5"));
	assert_int_equal(fixture_state(f, ID), SPOOL_NEW);
	assert_true(fixture_exists(f, SPOOL_TMP, head.slot));
	assert_int_equal(fixture_accept(f->spool, 1, 300, &again),
	    ACCEPTED_DUPLICATE_DELIVERY);
	/* Not twice, also where an old file is left. */
	fixture_write(f, SPOOL_DEAD, ID, "x", 1);
	assert_int_equal(spool_rearm(f->spool, SPOOL_DEAD, &name, 6, &err), -1);
	assert_int_equal(err.class, ERR_BAD);
	name.attempt = 5;
	assert_int_equal(
	    spool_move(f->spool, SPOOL_NEW, &name, SPOOL_DONE, &name, &err), 0);
	assert_int_equal(spool_rearm(f->spool, SPOOL_DEAD, &name, 5, &err), 1);
}

/* A power cut kept both names, and nobody has recovered yet. */
static void
a_job_that_is_over_is_not_claimed(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head;
	struct spool_name name = fixture_job(f, 1, &head);
	int fd;

	assert_int_equal(link(fixture_path(f, SPOOL_NEW, ID ".0"),
			     fixture_path(f, SPOOL_DONE, ID)),
	    0);
	assert_int_equal(spool_claim(f->spool, &name, &fd, &err), 1);
	assert_int_equal(fixture_state(f, ID), SPOOL_DONE);
	assert_int_equal(fixture_count(f, SPOOL_NEW), 0);
	assert_true(fixture_exists(f, SPOOL_TMP, head.slot));
}

static void
a_settled_file_can_be_cut_to_its_length(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head;
	struct spool_name name;
	struct stat st;
	size_t body_at;
	int fd;

	assert_int_equal(spool_stock(f->spool, 1, &err), 0);
	name = fixture_job(f, 1, &head);
	fd = open(fixture_path(f, SPOOL_NEW, ID ".0"), O_RDONLY);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 12288);
	assert_int_equal(head_read(&head, &body_at, fd, &err), 0);
	assert_int_equal(
	    spool_move(f->spool, SPOOL_NEW, &name, SPOOL_DONE, &name, &err), 0);
	spool_trim(f->spool, SPOOL_DONE, &name, body_at + head.length);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, body_at + head.length);
	assert_int_equal(head_verify(&head, &body_at, fd, &err), 0);
	close(fd);
}

static void
a_key_is_held_by_one(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	int fd, other, copy;

	assert_int_equal(spool_lock_key(f->spool, "a", &fd, &err), 0);
	assert_int_equal(spool_lock_key(f->spool, "a", &other, &err), 1);
	assert_int_equal(spool_lock_key(f->spool, "b", &other, &err), 0);
	/* closing another key's descriptor frees only that key */
	close(other);
	assert_int_equal(spool_lock_key(f->spool, "a", &other, &err), 1);
	/* a copy, as a worker inherits it, keeps the lock */
	copy = dup(fd);
	close(fd);
	assert_int_equal(spool_lock_key(f->spool, "a", &other, &err), 1);
	close(copy);
	assert_int_equal(spool_lock_key(f->spool, "a", &other, &err), 0);
	close(other);
}

static void
a_network_file_system_is_no_place(void **state)
{
	struct err err = { 0 };
	struct spool *s;

	(void)state;
	/* What can be tried here: no directory, and no spool in it. */
	assert_int_equal(spool_open(&s, "/nowhere/at/all", 0, &err), -1);
	assert_int_equal(err.class, ERR_CONF);
	assert_int_equal(spool_open(&s, "/etc/passwd", 0, &err), -1);
	assert_int_equal(err.class, ERR_CONF);
	assert_int_equal(spool_open(&s, "/etc", 0, &err), -1);
	assert_int_equal(err.class, ERR_CONF);
}

#define IN_SPOOL(test)                                                         \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SPOOL(only_listed_moves_are_made),
		cmocka_unit_test(names_are_parsed_strictly),
		IN_SPOOL(one_of_two_claims_wins),
		IN_SPOOL(what_somebody_locked_is_not_claimed),
		IN_SPOOL(a_move_replaces_nothing_that_waits),
		IN_SPOOL(planted_things_are_neither_followed_nor_waited_for),
		IN_SPOOL(a_job_in_two_places_still_moves),
		IN_SPOOL(a_retry_waits_for_its_time),
		IN_SPOOL(jobs_of_many_attempts_are_found),
		IN_SPOOL(a_dropped_slot_is_the_only_thing_removed),
		IN_SPOOL(a_replayed_job_has_its_deed_again),
		IN_SPOOL(a_job_that_is_over_is_not_claimed),
		IN_SPOOL(a_settled_file_can_be_cut_to_its_length),
		IN_SPOOL(a_key_is_held_by_one),
		cmocka_unit_test(a_network_file_system_is_no_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
