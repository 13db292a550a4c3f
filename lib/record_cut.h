/* SPDX-License-Identifier: MIT */
#ifndef RECORD_CUT_H
#define RECORD_CUT_H

#include <stddef.h>

/*
 * Cutting a day's text into records, by one rule that holds for both forms:
 * a record begins with '{' at the beginning of a line and ends with '}' at
 * the end of one, and in the indented form no line between begins with '{'.
 * What does not end before the next begins is torn, and passed over.
 *
 * The rule remembers nothing: behind a whole record it is as at the file's
 * beginning, so a file may be cut in pieces there and read from any of them.
 *
 * With a needle only records that hold it are looked for, at the speed of
 * memmem(), and some others may be given as well.
 */

struct record_cut {
	const char *needle; /* or NULL */
	/* Borrows the text; a non-zero answer ends the cutting. */
	int (*visit)(void *arg, const char *text, size_t len);
	void *arg;
};

/*
 * Visits all whole records from `from`, a line's beginning, to `end`, in
 * order. *rest is where the first that is not whole begins. What visit()
 * says.
 */
int record_cut(const struct record_cut *c, const char *from, const char *end,
    const char **rest);

/* 1 if exactly one record stands at `text`, with a newline behind it. */
int record_cut_is_one(const char *text, size_t len);

#endif
