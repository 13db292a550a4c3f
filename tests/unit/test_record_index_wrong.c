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
torn_indexes_are_seen(void **state)
{
	struct fixture *f = *state;
	const char *index;
	off_t size;
	size_t parts;

	day_in_two_parts(f);
	size = day_size(f, INDEX);
	index = fixture_path(f, SPOOL_LOG, INDEX);
	for (off_t cut = size - 1; cut > 0; cut -= 5000) {
		assert_int_equal(truncate(index, cut), 0);
		index = fixture_path(f, SPOOL_LOG, INDEX);
		day_finds_the_same(f, "cut off");
		index = fixture_path(f, SPOOL_LOG, INDEX);
	}
	day_index(f);
	assert_int_equal(day_covered(f, &parts), day_size(f, DAY));
	day_finds_the_same(f, "made again");
}

/* What a power cut leaves of blocks that were never flushed. */
static void
blocks_that_never_came_to_the_disk_are_seen(void **state)
{
	static const char zeros[INDEX_BLOCK];
	struct fixture *f = *state;
	char block[INDEX_BLOCK], other[INDEX_BLOCK];
	off_t size;
	int fd;

	day_in_two_parts(f);
	size = day_size(f, INDEX);
	fd = open(fixture_path(f, SPOOL_LOG, INDEX), O_RDWR);
	for (off_t at = 0; at < size; at += INDEX_BLOCK) {
		assert_int_equal(
		    pread(fd, block, sizeof block, at), INDEX_BLOCK);
		assert_int_equal(
		    pwrite(fd, zeros, sizeof zeros, at), INDEX_BLOCK);
		day_finds_the_same(f, "a block of zeros");
		assert_int_equal(
		    pwrite(fd, block, sizeof block, at), INDEX_BLOCK);
		/* and one that is another's */
		assert_int_equal(
		    pread(fd, other, sizeof other, size - INDEX_BLOCK - at),
		    INDEX_BLOCK);
		assert_int_equal(
		    pwrite(fd, block, sizeof block, size - INDEX_BLOCK - at),
		    INDEX_BLOCK);
		day_finds_the_same(f, "a block in two places");
		assert_int_equal(
		    pwrite(fd, other, sizeof other, size - INDEX_BLOCK - at),
		    INDEX_BLOCK);
	}
	close(fd);
}

/* As a reader finds it that read the head before the part was made anew. */
static void
blocks_of_another_part_are_seen(void **state)
{
	struct fixture *f = *state;
	struct index_head head;
	size_t parts;
	int fd;

	day_write(f, O_APPEND, 0, 60);
	day_index(f);
	fd = open(fixture_path(f, SPOOL_LOG, INDEX), O_RDWR);
	assert_int_equal(pread(fd, &head, sizeof head, 0), INDEX_BLOCK);
	day_write(f, O_TRUNC, 0, 60);
	day_write(f, O_APPEND, 60, MANY);
	day_index(f);
	day_covered(f, &parts);
	assert_int_equal(parts, 1);
	assert_int_equal(pwrite(fd, &head, sizeof head, 0), INDEX_BLOCK);
	close(fd);
	day_finds_the_same(f, "an old head before new blocks");
}

static void
other_files_of_that_name_are_no_index(void **state)
{
	struct fixture *f = *state;

	day_write(f, O_APPEND, 0, 100);
	assert_int_equal(mkfifo(fixture_path(f, SPOOL_LOG, INDEX), 0666), 0);
	day_index(f);
	day_finds_the_same(f, "a FIFO");
	unlink(fixture_path(f, SPOOL_LOG, INDEX));
	assert_int_equal(
	    symlink("/etc/passwd", fixture_path(f, SPOOL_LOG, INDEX)), 0);
	day_index(f);
	day_finds_the_same(f, "a link");
	unlink(fixture_path(f, SPOOL_LOG, INDEX));
	fixture_write(f, SPOOL_LOG, INDEX, "what is this", 12);
	day_finds_the_same(f, "a text");
	day_index(f);
	assert_in_range(day_size(f, INDEX), 2 * INDEX_BLOCK, 9 * INDEX_BLOCK);
}

/*
 * Entries of somebody who can make sums. Each row changes all of them, and
 * their blocks are signed again.
 */
static void
nowhere(struct index_entry *e)
{
	e->at = 0x7fffffff;
}

static void
into_the_middle(struct index_entry *e)
{
	e->at += 3;
}

static void
too_long(struct index_entry *e)
{
	e->len += 7;
}

static void
without_end(struct index_entry *e)
{
	e->len = 0xffffffff;
}

static void
empty(struct index_entry *e)
{
	e->len = 0;
}

static void
all_the_first(struct index_entry *e)
{
	e->at = 0;
}

static void
hostile_entries_mislead_nobody(void **state)
{
	static const struct {
		const char *why;
		void (*spoil)(struct index_entry *e);
	} cases[] = {
		{ "beyond the end", nowhere },
		{ "into a record", into_the_middle },
		{ "over its end", too_long },
		{ "of four gigabytes", without_end },
		{ "of nothing", empty },
		{ "the first of another length", all_the_first },
	};
	struct fixture *f = *state;

	day_write(f, O_APPEND, 0, 100);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct index_block b;
		struct stat st;
		int fd;

		unlink(fixture_path(f, SPOOL_LOG, INDEX));
		day_index(f);
		fd = open(fixture_path(f, SPOOL_LOG, INDEX), O_RDWR);
		fstat(fd, &st);
		for (off_t at = INDEX_BLOCK; at < st.st_size;
		     at += INDEX_BLOCK) {
			assert_int_equal(
			    pread(fd, &b, sizeof b, at), INDEX_BLOCK);
			for (unsigned n = 0; n < b.count; n++)
				cases[i].spoil(&b.entries[n]);
			b.sum = index_sum(&b, 0, day_size(f, DAY));
			assert_int_equal(
			    pwrite(fd, &b, sizeof b, at), INDEX_BLOCK);
		}
		close(fd);
		day_finds_the_same(f, cases[i].why);
	}
}

static void
two_things_with_one_key_are_told_apart(void **state)
{
	struct fixture *f = *state;
	struct index_block b;
	struct index_head head;
	struct index_span span;
	int fd;

	day_write(f, O_APPEND, 0, 50);
	day_index(f);
	assert_int_equal(index_span(&span, day_filter(DAY_DELIVERY)), 1);
	fd = open(fixture_path(f, SPOOL_LOG, INDEX), O_RDWR);
	assert_int_equal(pread(fd, &head, sizeof head, 0), INDEX_BLOCK);
	assert_int_equal(pread(fd, &b, sizeof b, INDEX_BLOCK), INDEX_BLOCK);
	for (unsigned n = 0; n < b.count; n++)
		b.entries[n].key = span.low;
	b.sum = index_sum(&b, 0, head.to);
	head.fences[0] = span.low;
	head.sum = index_sum(&head, 0, 0);
	assert_int_equal(pwrite(fd, &head, sizeof head, 0), INDEX_BLOCK);
	assert_int_equal(pwrite(fd, &b, sizeof b, INDEX_BLOCK), INDEX_BLOCK);
	close(fd);
	/* All records are offered; one is it. */
	for (int back = 0; back < 2; back++) {
		struct day_found found;

		day_search(f, DAY_DELIVERY, back, &found);
		assert_int_equal(found.count, 1);
	}
}

/* ---- records that are not those any more ---- */

static void
spoil_by_insertion(const struct fixture *f)
{
	struct buf b;
	struct err err = { 0 };

	buf_init(&b, SIZE_MAX / 2);
	day_put_record(&b, 17);
	if (fs_read_file(&b, AT_FDCWD, fixture_path(f, SPOOL_LOG, DAY), &err) ==
	    -1)
		fail_msg("%s", err.text);
	fixture_write(f, SPOOL_LOG, DAY, b.data, b.len);
	buf_release(&b);
}

static void
spoil_by_truncation(const struct fixture *f)
{
	assert_int_equal(
	    truncate(fixture_path(f, SPOOL_LOG, DAY), 50 * PAD), 0);
}

static void
spoil_by_another_file(const struct fixture *f)
{
	rename(
	    fixture_path(f, SPOOL_LOG, DAY), fixture_path(f, SPOOL_LOG, "old"));
	day_write(f, O_APPEND, 30, 330);
	unlink(fixture_path(f, SPOOL_LOG, "old"));
}

static void
spoil_by_rewriting(const struct fixture *f)
{
	day_write(f, O_TRUNC, 7, 107); /* the same inode and length */
}

static void
spoil_by_growing_otherwise(const struct fixture *f)
{
	day_write(f, O_TRUNC, 500, 800);
}

/* Only a few bytes in the middle; and its time of change is put back. */
static void
edit(const struct fixture *f, int64_t later)
{
	struct buf b;
	struct err err = { 0 };
	struct timespec times[2];
	struct stat st;
	const char *at;
	int fd = open(fixture_path(f, SPOOL_LOG, DAY), O_RDWR);

	buf_init(&b, SIZE_MAX / 2);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(
	    fs_read_file(&b, AT_FDCWD, fixture_path(f, SPOOL_LOG, DAY), &err),
	    0);
	at = strstr(b.data, "octo-org/R8");
	assert_non_null(at);
	assert_int_equal(pwrite(fd, "octo-org/R7", 11, at - b.data), 11);
	times[0] = times[1] = st.st_mtim;
	times[1].tv_sec += later;
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
	buf_release(&b);
}

static void
spoil_by_editing(const struct fixture *f)
{
	edit(f, 1);
}

/* As it comes back from a backup that kept the times. */
static void
spoil_by_a_copy(const struct fixture *f)
{
	struct buf b;
	struct err err = { 0 };
	struct timespec times[2];
	struct stat st;
	const char *day = fixture_path(f, SPOOL_LOG, DAY);

	buf_init(&b, SIZE_MAX / 2);
	assert_int_equal(stat(day, &st), 0);
	assert_int_equal(fs_read_file(&b, AT_FDCWD, day, &err), 0);
	rename(day, fixture_path(f, SPOOL_LOG, "old"));
	fixture_write(f, SPOOL_LOG, DAY, b.data, b.len);
	buf_release(&b);
	times[0] = times[1] = st.st_mtim;
	utimensat(AT_FDCWD, day, times, 0);
	edit(f, 0);
	unlink(fixture_path(f, SPOOL_LOG, "old"));
}

static void
records_that_were_changed_are_read_anew(void **state)
{
	static const struct {
		const char *why;
		void (*spoil)(const struct fixture *f);
	} cases[] = {
		{ "a record was put in", spoil_by_insertion },
		{ "the end was cut off", spoil_by_truncation },
		{ "it is another file", spoil_by_another_file },
		{ "it was written over", spoil_by_rewriting },
		{ "a few bytes were changed", spoil_by_editing },
		{ "a copy was changed", spoil_by_a_copy },
		{ "written over by more", spoil_by_growing_otherwise },
	};
	struct fixture *f = *state;
	size_t parts;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		unlink(fixture_path(f, SPOOL_LOG, DAY));
		day_write(f, O_APPEND, 0, 100);
		day_index(f);
		assert_int_equal(day_covered(f, &parts), day_size(f, DAY));
		cases[i].spoil(f);
		day_finds_the_same(f, cases[i].why);
		assert_int_equal(day_covered(f, &parts), 0);
		day_index(f);
		/* but for a torn end */
		assert_in_range(day_covered(f, &parts),
		    day_size(f, DAY) - 2 * PAD, day_size(f, DAY));
		day_finds_the_same(f, cases[i].why);
	}
}

#define IN_SPOOL(test)                                                         \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SPOOL(torn_indexes_are_seen),
		IN_SPOOL(blocks_that_never_came_to_the_disk_are_seen),
		IN_SPOOL(blocks_of_another_part_are_seen),
		IN_SPOOL(other_files_of_that_name_are_no_index),
		IN_SPOOL(hostile_entries_mislead_nobody),
		IN_SPOOL(two_things_with_one_key_are_told_apart),
		IN_SPOOL(records_that_were_changed_are_read_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
