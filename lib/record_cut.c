/* SPDX-License-Identifier: MIT */
#include "record_cut.h"

#include <string.h>

/* The first record's beginning at or behind `at`, a line's beginning. */
static const char *
find_start(const char *at, const char *end)
{
	while (at < end && *at != '{') {
		at = memchr(at, '\n', (size_t)(end - at));
		if (at == NULL)
			return end;
		at++;
	}
	return at;
}

/*
 * Where the record that begins at `start` ends (one past its last byte);
 * NULL if it does not before `end` or the next record begins first, and then
 * *next says where to go on.
 */
static const char *
find_end(const char *start, const char *end, const char **next)
{
	const char *line = start;

	for (;;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		if (stop == NULL) {
			*next = start; /* more of it may come */
			return NULL;
		}
		if (line != start && *line == '{') {
			*next = line;
			return NULL;
		}
		*next = stop + 1;
		/* A whole one on a line, or the last line of an indented. */
		if (line == start && stop - line > 1 && stop[-1] == '}')
			return stop;
		if (line != start && *line == '}')
			return line + 1;
		line = stop + 1;
	}
}

/* The record that `at` lies in begins here (or `from`). Nothing is behind
 * `end`, where `at` may stand and a newline before it. */
static const char *
start_before(const char *from, const char *at, const char *end)
{
	for (;;) {
		const char *stop = memrchr(from, '\n', (size_t)(at - from));

		if (stop == NULL)
			return from;
		if (stop + 1 < end && stop[1] == '{')
			return stop + 1;
		at = stop;
	}
}

int
record_cut(const struct record_cut *c, const char *from, const char *end,
    const char **rest)
{
	int rc = 0;

	while (rc == 0) {
		const char *start, *stop, *next;

		if (c->needle != NULL) {
			const char *hit = memmem(from, (size_t)(end - from),
			    c->needle, strlen(c->needle));

			/* None: but the last record may go on in the next
			 * piece, and the needle may be there. */
			from = start_before(from, hit != NULL ? hit : end, end);
		}
		start = find_start(from, end);
		*rest = start;
		if (start == end)
			return 0;
		stop = find_end(start, end, &next);
		*rest = next;
		if (stop == NULL && next == start)
			return 0;
		if (stop != NULL)
			rc = c->visit(c->arg, start, (size_t)(stop - start));
		from = next;
	}
	return rc;
}

int
record_cut_is_one(const char *text, size_t len)
{
	const char *next;

	return len > 0 && text[0] == '{' &&
	       find_end(text, text + len + 1, &next) == text + len;
}
