/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "git/guard.h"
#include "git/publish.h"
#include "glob.h"

#define MODE_SUBMODULE 0160000u /* git's mode of a commit in a tree */

static int
matches_any(const char *const *patterns, const char *path)
{
	for (; *patterns != NULL; patterns++) {
		if (glob_match(*patterns, path))
			return 1;
	}
	return 0;
}

/* A component ".git", in any case: file systems that fold case exist. */
static int
names_git(const char *path)
{
	while (path != NULL) {
		size_t len = strcspn(path, "/");

		if (len == 4 && strncasecmp(path, ".git", 4) == 0)
			return 1;
		path = strchr(path, '/');
		if (path != NULL)
			path++;
	}
	return 0;
}

static const char *
reason_against(const struct guard *guard, const struct change *c)
{
	if (names_git(c->path))
		return "git's own files cannot be changed";
	if (c->mode == MODE_SUBMODULE)
		return "submodules and nested repositories are not committed";
	if (guard->restricted != NULL &&
	    matches_any(guard->restricted, c->path))
		return "the path is restricted";
	if (guard->allowed != NULL && !matches_any(guard->allowed, c->path))
		return "the path is outside of the allowed ones";
	return NULL;
}

static unsigned
check_limit(const char *what, uint64_t value, int64_t limit, struct buf *why)
{
	if (limit == 0 || value <= (uint64_t)limit)
		return 0;
	buf_addf(why,
	    "%" PRIu64 " %s changed, at most %" PRId64 " are allowed\n", value,
	    what, limit);
	return 1;
}

unsigned
guard_check(const struct guard *guard, const struct change *changes,
    size_t count, struct buf *why)
{
	unsigned against = 0;
	uint64_t lines = 0;

	for (size_t i = 0; i < count; i++) {
		const char *reason = reason_against(guard, &changes[i]);

		lines += changes[i].added + changes[i].removed;
		if (reason == NULL)
			continue;
		buf_addf(why, "%s: %s\n", changes[i].path, reason);
		against++;
	}
	against += check_limit("files", count, guard->max_files, why);
	against += check_limit("lines", lines, guard->max_lines, why);
	return against;
}
