/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "glob.h"

/* Where to take up again when the text behind a star does not fit. */
struct retry {
	const char *pattern; /* behind the star; NULL: there was none */
	const char *name;    /* what the star has not swallowed yet */
	const char *first;   /* where the first "*" behind this "**" took up
			      * the name; NULL: there was none yet */
};

/* The end of the set that begins at `set` ("[...]"), or NULL. */
static const char *
set_end(const char *set)
{
	const char *p = set + 1;

	if (*p == '!' || *p == '^')
		p++;
	if (*p == ']') /* first in the set it stands for itself */
		p++;
	for (; *p != '\0' && *p != ']'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
	}
	return *p == ']' ? p : NULL;
}

static int
set_has(const char *set, const char *end, unsigned char c)
{
	const char *p = set + 1;
	int negated = *p == '!' || *p == '^', found = 0;

	for (p += negated; p < end; p++) {
		unsigned char low, high;

		if (*p == '\\' && p + 1 < end)
			p++;
		low = high = (unsigned char)*p;
		if (p[1] == '-' && p + 2 < end) {
			high = (unsigned char)p[2];
			p += 2;
		}
		if (c >= low && c <= high)
			found = 1;
	}
	return found != negated;
}

/* One pattern element that is no star against one character: the rest of
 * the pattern, or NULL. */
static const char *
match_one(const char *pattern, char c)
{
	const char *end;

	switch (*pattern) {
	case '\0':
		return NULL;
	case '?':
		return c != '/' ? pattern + 1 : NULL;
	case '[':
		end = set_end(pattern);
		if (end == NULL)
			return c == '[' ? pattern + 1 : NULL;
		if (c == '/' || !set_has(pattern, end, (unsigned char)c))
			return NULL;
		return end + 1;
	case '\\':
		if (pattern[1] != '\0')
			pattern++;
		break;
	default:
		break;
	}
	return *pattern == c ? pattern + 1 : NULL;
}

/*
 * Lets the last "**" swallow more; 0 where that is of no use. What stands
 * between it and its first "*" has one length, so that one would only take up
 * the same part of the name further behind, and all that it could swallow
 * there it could before. So it goes on behind that part, which keeps the time
 * within the product of both lengths.
 */
static int
retry_deep(struct retry *deep)
{
	size_t skip = 0;

	if (deep->pattern == NULL || *deep->name == '\0')
		return 0;
	if (deep->first != NULL) {
		skip = strcspn(deep->first, "/");
		if (deep->first[skip] == '\0')
			return 0;
	}
	deep->name += skip + 1;
	deep->first = NULL;
	return 1;
}

/*
 * A "*" is retried one character further as long as that is no "/", then the
 * last "**" is. Stars before those need no second look: whatever they could
 * swallow more, the later one can too.
 */
int
glob_match(const char *pattern, const char *name)
{
	struct retry star = { 0 }, deep = { 0 };
	const char *next;

	while (*name != '\0' || *pattern != '\0') {
		if (*pattern == '*' && pattern[1] == '*') {
			while (*pattern == '*')
				pattern++;
			deep = (struct retry){ pattern, name, NULL };
			star.pattern = NULL;
		} else if (*pattern == '*') {
			star = (struct retry){ ++pattern, name, NULL };
			if (deep.first == NULL)
				deep.first = name;
		} else if (*name != '\0' &&
			   (next = match_one(pattern, *name)) != NULL) {
			pattern = next;
			name++;
		} else if (star.pattern != NULL && *star.name != '\0' &&
			   *star.name != '/') {
			pattern = star.pattern;
			name = ++star.name;
		} else if (retry_deep(&deep)) {
			pattern = deep.pattern;
			name = deep.name;
			star.pattern = NULL;
		} else {
			return 0;
		}
	}
	return 1;
}

int
glob_list_match(const char *const *patterns, const char *name)
{
	int yes = 0;

	for (; *patterns != NULL; patterns++) {
		int negated = **patterns == '!';

		if (yes == negated && glob_match(*patterns + negated, name))
			yes = !negated;
	}
	return yes;
}

const char *
glob_problem(const char *pattern)
{
	pattern += *pattern == '!';
	if (*pattern == '\0')
		return "the pattern is empty";
	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '\\' && *++pattern == '\0')
			return "it ends in a backslash";
		if (*pattern != '[')
			continue;
		pattern = set_end(pattern);
		if (pattern == NULL)
			return "a set lacks its ]";
	}
	return NULL;
}
