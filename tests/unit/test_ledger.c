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

#include "clock.h"
#include "ledger_fixture.h"
#include "ledger_parts.h"

#define FIRST "ledger.1.64"

static void
a_key_is_there_until_it_is_erased(void **state)
{
	struct ledger *l = fixture_ledger(*state),
		      *other = fixture_ledger(*state);
	struct ledger_key a = fixture_key('d', 1), b = fixture_key('b', 1);
	struct err err;

	assert_int_equal(fixture_has(l, &a), 0);
	assert_int_equal(fixture_claim(l, &a), 1);
	assert_int_equal(fixture_claim(l, &a), 0);
	assert_int_equal(fixture_claim(other, &a), 0);
	/* of another kind, the same digest is another key */
	assert_int_equal(fixture_has(l, &b), 0);
	assert_int_equal(fixture_claim(other, &b), 1);
	assert_int_equal(fixture_has(l, &b), 1);
	assert_int_equal(ledger_lock(l, &err), 0);
	assert_int_equal(ledger_erase(l, &a, &err), 0);
	assert_int_equal(ledger_erase(l, &a, &err), 0);
	ledger_unlock(l);
	assert_int_equal(fixture_has(other, &a), 0);
	assert_int_equal(fixture_has(other, &b), 1);
	ledger_free(l);
	ledger_free(other);
}

static void
an_entry_can_be_read_by_a_person(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = fixture_ledger(f);
	struct ledger_key key = fixture_key('d', 1);
	char want[80], page[LEDGER_PAGE];
	int fd, at;

	assert_int_equal(fixture_claim(l, &key), 1);
	fd = open(fixture_path(f, SPOOL_SEEN, FIRST), O_RDONLY);
	for (off_t i = 0; i < LEDGER_FIRST; i++) {
		assert_int_equal(
		    pread(fd, page, sizeof page, i * LEDGER_PAGE), sizeof page);
		at = ledger_page_find(page, &key);
		if (at != -1)
			break;
	}
	close(fd);
	assert_int_not_equal(at, -1);
	snprintf(want, sizeof want, "%.34s 00%08x ", key.text,
	    (unsigned)(clock_wall() / CLOCK_SECOND));
	/* but for the last digits of the time */
	assert_memory_equal(page + at, want, 40);
	assert_int_equal(page[at + 63], '\n');
	assert_int_equal(strspn(page + at, "0123456789abcdef d\n"), 64);
	ledger_free(l);
}

/* ---- many at once ---- */

#define THREADS	  4
#define PROCESSES 4
#define KEYS	  3000

struct crowd {
	struct ledger *ledger;
	int go; /* a pipe that is closed to start them */
	unsigned won, failed;
};

/* Each looks first, and then all are after the same. */
static void *
claim_all(void *arg)
{
	struct crowd *c = arg;
	char none;

	c->failed += read(c->go, &none, 1) != 0;
	for (unsigned n = 0; n < KEYS; n++) {
		struct ledger_key key = fixture_key('d', n);
		uint64_t since;
		int rc;

		(void)ledger_look(c->ledger, &key, 1, &since);
		rc = fixture_claim(c->ledger, &key);
		c->won += rc == 1;
		c->failed += rc == -1;
	}
	return NULL;
}

/* How many claims were won, or a number that is too high. */
static unsigned
run_threads(struct ledger *l, int go[2])
{
	struct crowd crowds[THREADS];
	pthread_t ids[THREADS];
	unsigned won = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		crowds[i] = (struct crowd){ l, go[0], 0, 0 };
		if (pthread_create(&ids[i], NULL, claim_all, &crowds[i]) != 0)
			abort();
	}
	close(go[1]);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(ids[i], NULL);
		won += crowds[i].failed > 0 ? 100000 : crowds[i].won;
	}
	close(go[0]);
	return won;
}

/* Two winners of a key, or of a place, would be two or no entries. */
static void
check_entries(struct ledger *l)
{
	struct err err;
	uint64_t count;

	assert_int_equal(ledger_count(l, 'd', &count, &err), 0);
	assert_int_equal(count, KEYS);
}

static void
of_many_threads_one_wins(void **state)
{
	struct ledger *l = fixture_ledger(*state);
	int go[2];

	assert_int_equal(pipe(go), 0);
	assert_int_equal(run_threads(l, go), KEYS);
	check_entries(l);
	ledger_free(l);
}

/* Half of them go on with the parent's ledger, half open their own. */
static void
of_many_processes_one_wins(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = fixture_ledger(f);
	struct ledger_key first = fixture_key('x', 0);
	unsigned sum = 0, won;
	int pipes[2], go[2], status;

	assert_int_equal(fixture_claim(l, &first), 1); /* it has its lock */
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(pipe(go), 0);
	for (int i = 0; i < PROCESSES; i++) {
		if (fork() != 0)
			continue;
		if (i % 2 == 0) {
			ledger_free(l);
			l = fixture_ledger(f);
		}
		won = run_threads(l, go);
		ledger_free(l);
		_exit(write(pipes[1], &won, sizeof won) != sizeof won);
	}
	close(go[0]);
	close(go[1]);
	for (int i = 0; i < PROCESSES; i++) {
		assert_int_equal(read(pipes[0], &won, sizeof won), sizeof won);
		sum += won;
		assert_true(wait(&status) > 0);
	}
	assert_int_equal(sum, KEYS);
	check_entries(l);
	close(pipes[0]);
	close(pipes[1]);
	ledger_free(l);
}

/* The kernel frees the lock of one that dies with it. Nobody frees what that
 * one opened, which would unlock it; what is static is not lost. */
static void
a_dead_holder_stops_nobody(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = fixture_ledger(f);
	struct ledger_key a = fixture_key('d', 1), b = fixture_key('d', 2);
	struct err err;
	int status;

	if (fork() == 0) {
		static struct ledger *volatile theirs;

		ledger_free(l);
		theirs = fixture_ledger(f);
		if (ledger_lock(theirs, &err) == -1 ||
		    ledger_put(theirs, &a, &err) == -1)
			_exit(1);
		_exit(0);
	}
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	assert_int_equal(fixture_has(l, &a), 1);
	assert_int_equal(fixture_claim(l, &b), 1);
	ledger_free(l);
}

/* ---- growing ---- */

static void
nothing_is_lost_when_it_grows(void **state)
{
	enum { MANY = 60000 };
	struct fixture *f = *state;
	struct ledger *l = fixture_ledger(f), *idle = fixture_ledger(f), *late;
	struct ledger_key key;
	uint64_t count;
	struct err err;

	key = fixture_key('d', 0);
	assert_int_equal(fixture_claim(idle, &key), 1);
	for (unsigned n = 1; n < MANY; n++) {
		key = fixture_key('d', n);
		if (fixture_claim(l, &key) != 1)
			fail_msg("the %u-th cannot be put", n);
	}
	assert_true(fixture_exists(f, SPOOL_SEEN, FIRST));
	assert_true(fixture_exists(f, SPOOL_SEEN, "ledger.2.512"));
	assert_true(fixture_exists(f, SPOOL_SEEN, "ledger.3.4096"));
	assert_int_equal(fixture_count(f, SPOOL_SEEN), 3);
	late = fixture_ledger(f);
	for (unsigned n = 0; n < MANY; n++) {
		key = fixture_key('d', n);
		if (fixture_claim(n % 2 ? idle : late, &key) != 0)
			fail_msg("the %u-th is lost", n);
	}
	assert_int_equal(ledger_count(late, 'd', &count, &err), 0);
	assert_int_equal(count, MANY);
	assert_int_equal(ledger_count(late, 'b', &count, &err), 0);
	assert_int_equal(count, 0);
	ledger_free(l);
	ledger_free(idle);
	ledger_free(late);
}

/* Also in the same moment, when the directory's time cannot tell. */
static void
others_see_at_once_that_it_grew(void **unused)
{
	(void)unused;
	for (int round = 0; round < 30; round++) {
		struct ledger *l, *other;
		struct ledger_key key;
		void *state;

		fixture_setup(&state);
		fixture_write(state, SPOOL_SEEN, "ledger.1.1", "", 0);
		l = fixture_ledger(state);
		other = fixture_ledger(state);
		for (unsigned n = 0; n < LEDGER_PLACES; n++) {
			key = fixture_key('d', n);
			assert_int_equal(
			    fixture_claim(n % 2 ? l : other, &key), 1);
		}
		key = fixture_key('d', LEDGER_PLACES);
		assert_int_equal(fixture_claim(l, &key), 1);
		assert_int_equal(fixture_claim(other, &key), 0);
		assert_true(fixture_exists(state, SPOOL_SEEN, "ledger.2.8"));
		ledger_free(l);
		ledger_free(other);
		fixture_teardown(&state);
	}
}

/* A hint from before the ledger grew leaves out nothing that came since. */
static void
what_came_since_the_look_is_found(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = fixture_ledger(f), *other = fixture_ledger(f);
	struct ledger_key key = fixture_key('b', 1), old = fixture_key('d', 0);
	uint64_t since;
	struct err err;

	assert_int_equal(fixture_claim(l, &old), 1);
	assert_int_equal(ledger_look(l, &key, 1, &since), 0);
	assert_int_equal(since, 1);
	for (unsigned n = 1; n < 4000; n++) {
		struct ledger_key more = fixture_key('d', n);

		assert_int_equal(fixture_claim(other, &more), 1);
	}
	assert_int_equal(fixture_claim(other, &key), 1);
	assert_int_equal(ledger_lock(l, &err), 0);
	assert_int_equal(ledger_find(l, &key, since, &err), 1);
	/* and of older ones it need not be asked again */
	assert_int_equal(ledger_find(l, &old, 2, &err), 0);
	ledger_unlock(l);
	ledger_free(l);
	ledger_free(other);
}

static void
many_are_found_as_each_is(void **state)
{
	enum { MANY = 3000 };
	static struct ledger_key keys[MANY];
	static char there[MANY];
	struct ledger *l = fixture_ledger(*state),
		      *other = fixture_ledger(*state);
	struct err err;
	uint64_t since;

	/* every third, in more than one generation */
	for (unsigned n = 0; n < MANY; n++)
		keys[n] = fixture_key('d', n);
	assert_int_equal(ledger_look_many(l, keys, MANY, there, &err), 0);
	for (unsigned n = 0; n < MANY; n++)
		assert_int_equal(there[n], 0);
	for (unsigned n = 0; n < MANY; n += 3)
		assert_int_equal(fixture_claim(l, &keys[n]), 1);
	for (unsigned n = 0; n < 20 * MANY; n++) {
		struct ledger_key key = fixture_key('b', n);

		assert_int_equal(fixture_claim(l, &key), 1);
	}
	assert_true(l->count > 1);
	for (unsigned n = 1; n < MANY; n += 300)
		assert_int_equal(fixture_claim(l, &keys[n]), 1);
	assert_int_equal(ledger_look_many(other, keys, MANY, there, &err), 0);
	for (unsigned n = 0; n < MANY; n++) {
		assert_int_equal(there[n], n % 3 == 0 || n % 300 == 1);
		assert_int_equal(
		    ledger_look(other, &keys[n], 1, &since), there[n]);
	}
	assert_int_equal(ledger_look_many(other, keys, 0, there, &err), 0);
	ledger_free(l);
	ledger_free(other);
}

#define IN_SPOOL(test)                                                         \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SPOOL(a_key_is_there_until_it_is_erased),
		IN_SPOOL(an_entry_can_be_read_by_a_person),
		IN_SPOOL(of_many_threads_one_wins),
		IN_SPOOL(of_many_processes_one_wins),
		IN_SPOOL(a_dead_holder_stops_nobody),
		IN_SPOOL(nothing_is_lost_when_it_grows),
		cmocka_unit_test(others_see_at_once_that_it_grew),
		IN_SPOOL(what_came_since_the_look_is_found),
		IN_SPOOL(many_are_found_as_each_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
