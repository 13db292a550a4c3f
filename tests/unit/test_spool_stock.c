/* SPDX-License-Identifier: MIT */
/* Slots made before they are needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "spool.h"
#include "spool_fixture.h"

static void
the_stock_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	assert_int_equal(spool_stock(f->spool, 10, &err), 0);
	assert_int_equal(fixture_count(f, SPOOL_TMP), 1 + 10 + 5);
	fixture_reopen(f);
	assert_int_equal(fixture_count(f, SPOOL_TMP), 0);
}

/* Accepts `count` bodies; how many slots are ready when the stock is filled
 * again. */
static unsigned
ready_after(struct fixture *f, unsigned from, unsigned count)
{
	struct job_head head;
	struct err err = { 0 };

	for (unsigned n = from; n < from + count; n++)
		assert_int_equal(
		    fixture_accept(f->spool, n, 900, &head), ACCEPTED_NEW);
	assert_int_equal(spool_stock(f->spool, 10, &err), 0);
	return fixture_count(f, SPOOL_TMP) - 1 - 5 - (from + count);
}

static void
the_stock_grows_when_it_was_not_enough(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ready_after(f, 0, 0), 10);
	assert_int_equal(ready_after(f, 0, 10), 10);
	assert_int_equal(ready_after(f, 10, 11), 20);
	assert_int_equal(ready_after(f, 21, 20), 20);
}

/* ---- what may stand in a ready slot's place ---- */

static int
plant_shorter(int tmp, const char *slot, const char *outside)
{
	int fd = openat(tmp, slot, O_WRONLY | O_CREAT | O_EXCL, 0600);

	(void)outside;
	return fd == -1 ? -1 : ftruncate(fd, 100) | close(fd);
}

static int
plant_fifo(int tmp, const char *slot, const char *outside)
{
	(void)outside;
	return mkfifoat(tmp, slot, 0600);
}

static int
plant_symlink(int tmp, const char *slot, const char *outside)
{
	return symlinkat(outside, tmp, slot);
}

static int
plant_hard_link(int tmp, const char *slot, const char *outside)
{
	return linkat(AT_FDCWD, outside, tmp, slot, 0);
}

static int
plant_nothing(int tmp, const char *slot, const char *outside)
{
	(void)tmp, (void)slot, (void)outside;
	return 0;
}

typedef int planter(int tmp, const char *slot, const char *outside);

static void
replace_slots(struct fixture *f, planter *plant, const char *outside)
{
	int tmp = spool_fd(f->spool, SPOOL_TMP);
	DIR *d = opendir(fixture_path(f, SPOOL_TMP, "."));
	struct dirent *e;
	int left = 2; /* one of each size; what is planted may be listed too */

	assert_non_null(d);
	while (left > 0 && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || strstr(e->d_name, ".own") != NULL)
			continue;
		assert_int_equal(unlinkat(tmp, e->d_name, 0), 0);
		assert_int_equal(plant(tmp, e->d_name, outside), 0);
		left--;
	}
	closedir(d);
}

/* A file as large as a slot, but somebody's. */
static void
a_ready_slot_that_became_another_file_is_left_alone(void **state)
{
	static planter *const plants[] = { plant_shorter, plant_fifo,
		plant_symlink, plant_hard_link, plant_nothing };
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head;
	struct stat before, after;
	static char bytes[12288];
	char outside[512];

	snprintf(outside, sizeof outside, "%s",
	    fixture_path(f, SPOOL_LOG, "outside"));
	for (unsigned i = 0; i < sizeof plants / sizeof *plants; i++) {
		fixture_write(f, SPOOL_LOG, "outside", bytes, sizeof bytes);
		assert_int_equal(spool_stock(f->spool, 1, &err), 0);
		assert_int_equal(stat(outside, &before), 0);
		replace_slots(f, plants[i], outside);
		assert_int_equal(
		    fixture_accept(f->spool, i, 900, &head), ACCEPTED_NEW);
		fixture_check_job(f, &head, 900);
		assert_int_equal(stat(outside, &after), 0);
		assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
		fixture_reopen(f);
	}
}

#define IN_SPOOL(test)                                                         \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SPOOL(the_stock_leaves_nothing_behind),
		IN_SPOOL(the_stock_grows_when_it_was_not_enough),
		IN_SPOOL(a_ready_slot_that_became_another_file_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
