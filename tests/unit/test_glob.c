/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "glob.h"

#define ROWS(table) (sizeof(table) / sizeof *(table))

static const struct {
	const char *why, *pattern, *name;
	int want;
} matches[] = {
	{ "a plain name is itself", "main", "main", 1 },
	{ "and no other", "main", "mains", 0 },
	{ "nor a part of it", "main", "mai", 0 },
	{ "case counts", "Main", "main", 0 },
	{ "* takes any characters", "rel-*", "rel-1.2", 1 },
	{ "* takes none", "rel-*", "rel-", 1 },
	{ "* stops at a slash", "rel-*", "rel-1/x", 0 },
	{ "* in the middle", "v*.x", "v1.2.x", 1 },
	{ "* tries further", "*-x-y", "a-x-x-y", 1 },
	{ "* in each part", "a/*/c/*", "a/b/c/d", 1 },
	{ "* alone is one part", "*", "a/b", 0 },
	{ "** crosses slashes", "**", "a/b/c", 1 },
	{ "** at the end", "feature/**", "feature/a/b", 1 },
	{ "** in the middle", "a/**/z", "a/b/c/z", 1 },
	{ "** needs the slashes beside it", "a/**/z", "a/z", 0 },
	{ "** before *", "**/x-*", "a/b/x-1", 1 },
	{ "* behind ** may not cross", "**/x-*", "a/x-1/b", 0 },
	{ "** retries where * got stuck", "**a*b", "a/ab", 1 },
	{ "*** is **", "***", "a/b", 1 },
	{ "? is one character", "v?", "v1", 1 },
	{ "? is not none", "v?", "v", 0 },
	{ "? is no slash", "a?b", "a/b", 0 },
	{ "a set", "v[0-9]", "v7", 1 },
	{ "a set's range ends", "v[0-8]", "v9", 0 },
	{ "a negated set", "v[!0-9]", "vx", 1 },
	{ "a negated set with ^", "v[^0-9]", "v3", 0 },
	{ "a negated set takes no slash", "v[!0-9]", "v/", 0 },
	{ "] first in a set is itself", "[]]", "]", 1 },
	{ "a set with an escape", "[\\]x]", "]", 1 },
	{ "an escape takes away the meaning", "v\\*", "v*", 1 },
	{ "and only that matches", "v\\*", "v1", 0 },
	{ "bytes above 127 match themselves", "\xc3\xa4*", "\xc3\xa4x", 1 },
	{ "an empty name is no name", "?", "", 0 },
	{ "an empty name is what * takes", "*", "", 1 },
};

static void
names_match_patterns(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(matches); i++) {
		if (glob_match(matches[i].pattern, matches[i].name) !=
		    matches[i].want)
			fail_msg(
			    "%s: want %d", matches[i].why, matches[i].want);
	}
}

static const struct {
	const char *why, *patterns[4], *name;
	int want;
} lists[] = {
	{ "one of them is enough", { "a", "b" }, "b", 1 },
	{ "none is not", { "a", "b" }, "c", 0 },
	{ "a later exclusion counts", { "rel-*", "!rel-0*" }, "rel-01", 0 },
	{ "and leaves the others", { "rel-*", "!rel-0*" }, "rel-1", 1 },
	{ "a later inclusion counts again", { "*", "!rel-*", "rel-9" }, "rel-9",
	    1 },
	{ "an exclusion first means nothing", { "!main", "*" }, "main", 1 },
};

static void
lists_are_read_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(lists); i++) {
		if (glob_list_match(lists[i].patterns, lists[i].name) !=
		    lists[i].want)
			fail_msg("%s: want %d", lists[i].why, lists[i].want);
	}
}

static void
wrong_patterns_are_explained(void **state)
{
	(void)state;
	assert_null(glob_problem("rel-[0-9]*\\*"));
	assert_null(glob_problem("!rel-*"));
	assert_string_equal(glob_problem(""), "the pattern is empty");
	assert_string_equal(glob_problem("!"), "the pattern is empty");
	assert_string_equal(glob_problem("a[b"), "a set lacks its ]");
	assert_string_equal(glob_problem("a\\"), "it ends in a backslash");
}

/* What the header says of stars, in as few words as it takes: all ways are
 * tried. */
static int
naive_match(const char *pattern, const char *name)
{
	int deep = pattern[0] == '*' && pattern[1] == '*';

	if (*pattern == '\0')
		return *name == '\0';
	if (*pattern == '*') {
		if (naive_match(pattern + 1 + deep, name))
			return 1;
		return *name != '\0' && (deep || *name != '/') &&
		       naive_match(pattern, name + 1);
	}
	return *pattern == *name && naive_match(pattern + 1, name + 1);
}

/* Counts through all texts of these characters; 0 at the end. */
static int
next_text(char *text, size_t max, const char *characters)
{
	for (size_t i = 0; i < max; i++) {
		if (text[i] == '\0') {
			text[i] = characters[0];
			return 1;
		}
		text[i] = strchr(characters, text[i])[1];
		if (text[i] != '\0')
			return 1;
		text[i] = characters[0];
	}
	return 0;
}

static void
short_patterns_match_as_all_ways_say(void **state)
{
	char pattern[8] = "";

	(void)state;
	do {
		char name[7] = "";

		do {
			if (glob_match(pattern, name) !=
			    naive_match(pattern, name))
				fail_msg("%s and %s", pattern, name);
		} while (next_text(name, sizeof name - 1, "ab/"));
	} while (next_text(pattern, sizeof pattern - 1, "a/*"));
}

/* The naive way needs more time than there is. */
static const struct {
	const char *first, *again, *last;
} hostile[] = {
	{ "", "*a", "b" },
	{ "", "**a", "b" },
	{ "**a*", "aaa", "b" },
	{ "**a*", "[xya]", "b" },
	{ "**/a*", "a*/a", "b" },
};

static void
hostile_names_take_no_time(void **state)
{
	static char pattern[520], name[65536];
	int64_t began = clock_mono();

	(void)state;
	for (size_t i = 0; i < ROWS(hostile); i++) {
		size_t step = strlen(hostile[i].again), n;

		n = (size_t)snprintf(pattern, 10, "%s", hostile[i].first);
		for (; n + step < 512; n += step)
			memcpy(pattern + n, hostile[i].again, step);
		memcpy(pattern + n, hostile[i].last, 2);
		memset(name, 'a', sizeof name - 1);
		assert_int_equal(glob_match(pattern, name), 0);
		for (size_t at = 1; at < sizeof name - 1; at += 3)
			name[at] = '/';
		assert_int_equal(glob_match(pattern, name), 0);
	}
	assert_true(clock_mono() - began < 5 * CLOCK_SECOND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_match_patterns),
		cmocka_unit_test(lists_are_read_in_order),
		cmocka_unit_test(wrong_patterns_are_explained),
		cmocka_unit_test(short_patterns_match_as_all_ways_say),
		cmocka_unit_test(hostile_names_take_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
