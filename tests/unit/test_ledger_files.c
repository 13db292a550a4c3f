/* SPDX-License-Identifier: MIT */
/* The ledger and files that are not as it made them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "ledger_fixture.h"
#include "ledger_parts.h"

#define FIRST "ledger.1.64"

static void
fill_with(const struct fixture *f, const char *name, int byte, size_t len)
{
	char *bytes = malloc(len);

	memset(bytes, byte, len);
	fixture_write(f, SPOOL_SEEN, name, bytes, len);
	free(bytes);
}

/* Each byte of an entry, of those that say something. */
static void
half_an_entry_is_none(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = fixture_ledger(f);

	for (int i = 0; i < LEDGER_ENTRY; i++) {
		struct ledger_key key = fixture_key('d', (uint64_t)i);
		char page[LEDGER_PAGE] = "", entry[LEDGER_ENTRY];

		ledger_entry(entry, &key, clock_wall());
		memcpy(page + 640, entry, sizeof entry);
		assert_int_equal(ledger_page_find(page, &key), 640);
		assert_int_equal(ledger_page_count(page, 'd'), 1);
		page[640 + i] ^= 0x41;
		/* the blanks at the end say nothing */
		if (i >= 54 && i < 63)
			continue;
		if (i != 45 && ledger_page_find(page, &key) != -1)
			fail_msg("with byte %d another one", i);
		memset(page + 640 + i, 0, (size_t)(LEDGER_ENTRY - i));
		assert_int_equal(ledger_page_find(page, &key), -1);
		/* and its place is free, also if it is rubbish */
		assert_int_equal(ledger_page_free(page), 0);
		memset(page, 'Z', sizeof page);
		assert_int_equal(ledger_page_free(page), 0);
	}
	ledger_free(l);
}

static const struct {
	const char *why, *name;
	int byte;
	size_t len;
} strange[] = {
	{ "an empty file", FIRST, 0, 0 },
	{ "one that is cut off within an entry", FIRST, 0, 100001 },
	{ "a longer one", FIRST, 0, 600000 },
	{ "rubbish", FIRST, 'Z', 262144 },
	{ "nothing but line ends", FIRST, '\n', 262144 },
	{ "one page of rubbish", "ledger.9.1", 'Z', 4096 },
	{ "a number as large as can be", "ledger.999999999999999.64", 0, 9 },
	{ "no number", "ledger.0.64", 0, 9 },
	{ "too many pages", "ledger.1.999999", 0, 9 },
	{ "no pages", "ledger.1.0", 0, 9 },
	{ "another name", "ledger.1.64.bak", 0, 9 },
	{ "a very long number", "ledger.11111111111111111111111111111.64", 0,
	    9 },
};

static void
files_may_hold_anything(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
		struct fixture *f;
		struct ledger *l, *other;
		void *state;

		fixture_setup(&state);
		f = state;
		fill_with(f, strange[i].name, strange[i].byte, strange[i].len);
		l = fixture_ledger(f);
		other = fixture_ledger(f);
		for (unsigned n = 0; n < 50; n++) {
			struct ledger_key key = fixture_key('d', n);

			if (fixture_claim(l, &key) != 1 ||
			    fixture_claim(other, &key) != 0)
				fail_msg("%s: key %u", strange[i].why, n);
		}
		ledger_free(l);
		ledger_free(other);
		fixture_teardown(&state);
	}
}

/* The next file's name would be none: nobody would see what is in it. */
static void
without_a_number_nothing_is_taken(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = fixture_ledger(f);
	struct ledger_key key = fixture_key('d', 1);
	char page[LEDGER_PAGE];

	for (int at = 0; at < LEDGER_PAGE; at += LEDGER_ENTRY) {
		struct ledger_key other = fixture_key('b', (uint64_t)at);

		ledger_entry(page + at, &other, clock_wall());
	}
	fixture_write(
	    f, SPOOL_SEEN, "ledger.999999999999999.1", page, sizeof page);
	assert_int_equal(fixture_claim(l, &key), -1);
	assert_int_equal(fixture_count(f, SPOOL_SEEN), 1);
	/* an operator removes it */
	assert_int_equal(
	    unlink(fixture_path(f, SPOOL_SEEN, "ledger.999999999999999.1")), 0);
	assert_int_equal(fixture_claim(l, &key), 1);
	assert_int_equal(fixture_claim(l, &key), 0);
	ledger_free(l);
}

/* While it is in use. */
static void
a_file_may_be_cut_off_or_removed(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = fixture_ledger(f), *other = fixture_ledger(f);
	struct ledger_key key = fixture_key('d', 1);
	const char *path = fixture_path(f, SPOOL_SEEN, FIRST);
	struct err err;

	assert_int_equal(fixture_claim(l, &key), 1);
	assert_int_equal(truncate(path, 5), 0);
	assert_int_equal(fixture_has(l, &key), 0);
	assert_int_equal(fixture_claim(l, &key), 1);
	assert_int_equal(fixture_claim(other, &key), 0);
	assert_int_equal(unlink(path), 0);
	/* both begin again, with the same file */
	assert_int_equal(fixture_claim(other, &key), 1);
	assert_int_equal(fixture_claim(l, &key), 0);
	assert_int_equal(ledger_sync(l, &err), 0);
	assert_true(fixture_exists(f, SPOOL_SEEN, FIRST));
	ledger_free(l);
	ledger_free(other);
}

enum planted { LINK, DANGLING, FIFO, DIRECTORY, HARD_LINK, KINDS };

static void
plant(const struct fixture *f, enum planted what, const char *outside)
{
	const char *path = fixture_path(f, SPOOL_SEEN, FIRST);

	switch (what) {
	case LINK:
		assert_int_equal(symlink(outside, path), 0);
		break;
	case DANGLING:
		assert_int_equal(symlink("nowhere", path), 0);
		break;
	case FIFO:
		assert_int_equal(mkfifo(path, 0640), 0);
		break;
	case DIRECTORY:
		assert_int_equal(mkdir(path, 0750), 0);
		break;
	case HARD_LINK:
	case KINDS:
		assert_int_equal(link(outside, path), 0);
		break;
	}
}

static void
what_is_no_file_of_ours_is_left_alone(void **unused)
{
	(void)unused;
	for (enum planted what = LINK; what < KINDS; what++) {
		struct ledger_key key = fixture_key('d', 1);
		struct fixture *f;
		struct ledger *l;
		char outside[300];
		struct stat st;
		void *state;

		fixture_setup(&state);
		f = state;
		snprintf(outside, sizeof outside, "%s",
		    fixture_path(f, SPOOL_DONE, "outside"));
		fixture_write(f, SPOOL_DONE, "outside", "", 0);
		plant(f, what, outside);
		l = fixture_ledger(f);
		assert_int_equal(fixture_claim(l, &key), 1);
		assert_int_equal(fixture_claim(l, &key), 0);
		assert_true(fixture_exists(f, SPOOL_SEEN, "ledger.2.64"));
		assert_int_equal(stat(outside, &st), 0);
		assert_int_equal(st.st_size, 0);
		ledger_free(l);
		fixture_teardown(&state);
	}
}

/* ---- flushing ---- */

/* A pipe cannot be flushed; it stands in for a disk that fails once. */
static void
a_failed_flush_is_made_good_on_another_descriptor(void **state)
{
	struct ledger *l = fixture_ledger(*state);
	struct ledger_key key = fixture_key('d', 1);
	int pipes[2], broken;
	struct err err;

	assert_int_equal(fixture_claim(l, &key), 1);
	assert_int_equal(ledger_sync(l, &err), 0);
	assert_int_equal(l->files[0].named, 1);
	broken = l->files[0].fd;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(dup2(pipes[1], broken), broken);
	assert_int_equal(ledger_sync(l, &err), -1);
	assert_int_equal(ledger_sync(l, &err), 0);
	assert_int_not_equal(l->files[0].fd, broken);
	assert_int_equal(fixture_has(l, &key), 1);
	assert_int_equal(ledger_sync(l, &err), 0);
	close(pipes[0]);
	close(pipes[1]);
	ledger_free(l);
}

#define IN_SPOOL(test)                                                         \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SPOOL(half_an_entry_is_none),
		cmocka_unit_test(files_may_hold_anything),
		IN_SPOOL(without_a_number_nothing_is_taken),
		IN_SPOOL(a_file_may_be_cut_off_or_removed),
		cmocka_unit_test(what_is_no_file_of_ours_is_left_alone),
		IN_SPOOL(a_failed_flush_is_made_good_on_another_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
