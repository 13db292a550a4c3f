/* SPDX-License-Identifier: MIT */
/*
 * Directories of commands: what one leaves behind, the next does not see,
 * whether the directory is used again or not.
 */
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "err.h"
#include "exec/scratch.h"
#include "filetree.h"

static char data[] = "/tmp/hookspool-scratch-XXXXXX";
static char folder[sizeof data + 16];

static int
make_place(void **state)
{
	(void)state;
	memcpy(strrchr(data, '-') + 1, "XXXXXX", 6);
	snprintf(folder, sizeof folder, "%s/scratch", mkdtemp(data));
	return mkdir(folder, 0700);
}

static int
drop_place(void **state)
{
	struct err err;

	(void)state;
	return filetree_remove(AT_FDCWD, data, &err);
}

static void
take(struct scratch *s)
{
	struct err err = { 0 };

	memset(s, 0, sizeof *s);
	if (scratch_take(s, data, "0-a-job", &err) == -1)
		fail_msg("%s", err.text);
}

static void
drop(struct scratch *s)
{
	struct err err = { 0 };

	if (scratch_remove(s, &err) == -1)
		fail_msg("%s", err.text);
}

static unsigned
names_in(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	unsigned n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		n += strcmp(entry->d_name, ".") != 0 &&
		     strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return n;
}

static ino_t
inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_ino;
}

static void
assert_new(const struct scratch *s, const char *why)
{
	struct stat st;

	assert_int_equal(lstat(s->path, &st), 0);
	if (!S_ISDIR(st.st_mode) || (st.st_mode & 07777) != 0700 ||
	    names_in(s->path) != 0 || llistxattr(s->path, NULL, 0) > 0)
		fail_msg("%s: the next one sees something of it", why);
}

/* What a command may do, in its directory. */
static const struct {
	const char *why, *script;
} leavings[] = {
	{ "nothing", ":" },
	{ "a file", "echo secret >file" },
	{ "a hidden file", "echo secret >.netrc" },
	{ "a tree", "mkdir -p a/b/c && echo x >a/b/c/d" },
	{ "a link to elsewhere", "ln -s /etc etc" },
	{ "a FIFO", "mkfifo pipe" },
	{ "an unreadable directory", "mkdir shut && >shut/f && chmod 0 shut" },
	{ "its own mode", "chmod 0755 ." },
	{ "shut against itself", "echo x >file; chmod 0 ." },
	{ "sticky", "chmod 1700 ." },
	{ "itself gone", "rmdir ../$(basename \"$PWD\")" },
	{ "a link in its own place",
	    "p=$PWD; cd ..; rmdir \"$p\"; ln -s /etc \"$p\"" },
	{ "a file in its own place",
	    "p=$PWD; cd ..; rmdir \"$p\"; echo x >\"$p\"" },
	{ "another directory in its own place",
	    "p=$PWD; cd ..; mv \"$p\" moved; mkdir \"$p\"; echo x >\"$p\"/f" },
	{ "another mode and many files", "i=0; while [ $i -lt 300 ]; do >f$i; "
					 "i=$((i+1)); done; chmod 500 ." },
};

static void
run_in(const struct scratch *s, const char *script)
{
	char line[4096];

	snprintf(line, sizeof line, "cd '%s' && { %s\n}", s->path, script);
	assert_int_equal(system(line), 0);
}

static void
the_next_one_sees_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof leavings / sizeof *leavings; i++) {
		struct scratch s, next;

		take(&s);
		assert_new(&s, leavings[i].why);
		run_in(&s, leavings[i].script);
		drop(&s);
		take(&next);
		assert_new(&next, leavings[i].why);
		drop(&next);
	}
}

/* Its lock is free and it is as the command had it just then. */
static void
nothing_is_seen_of_one_that_was_killed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof leavings / sizeof *leavings; i++) {
		struct scratch s, next;

		take(&s);
		run_in(&s, leavings[i].script);
		close(s.lock);
		take(&next);
		assert_new(&next, leavings[i].why);
		drop(&next);
	}
}

static void
attributes_go_too(void **state)
{
	struct scratch s;

	(void)state;
	take(&s);
	if (setxattr(s.path, "user.note", "x", 1, 0) == -1)
		skip(); /* this file system has none */
	drop(&s);
	take(&s);
	assert_new(&s, "attributes");
	drop(&s);
}

static void
one_left_alone_is_used_again(void **state)
{
	struct scratch s;
	char path[SCRATCH_PATH_MAX];
	struct err err;
	ino_t first;

	(void)state;
	take(&s);
	first = inode_of(s.path);
	for (int i = 0; i < 3; i++) {
		/* What we put there ourselves is no reason. */
		assert_int_equal(
		    scratch_file(path, &s, "payload.json", "{}", 2, &err), 0);
		drop(&s);
		take(&s);
		assert_new(&s, "a payload");
		assert_int_equal(inode_of(s.path), first);
	}
	s.kept = 0; /* the caller knows better */
	drop(&s);
	assert_int_equal(names_in(folder), 0);
}

static void
nobody_shares_one(void **state)
{
	struct scratch all[65];

	(void)state;
	for (size_t i = 0; i < 65; i++) {
		take(&all[i]);
		for (size_t k = 0; k < i; k++) {
			/* The last is the job's own. */
			if (strcmp(all[k].path, all[i].path) == 0)
				fail_msg("%zu and %zu: %s", k, i, all[i].path);
		}
	}
	for (size_t i = 0; i < 65; i++)
		drop(&all[i]);
	assert_int_equal(names_in(folder), 64);
}

static void
a_sweep_leaves_what_is_used_again(void **state)
{
	struct scratch used, lost, kept;
	struct err err;
	unsigned removed;

	(void)state;
	take(&used);
	take(&lost);
	take(&kept);
	run_in(&lost, "echo secret >file");
	close(lost.lock);
	drop(&kept);
	assert_int_equal(scratch_sweep(data, &removed, &err), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(names_in(folder), 2);
	drop(&used);
	assert_int_equal(scratch_sweep(data, &removed, &err), 0);
	assert_int_equal(removed, 0);
}

/* Default ACLs, the group, labels: a new one has what is_as_new() minds. */
static void
none_is_kept_where_new_ones_inherit(void **state)
{
	struct scratch s;

	(void)state;
	assert_int_equal(chmod(folder, 02700), 0);
	take(&s);
	assert_string_equal(strrchr(s.path, '/'), "/0-a-job");
	drop(&s);
	assert_int_equal(names_in(folder), 0);
}

#define IN_PLACE(f) cmocka_unit_test_setup_teardown(f, make_place, drop_place)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(the_next_one_sees_nothing),
		IN_PLACE(nothing_is_seen_of_one_that_was_killed),
		IN_PLACE(attributes_go_too),
		IN_PLACE(one_left_alone_is_used_again),
		IN_PLACE(nobody_shares_one),
		IN_PLACE(a_sweep_leaves_what_is_used_again),
		IN_PLACE(none_is_kept_where_new_ones_inherit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
