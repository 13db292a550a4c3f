/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "filetree.h"
#include "fsio.h"

struct place {
	char path[64];
	int fd;
};

static int
make_place(void **state)
{
	static struct place place;

	snprintf(place.path, sizeof place.path, "/tmp/hookspool-tree-XXXXXX");
	assert_non_null(mkdtemp(place.path));
	place.fd = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(place.fd != -1);
	*state = &place;
	return 0;
}

static int
drop_place(void **state)
{
	struct place *place = *state;

	close(place->fd);
	return rmdir(place->path); /* fails the test if anything is left */
}

static void
touch(int dir, const char *name, mode_t mode)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	assert_true(fd != -1);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static int
exists(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
links_are_removed_and_not_followed(void **state)
{
	struct place *p = *state;
	struct err err;

	assert_int_equal(mkdirat(p->fd, "outside", 0700), 0);
	touch(p->fd, "outside/kept", 0600);
	assert_int_equal(mkdirat(p->fd, "t", 0700), 0);
	assert_int_equal(symlinkat("../outside", p->fd, "t/dir-link"), 0);
	assert_int_equal(symlinkat("../outside/kept", p->fd, "t/link"), 0);
	assert_int_equal(filetree_remove(p->fd, "t", &err), 0);
	assert_false(exists(p->fd, "t"));
	assert_true(exists(p->fd, "outside/kept"));
	assert_int_equal(filetree_remove(p->fd, "outside", &err), 0);
}

static void
directories_without_permissions_go_too(void **state)
{
	struct place *p = *state;
	struct err err;

	assert_int_equal(mkdirat(p->fd, "t", 0700), 0);
	assert_int_equal(mkdirat(p->fd, "t/closed", 0700), 0);
	touch(p->fd, "t/closed/file", 0000);
	assert_int_equal(fchmodat(p->fd, "t/closed", 0000, 0), 0);
	assert_int_equal(filetree_remove(p->fd, "t", &err), 0);
	assert_false(exists(p->fd, "t"));
}

static void
a_tree_deeper_than_descriptors_allow_goes_too(void **state)
{
	struct place *p = *state;
	struct err err;
	int dir = dup(p->fd);

	for (int i = 0; i < 3000; i++) {
		int next = -1;

		assert_int_equal(fs_make_dir(&next, dir, "d", 0700, &err), 0);
		close(dir);
		dir = next;
	}
	close(dir);
	assert_int_equal(filetree_remove(p->fd, "d", &err), 0);
	assert_false(exists(p->fd, "d"));
}

static void
what_is_not_there_is_no_error(void **state)
{
	struct place *p = *state;
	struct err err;

	assert_int_equal(filetree_remove(p->fd, "nothing", &err), 0);
}

static void
sizes_add_up(void **state)
{
	struct place *p = *state;
	struct err err;
	uint64_t one, two;

	assert_int_equal(mkdirat(p->fd, "t", 0700), 0);
	touch(p->fd, "t/a", 0600);
	assert_int_equal(filetree_size(p->fd, "t", 0, &one, &err), 0);
	touch(p->fd, "t/b", 0600);
	assert_int_equal(filetree_size(p->fd, "t", 0, &two, &err), 0);
	assert_true(two > one);
	/* A limit ends the count, a little above it. */
	assert_int_equal(filetree_size(p->fd, "t", 1, &one, &err), 0);
	assert_true(one > 1 && one < two);
	assert_int_equal(filetree_size(p->fd, "none", 0, &one, &err), -1);
	assert_int_equal(filetree_remove(p->fd, "t", &err), 0);
}

int
main(void)
{
#define IN_PLACE(test)                                                         \
	cmocka_unit_test_setup_teardown(test, make_place, drop_place)
	const struct CMUnitTest tests[] = {
		IN_PLACE(links_are_removed_and_not_followed),
		IN_PLACE(directories_without_permissions_go_too),
		IN_PLACE(a_tree_deeper_than_descriptors_allow_goes_too),
		IN_PLACE(what_is_not_there_is_no_error),
		IN_PLACE(sizes_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
