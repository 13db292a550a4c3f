/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "err.h"
#include "spool.h"
#include "spool_fixture.h"

#define THREADS 50

static void
bodies_of_every_size_become_jobs(void **state)
{
	static const size_t sizes[] = { 0, 60, 999, 8000, 15000, 16384, 22000,
		32768, DRAFT_MEMORY - 1, DRAFT_MEMORY, DRAFT_MEMORY + 1,
		1000000 };
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head;
	unsigned n = 0;

	/* From ready slots, from slots made on the spot, streamed. */
	for (int stocked = 0; stocked < 2; stocked++) {
		if (stocked)
			assert_int_equal(spool_stock(f->spool, 20, &err), 0);
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			size_t len = sizes[i] + (size_t)stocked;

			assert_int_equal(
			    fixture_accept(f->spool, ++n, len, &head),
			    ACCEPTED_NEW);
			fixture_check_job(f, &head, len);
		}
	}
}

static void
a_body_beyond_the_maximum_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct draft *d;
	static char piece[1024 * 1024];

	assert_int_equal(spool_draft_new(&d, f->spool, &err), 0);
	for (int i = 0; i < 26; i++)
		assert_int_equal(draft_write(d, piece, sizeof piece, &err), 0);
	assert_int_equal(draft_write(d, piece, 1, &err), -1);
	assert_int_equal(err.class, ERR_BAD);
	draft_free(d);
	assert_int_equal(fixture_count(f, SPOOL_TMP), 1); /* the owner */
}

static void
the_body_can_be_read_before_the_commit(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct draft *d;
	char piece[1000];
	const char *body;
	size_t len;

	memset(piece, 'x', sizeof piece);
	assert_int_equal(spool_draft_new(&d, f->spool, &err), 0);
	for (size_t i = 1; i <= 200; i++) {
		piece[0] = (char)i;
		assert_int_equal(draft_write(d, piece, sizeof piece, &err), 0);
		assert_int_equal(draft_length(d), i * sizeof piece);
		assert_int_equal(draft_body(d, &body, &len, &err), 0);
		assert_int_equal(len, i * sizeof piece);
		assert_memory_equal(
		    body + len - sizeof piece, piece, sizeof piece);
	}
	draft_free(d);
}

static void
a_draft_can_be_used_again(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head;
	struct draft *d;
	enum accepted how;

	assert_int_equal(spool_draft_new(&d, f->spool, &err), 0);
	for (unsigned n = 0; n < 3; n++) {
		char body[16];

		snprintf(body, sizeof body, "{\"n\":%u}", n);
		fixture_head(&head, n);
		assert_int_equal(draft_write(d, body, strlen(body), &err), 0);
		assert_int_equal(draft_commit(d, &head, &how, &err), 0);
		assert_int_equal(how, ACCEPTED_NEW);
		fixture_check_job(f, &head, strlen(body));
		assert_int_equal(draft_reset(d, &err), 0);
	}
	draft_free(d);
}

static void
what_was_seen_is_a_duplicate(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head, other;
	struct draft *d;
	enum accepted how;

	assert_int_equal(fixture_accept(f->spool, 1, 500, &head), ACCEPTED_NEW);
	assert_int_equal(fixture_accept(f->spool, 1, 500, &other),
	    ACCEPTED_DUPLICATE_DELIVERY);
	/* the same delivery with another body */
	assert_int_equal(fixture_accept(f->spool, 1, 400, &other),
	    ACCEPTED_DUPLICATE_DELIVERY);
	/* the same body under a delivery ID that a replayer made up */
	assert_int_equal(spool_draft_new(&d, f->spool, &err), 0);
	assert_int_equal(draft_write(d, "{\"n\":1}", 7, &err), 0);
	fixture_head(&head, 8);
	assert_int_equal(draft_commit(d, &head, &how, &err), 0);
	assert_int_equal(how, ACCEPTED_NEW);
	assert_int_equal(draft_reset(d, &err), 0);
	assert_int_equal(draft_write(d, "{\"n\":1}", 7, &err), 0);
	fixture_head(&head, 9);
	assert_int_equal(draft_commit(d, &head, &how, &err), 0);
	assert_int_equal(how, ACCEPTED_DUPLICATE_BODY);
	draft_free(d);
	assert_int_equal(fixture_count(f, SPOOL_NEW), 2);
	/* nothing of the duplicates is left: two slots and the owner */
	assert_int_equal(fixture_count(f, SPOOL_TMP), 3);
	/* nor is the made-up delivery remembered */
	assert_int_equal(fixture_accept(f->spool, 9, 77, &head), ACCEPTED_NEW);
}

/* A repository's hook and its organisation's see one event: GitHub sends one
 * delivery ID twice, with two hooks and two payloads. */
static void
two_hooks_with_one_delivery_are_two_jobs(void **state)
{
	static const struct {
		const char *hook, *body;
		enum accepted want;
	} sent[] = {
		{ "4711", "{\"of\":\"the repository\"}", ACCEPTED_NEW },
		{ "4712", "{\"of\":\"the organisation\"}", ACCEPTED_NEW },
		{ "4711", "{\"of\":\"the repository\"}",
		    ACCEPTED_DUPLICATE_DELIVERY },
		{ "4712", "{\"of\":\"the organisation\"}",
		    ACCEPTED_DUPLICATE_DELIVERY },
		{ "4713", "{\"of\":\"the organisation\"}",
		    ACCEPTED_DUPLICATE_BODY },
	};
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head[2];
	struct draft *d;
	enum accepted how;

	assert_int_equal(spool_draft_new(&d, f->spool, &err), 0);
	for (size_t i = 0; i < sizeof sent / sizeof *sent; i++) {
		struct job_head h;

		fixture_head(&h, 1);
		snprintf(h.hook_id, sizeof h.hook_id, "%s", sent[i].hook);
		assert_int_equal(
		    draft_write(d, sent[i].body, strlen(sent[i].body), &err),
		    0);
		assert_int_equal(draft_commit(d, &h, &how, &err), 0);
		assert_int_equal(how, sent[i].want);
		assert_int_equal(draft_reset(d, &err), 0);
		if (i < 2)
			head[i] = h;
	}
	draft_free(d);
	assert_int_equal(fixture_count(f, SPOOL_NEW), 2);
	assert_string_not_equal(head[0].id, head[1].id);
	assert_string_equal(head[0].delivery, head[1].delivery);
	fixture_check_job(f, &head[0], strlen(sent[0].body));
	fixture_check_job(f, &head[1], strlen(sent[1].body));
}

static void
duplicates_are_remembered_across_processes(void **state)
{
	struct fixture *f = *state;
	struct job_head head;

	assert_int_equal(fixture_accept(f->spool, 1, 500, &head), ACCEPTED_NEW);
	fixture_reopen(f);
	assert_int_equal(fixture_accept(f->spool, 1, 500, &head),
	    ACCEPTED_DUPLICATE_DELIVERY);
}

static void
a_done_job_is_a_duplicate_also_without_its_entries(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head, again;
	struct spool_name name = fixture_job(f, 1, &head);

	assert_int_equal(
	    spool_move(f->spool, SPOOL_NEW, &name, SPOOL_DONE, &name, &err), 0);
	assert_int_equal(spool_forget(f->spool, &head, &err), 0);
	assert_int_equal(fixture_accept(f->spool, 1, 300, &again),
	    ACCEPTED_DUPLICATE_DELIVERY);
}

static void
a_dead_job_that_was_forgotten_is_accepted_again(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head, again;
	struct spool_name name = fixture_job(f, 1, &head);
	int fd;

	assert_int_equal(
	    spool_move(f->spool, SPOOL_NEW, &name, SPOOL_DEAD, &name, &err), 0);
	assert_int_equal(fixture_accept(f->spool, 1, 300, &again),
	    ACCEPTED_DUPLICATE_DELIVERY);
	assert_int_equal(spool_forget(f->spool, &head, &err), 0);
	assert_int_equal(
	    fixture_accept(f->spool, 1, 300, &again), ACCEPTED_NEW);
	/* the live one is the one that is found */
	assert_int_equal(fixture_state(f, head.id), SPOOL_NEW);
	/* and the old one ends when the new one is claimed */
	assert_int_equal(spool_claim(f->spool, &name, &fd, &err), 0);
	close(fd);
	assert_int_equal(fixture_count(f, SPOOL_DEAD), 0);
	assert_false(fixture_exists(f, SPOOL_TMP, head.slot));
	assert_true(fixture_exists(f, SPOOL_TMP, again.slot));
}

/* ---- many at once ---- */

struct crowd {
	struct spool *spool;
	pthread_barrier_t start;
	int same_delivery;
	unsigned hooks; /* that sent it, each with a body of its own */
	size_t len;
	unsigned accepted, duplicates;
	pthread_mutex_t lock;
};

struct member {
	struct crowd *crowd;
	unsigned n;
	pthread_t thread;
};

static void *
accept_one(void *arg)
{
	struct member *m = arg;
	struct crowd *c = m->crowd;
	struct err err = { 0 };
	struct job_head head;
	struct draft *d;
	enum accepted how;
	char *body = malloc(c->len);
	unsigned hook = m->n % c->hooks;

	fixture_head(&head, c->same_delivery ? 1 : m->n);
	snprintf(head.hook_id, sizeof head.hook_id, "%u", 4711 + hook);
	memset(body, 'y' + (int)hook, c->len);
	assert_int_equal(spool_draft_new(&d, c->spool, &err), 0);
	assert_int_equal(draft_write(d, body, c->len, &err), 0);
	pthread_barrier_wait(&c->start);
	assert_int_equal(draft_commit(d, &head, &how, &err), 0);
	draft_free(d);
	free(body);
	pthread_mutex_lock(&c->lock);
	if (how == ACCEPTED_NEW)
		c->accepted++;
	else
		c->duplicates++;
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void
run_crowd(struct fixture *f, int same_delivery, unsigned hooks, size_t len)
{
	struct crowd c = { .spool = f->spool,
		.same_delivery = same_delivery,
		.hooks = hooks,
		.len = len };
	struct member members[THREADS];

	pthread_barrier_init(&c.start, NULL, THREADS);
	pthread_mutex_init(&c.lock, NULL);
	for (unsigned i = 0; i < THREADS; i++) {
		members[i] = (struct member){ .crowd = &c, .n = 100 + i };
		assert_int_equal(pthread_create(&members[i].thread, NULL,
				     accept_one, &members[i]),
		    0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(members[i].thread, NULL);
	pthread_barrier_destroy(&c.start);
	assert_int_equal(c.accepted, hooks);
	assert_int_equal(c.duplicates, THREADS - hooks);
	assert_int_equal(fixture_count(f, SPOOL_NEW), hooks);
	/* each one's delivery and body, and the plain ID of one */
	assert_int_equal(fixture_seen(f, 0), 2 * hooks + 1);
	/* The losers' slots are gone: one, the owner, and what is ready (there
	 * is a second size, half as many). */
	assert_true(fixture_count(f, SPOOL_TMP) <= 2 + THREADS + THREADS / 2);
}

static void
fifty_copies_of_a_delivery_are_one_job(void **state)
{
	run_crowd(*state, 1, 1, 3000);
}

static void
fifty_copies_from_ready_slots_are_one_job(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	assert_int_equal(spool_stock(f->spool, THREADS, &err), 0);
	run_crowd(f, 1, 1, 3000);
}

static void
fifty_streamed_copies_are_one_job(void **state)
{
	run_crowd(*state, 1, 1, 100000);
}

static void
fifty_copies_of_two_hooks_are_two_jobs(void **state)
{
	run_crowd(*state, 1, 2, 3000);
}

static void
fifty_streamed_copies_of_two_hooks_are_two_jobs(void **state)
{
	run_crowd(*state, 1, 2, 100000);
}

static void
fifty_deliveries_of_a_body_are_one_job(void **state)
{
	run_crowd(*state, 0, 1, 3000);
}

static void
copies_from_several_processes_are_one_job(void **state)
{
	struct fixture *f = *state;
	pid_t pids[8];
	int accepted = 0, go[2];
	char ready;

	assert_int_equal(pipe(go), 0);
	for (int i = 0; i < 8; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct job_head head;

			/* The spool is the parent's, opened before the fork:
			 * each child becomes an owner of its own. */
			close(go[1]);
			if (read(go[0], &ready, 1) != 0)
				_exit(3);
			_exit(fixture_accept(f->spool, 1, 500, &head) ==
				      ACCEPTED_NEW
				  ? 1
				  : 0);
		}
	}
	close(go[0]);
	close(go[1]);
	for (int i = 0; i < 8; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		accepted += WEXITSTATUS(status);
	}
	assert_int_equal(accepted, 1);
	assert_int_equal(fixture_count(f, SPOOL_NEW), 1);
}

/* Or two would write the same slot. */
static void
forked_processes_share_no_slots(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head;
	struct spool_name name = { .attempt = 0 };
	pid_t pids[4];

	assert_int_equal(spool_stock(f->spool, 10, &err), 0);
	for (unsigned i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] != 0)
			continue;
		for (unsigned n = 0; n < 3; n++)
			fixture_accept(f->spool, 10 * i + n, 900, &head);
		_exit(0);
	}
	for (unsigned i = 0; i < 4; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(fixture_count(f, SPOOL_NEW), 12);
	for (unsigned i = 0; i < 12; i++) {
		fixture_head(&head, 10 * (i / 3) + i % 3);
		memcpy(name.id, head.id, sizeof name.id);
		assert_int_equal(
		    spool_read_head(f->spool, SPOOL_NEW, &name, &head, &err),
		    0);
		assert_string_equal(head.id, name.id);
		fixture_check_job(f, &head, 900);
	}
}

#define IN_SPOOL(test)                                                         \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SPOOL(bodies_of_every_size_become_jobs),
		IN_SPOOL(a_body_beyond_the_maximum_is_refused),
		IN_SPOOL(the_body_can_be_read_before_the_commit),
		IN_SPOOL(a_draft_can_be_used_again),
		IN_SPOOL(what_was_seen_is_a_duplicate),
		IN_SPOOL(two_hooks_with_one_delivery_are_two_jobs),
		IN_SPOOL(duplicates_are_remembered_across_processes),
		IN_SPOOL(a_done_job_is_a_duplicate_also_without_its_entries),
		IN_SPOOL(a_dead_job_that_was_forgotten_is_accepted_again),
		IN_SPOOL(fifty_copies_of_a_delivery_are_one_job),
		IN_SPOOL(fifty_copies_from_ready_slots_are_one_job),
		IN_SPOOL(fifty_streamed_copies_are_one_job),
		IN_SPOOL(fifty_copies_of_two_hooks_are_two_jobs),
		IN_SPOOL(fifty_streamed_copies_of_two_hooks_are_two_jobs),
		IN_SPOOL(fifty_deliveries_of_a_body_are_one_job),
		IN_SPOOL(copies_from_several_processes_are_one_job),
		IN_SPOOL(forked_processes_share_no_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
