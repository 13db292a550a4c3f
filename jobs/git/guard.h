/* SPDX-License-Identifier: MIT */
#ifndef GIT_GUARD_H
#define GIT_GUARD_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct change;

/*
 * What a command may change: a pure question over a list of changes, asked
 * before anything is pushed. Patterns are globs (glob.h).
 */

struct guard {
	const char *const *allowed;    /* NULL-terminated; NULL: everything */
	const char *const *restricted; /* NULL-terminated; NULL: nothing */
	int64_t max_files, max_lines;  /* 0: no limit */
};

/*
 * The number of changes (and limits) that stand against it; for each, a line
 * "path: reason" is added to `why`. Refused whatever is configured: anything
 * below a name ".git", and submodules.
 */
unsigned guard_check(const struct guard *guard, const struct change *changes,
    size_t count, struct buf *why);

#endif
