/* SPDX-License-Identifier: MIT */
#ifndef FILE_STAMPS_H
#define FILE_STAMPS_H

#include <stddef.h>

/*
 * What some files were when they were read, to tell later whether reading
 * them again would give the same.
 *
 * Calling sequence: a zeroed struct, stamps_add() before each file is read,
 * stamps_hold() at any time later, stamps_release(). Symbolic links are
 * followed. A file that was not there, or had changed less than a second
 * before (its next change might get the same time), does not hold: then it
 * is as if everything had changed, which costs time and no more. The same
 * where memory runs out.
 */

struct file_stamp;

struct stamps {
	struct file_stamp *list;
	size_t count;
	int doubt; /* something could not be stamped */
};

void stamps_add(struct stamps *s, const char *path);

/* 1 if all files are what they were; one stat(2) each. */
int stamps_hold(const struct stamps *s);

void stamps_release(struct stamps *s);

#endif
