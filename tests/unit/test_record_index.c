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
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "fsio.h"
#include "indexed_day.h"
#include "record_index.h"
#include "spool_fixture.h"

static void
a_day_past_is_covered_to_its_end(void **state)
{
	struct fixture *f = *state;
	struct day_found found;
	size_t parts;

	day_write(f, O_APPEND, 0, MANY);
	day_index(f);
	assert_int_equal(day_covered(f, &parts), day_size(f, DAY));
	assert_int_equal(parts, 1);
	day_finds_the_same(f, "fresh");
	day_search(f, DAY_DELIVERY, 0, &found);
	assert_int_equal(found.count, 1);
	day_search(f, DAY_NUMBER, 0, &found);
	assert_int_equal(found.count, MANY / 40);
	day_search(f, DAY_REPOSITORY, 0, &found);
	assert_int_equal(found.count, MANY / 50);
}

static void
what_comes_later_is_read_and_then_covered(void **state)
{
	struct fixture *f = *state;
	size_t parts;
	int64_t first, second;

	day_write(f, O_APPEND, 0, 100);
	day_index(f);
	first = day_covered(f, &parts);
	day_write(f, O_APPEND, 100, 105);
	assert_int_equal(day_covered(f, &parts), first);
	day_finds_the_same(f, "grown");
	day_index(f);
	/* too little for a part of its own */
	assert_int_equal(day_covered(f, &parts), first);
	day_write(f, O_APPEND, 105, 150);
	day_index(f);
	second = day_covered(f, &parts);
	assert_int_equal(second, day_size(f, DAY));
	assert_int_equal(parts, 2);
	day_finds_the_same(f, "covered in two passes");
}

static void
a_part_is_not_too_long(void **state)
{
	struct fixture *f = *state;
	size_t parts;

	day_write(f, O_APPEND, 0, INDEX_PART / PAD + 100);
	day_index(f);
	assert_int_equal(day_covered(f, &parts), day_size(f, DAY));
	assert_int_equal(parts, 2);
	day_finds_the_same(f, "longer than a part");
}

static void
parts_that_have_become_small_are_made_anew(void **state)
{
	struct fixture *f = *state;
	size_t parts;

	day_write(f, O_APPEND, 0, 200);
	day_index(f);
	day_write(f, O_APPEND, 200, 250);
	day_index(f);
	assert_int_equal(day_covered(f, &parts), day_size(f, DAY));
	assert_int_equal(parts, 2);
	/* as much as the second, but less than the first */
	day_write(f, O_APPEND, 250, 310);
	day_index(f);
	assert_int_equal(day_covered(f, &parts), day_size(f, DAY));
	assert_int_equal(parts, 2);
	day_finds_the_same(f, "the second made anew");
	day_write(f, O_APPEND, 310, 550);
	day_index(f);
	assert_int_equal(day_covered(f, &parts), day_size(f, DAY));
	assert_int_equal(parts, 1);
	day_finds_the_same(f, "all made anew");
}

static void
today_is_covered_where_it_is_worth_it(void **state)
{
	struct fixture *f = *state;
	char today[CLOCK_DAY], name[64];
	struct stat st;

	/* Today twice, should the day end here. */
	for (int i = 0; i < 2; i++) {
		clock_day(today, clock_wall() + i * 3600 * CLOCK_SECOND);
		snprintf(name, sizeof name, "webhooks_%s.json", today);
		day_write(f, O_TRUNC, 0, 450);
		rename(fixture_path(f, SPOOL_LOG, DAY),
		    fixture_path(f, SPOOL_LOG, name));
	}
	day_index(f);
	snprintf(name, sizeof name, "webhooks_%s.idx", today);
	assert_int_equal(stat(fixture_path(f, SPOOL_LOG, name), &st), 0);
	/* one part of 450 records, three or four keys each */
	assert_in_range(st.st_size, 4096 * 2, 4096 * 12);
	assert_int_equal(unlink(fixture_path(f, SPOOL_LOG, name)), 0);
	snprintf(name, sizeof name, "webhooks_%s.json", today);
	assert_int_equal(
	    truncate(fixture_path(f, SPOOL_LOG, name), INDEX_REST_NOW - PAD),
	    0);
	day_index(f);
	snprintf(name, sizeof name, "webhooks_%s.idx", today);
	assert_int_equal(day_size(f, name), -1);
}

static void
small_days_have_none(void **state)
{
	struct fixture *f = *state;

	day_write(f, O_APPEND, 0, 10);
	day_index(f);
	assert_int_equal(day_size(f, INDEX), -1);
	day_finds_the_same(f, "without");
}

static void
another_that_is_at_work_is_let_be(void **state)
{
	struct fixture *f = *state;
	size_t parts;
	int fd;

	day_write(f, O_APPEND, 0, 100);
	fd = open(fixture_path(f, SPOOL_LOG, INDEX), O_RDWR | O_CREAT, 0640);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	day_index(f);
	assert_int_equal(day_covered(f, &parts), 0);
	close(fd);
	day_index(f);
	assert_int_equal(day_covered(f, &parts), day_size(f, DAY));
}

static void
what_cannot_be_cut_ends_it(void **state)
{
	struct fixture *f = *state;
	static char junk[3 * 1024 * 1024];
	struct err err = { 0 };
	size_t parts;
	int fd;

	day_write(f, O_APPEND, 0, 50);
	memset(junk, '{', sizeof junk);
	fd = open(fixture_path(f, SPOOL_LOG, DAY), O_WRONLY | O_APPEND);
	assert_int_equal(fs_write_all(fd, junk, sizeof junk, &err), 0);
	assert_int_equal(fs_write_all(fd, "\n", 1, &err), 0);
	close(fd);
	day_write(f, O_APPEND, 50, 100);
	day_index(f);
	assert_in_range(day_covered(f, &parts), 50 * PAD, 52 * PAD);
	day_finds_the_same(f, "a line beyond all measure");
}

#define IN_SPOOL(test)                                                         \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SPOOL(a_day_past_is_covered_to_its_end),
		IN_SPOOL(what_comes_later_is_read_and_then_covered),
		IN_SPOOL(a_part_is_not_too_long),
		IN_SPOOL(parts_that_have_become_small_are_made_anew),
		IN_SPOOL(today_is_covered_where_it_is_worth_it),
		IN_SPOOL(small_days_have_none),
		IN_SPOOL(another_that_is_at_work_is_let_be),
		IN_SPOOL(what_cannot_be_cut_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
