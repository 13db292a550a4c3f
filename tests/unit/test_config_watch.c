/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "config_files.h"

/* However a file changes, it is noticed, once. */

#define DEADLINE 5000 /* ms; an event comes at once or never */

static struct config_dir dir;

static void
in_dir(char out[256], const char *name)
{
	snprintf(out, 256, "%s/%s", dir.path, name);
}

static void
edit(void)
{
	config_dir_write(&dir, NULL, "port: 22\n", 9);
}

static void
replace(void)
{
	char draft[256];

	config_dir_write(&dir, "draft", "port: 2\n", 8);
	in_dir(draft, "draft");
	assert_int_equal(rename(draft, dir.file), 0);
}

static void
take_away(void)
{
	assert_int_equal(unlink(dir.file), 0);
}

static const struct {
	const char *why;
	void (*change)(void);
} changes[] = {
	{ "written in place", edit },
	{ "replaced by rename", replace },
	{ "removed", take_away },
	{ "made again", edit },
};

static void
check_change(struct config_watch *w, const char *why, void (*change)(void))
{
	struct pollfd p = { .fd = config_watch_fd(w), .events = POLLIN };

	if (config_changed(w))
		fail_msg("%s: before anything happened", why);
	change();
	if (p.fd != -1 && poll(&p, 1, DEADLINE) != 1)
		fail_msg("%s: no event", why);
	if (!config_changed(w))
		fail_msg("%s: not noticed", why);
	if (config_changed(w))
		fail_msg("%s: noticed twice", why);
}

static void
changes_are_noticed(void **state)
{
	struct config_watch *w = NULL;
	struct err err = { 0 };

	(void)state;
	config_dir_make(&dir);
	config_dir_write(&dir, NULL, "port: 1\n", 8);
	assert_int_equal(config_watch_new(&w, dir.file, &err), 0);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		check_change(w, changes[i].why, changes[i].change);
	config_watch_free(w);
	config_dir_remove(&dir);
}

/* As Kubernetes lays configuration out: file -> ..data/file -> ..1/file. */
static void
switch_link(void)
{
	char from[256], to[256];

	in_dir(from, "..tmp");
	in_dir(to, "..data");
	assert_int_equal(symlink("..2", from), 0);
	assert_int_equal(rename(from, to), 0);
}

/* The directory behind the link is the new one from now on. */
static void
edit_behind_link(void)
{
	config_dir_write(&dir, "..2/config.yaml", "port: 333\n", 10);
}

static void
switched_links_are_noticed(void **state)
{
	static const char *const dirs[] = { "..1", "..2" };
	struct config_watch *w = NULL;
	struct err err = { 0 };
	char path[256];

	(void)state;
	config_dir_make(&dir);
	for (size_t i = 0; i < 2; i++) {
		in_dir(path, dirs[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	config_dir_write(&dir, "..1/config.yaml", "port: 1\n", 8);
	config_dir_write(&dir, "..2/config.yaml", "port: 2\n", 8);
	in_dir(path, "..data");
	assert_int_equal(symlink("..1", path), 0);
	assert_int_equal(symlink("..data/config.yaml", dir.file), 0);

	assert_int_equal(config_watch_new(&w, dir.file, &err), 0);
	check_change(w, "a link in the middle", switch_link);
	check_change(w, "the file behind it", edit_behind_link);
	config_watch_free(w);

	for (size_t i = 0; i < 2; i++) {
		snprintf(
		    path, sizeof path, "%s/%s/config.yaml", dir.path, dirs[i]);
		unlink(path);
		in_dir(path, dirs[i]);
		assert_int_equal(rmdir(path), 0);
	}
	in_dir(path, "..data");
	unlink(path);
	config_dir_remove(&dir);
}

static void
a_file_that_is_not_there_yet_can_be_watched(void **state)
{
	struct config_watch *w = NULL;
	struct err err = { 0 };

	(void)state;
	config_dir_make(&dir);
	assert_int_equal(config_watch_new(&w, dir.file, &err), 0);
	check_change(w, "made", edit);
	config_watch_free(w);
	config_dir_remove(&dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_are_noticed),
		cmocka_unit_test(switched_links_are_noticed),
		cmocka_unit_test(a_file_that_is_not_there_yet_can_be_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
