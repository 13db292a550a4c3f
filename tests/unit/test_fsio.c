/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "buf.h"
#include "err.h"
#include "filetree.h"
#include "fsio.h"

static char root[] = "/tmp/test_fsio.XXXXXX";
static int dir = -1;

static void
write_file(const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct err err;

	assert_int_not_equal(fd, -1);
	assert_int_equal(fs_write_all(fd, text, strlen(text), &err), 0);
	close(fd);
}

static void
only_regular_files_are_opened(void **state)
{
	struct err err = { 0 };
	int fd = 77;

	(void)state;
	write_file("file", "x");
	assert_int_equal(mkdirat(dir, "dir", 0700), 0);
	assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
	assert_int_equal(symlinkat("file", dir, "link"), 0);
	assert_int_equal(fs_open_read(&fd, dir, "fifo", &err), -1);
	assert_int_equal(err.class, ERR_BAD);
	assert_int_equal(fs_open_read(&fd, dir, "link", &err), -1);
	assert_int_equal(err.class, ERR_BAD);
	assert_int_equal(fs_open_read(&fd, dir, "dir", &err), -1);
	assert_int_equal(err.class, ERR_BAD);
	assert_int_equal(fs_open_read(&fd, dir, "none", &err), -1);
	assert_int_equal(err.class, ERR_PERM);
	assert_int_equal(fd, 77);
	assert_int_equal(fs_open_read(&fd, dir, "file", &err), 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	fs_close(&fd);
	assert_int_equal(fd, -1);
	fs_close(&fd);
}

static void
directories_are_made_and_opened(void **state)
{
	struct err err = { 0 };
	int fd = -1;

	(void)state;
	assert_int_equal(fs_make_dir(&fd, dir, "made", 0700, &err), 0);
	fs_close(&fd);
	assert_int_equal(fs_make_dir(&fd, dir, "made", 0700, &err), 0);
	fs_close(&fd);
	write_file("no-dir", "x");
	assert_int_equal(fs_make_dir(&fd, dir, "no-dir", 0700, &err), -1);
	assert_int_equal(fd, -1);
}

static const struct {
	const char *why, *base, *path;
	int rc, sys;
} paths[] = {
	{ "what is missing is made", "", "a/b/c", 0, 0 },
	{ "what is there is opened", "", "a/b/c", 0, 0 },
	{ "one component", "", "a", 0, 0 },
	{ "none: the base", "", "", 0, 0 },
	{ "two slashes are one", "", "a//b/", 0, 0 },
	{ "the base is not made", "/none", "a", -1, ENOENT },
	{ "a file is no directory", "", "no-dir/a", -1, ENOTDIR },
};

static void
directories_below_a_base_are_made(void **state)
{
	char name[NAME_MAX + 3], base[sizeof root + 16];
	struct err err = { 0 };
	struct stat st;
	int fd = 77;

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		fd = 77;
		snprintf(base, sizeof base, "%s%s", root, paths[i].base);
		if (fs_make_below(&fd, base, paths[i].path, 0700, &err) !=
		    paths[i].rc)
			fail_msg("%s: %s", paths[i].why, err.text);
		if (paths[i].rc == -1) {
			assert_int_equal(err.sys, paths[i].sys);
			assert_int_equal(fd, 77);
			continue;
		}
		assert_int_equal(fstat(fd, &st), 0);
		assert_true(S_ISDIR(st.st_mode));
		assert_int_equal(st.st_mode & 0777, 0700);
		fs_close(&fd);
	}
	assert_int_equal(fstatat(dir, "a/b/c", &st, 0), 0);
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_int_equal(fs_make_below(&fd, root, name, 0700, &err), -1);
	assert_int_equal(err.class, ERR_BAD);
}

static const struct {
	size_t size, max;
	int rc;
} whole_files[] = {
	{ 0, 0, 0 },
	{ 1, 0, -1 },
	{ 10, 10, 0 },
	{ 11, 10, -1 },
	{ 65536, 65536, 0 },
	{ 65537, 65536, -1 },
	{ 200000, 1000000, 0 },
};

static void
whole_files_are_read_up_to_a_maximum(void **state)
{
	char *text = malloc(200001);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < sizeof whole_files / sizeof *whole_files; i++) {
		struct err err = { 0 };
		struct buf b;

		memset(text, 'y', whole_files[i].size);
		text[whole_files[i].size] = '\0';
		write_file("whole", text);
		buf_init(&b, whole_files[i].max);
		assert_int_equal(
		    fs_read_file(&b, dir, "whole", &err), whole_files[i].rc);
		if (whole_files[i].rc == 0)
			assert_string_equal(b.data, text);
		else
			assert_int_equal(err.class, ERR_BAD);
		buf_release(&b);
	}
	free(text);
}

static void
reading_and_writing_at_an_offset(void **state)
{
	int fd = openat(dir, "at", O_RDWR | O_CREAT, 0600);
	struct err err = { 0 };
	char got[8] = "";
	size_t n = 77;

	(void)state;
	assert_int_equal(fs_pwrite_all(fd, "abc", 3, 2, &err), 0);
	assert_int_equal(fs_pread_full(fd, got, sizeof got, 1, &n, &err), 0);
	assert_int_equal(n, 4);
	assert_memory_equal(got, "\0abc", 4);
	close(fd);
	assert_int_equal(fs_pread_full(fd, got, 1, 0, &n, &err), -1);
	assert_int_equal(n, 4);
	assert_int_equal(fs_pwrite_all(fd, "a", 1, 0, &err), -1);
	assert_int_equal(fs_sync(fd, "at", &err), -1);
}

static void
a_file_is_replaced_and_nothing_stays_beside_it(void **state)
{
	struct err err = { 0 };
	struct stat st;
	struct buf b;
	char temp[100];

	(void)state;
	assert_int_equal(fs_replace(dir, "r", "one", 3, 0640, &err), 0);
	assert_int_equal(fs_replace(dir, "r", "two!", 4, 0640, &err), 0);
	buf_init(&b, 100);
	assert_int_equal(fs_read_file(&b, dir, "r", &err), 0);
	assert_string_equal(b.data, "two!");
	buf_release(&b);
	assert_int_equal(fs_replace(dir, "dir", "x", 1, 0640, &err), -1);
	snprintf(temp, sizeof temp, ".dir.%ld", (long)gettid());
	assert_int_equal(fstatat(dir, temp, &st, 0), -1);
}

static int
make_root(void **state)
{
	(void)state;
	if (mkdtemp(root) == NULL)
		return -1;
	dir = open(root, O_RDONLY | O_DIRECTORY);
	return dir == -1 ? -1 : 0;
}

static int
remove_root(void **state)
{
	struct err err;

	(void)state;
	close(dir);
	if (filetree_remove(AT_FDCWD, root, &err) == -1)
		fail_msg("%s", err.text);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_regular_files_are_opened),
		cmocka_unit_test(directories_are_made_and_opened),
		cmocka_unit_test(directories_below_a_base_are_made),
		cmocka_unit_test(whole_files_are_read_up_to_a_maximum),
		cmocka_unit_test(reading_and_writing_at_an_offset),
		cmocka_unit_test(
		    a_file_is_replaced_and_nothing_stays_beside_it),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
