/* SPDX-License-Identifier: MIT */
#ifndef FOLLOW_H
#define FOLLOW_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "clock.h"
#include "err.h"

struct buf;
struct spool;

/*
 * New records as they come, across the change of the UTC day, in both forms
 * (an object a line, or indented).
 *
 * Calling sequence: follow_open(), then follow_wait() and follow_read() in
 * turn, follow_close(). follow_open() begins at the end of the day's file:
 * what stands there already is record_each()'s.
 *
 * A writer may be late: it fetched the day, then wrote. So the old file is
 * read for FOLLOW_LATE longer before it is left. What was torn by a crash is
 * left out: a record always begins at the start of a line, and no other line
 * of one begins with a brace.
 */

#define FOLLOW_LATE	  (2 * CLOCK_SECOND)
#define FOLLOW_RECORD_MAX (4 * 1024 * 1024) /* longer ones are left out */

struct follow {
	int dir; /* log/, borrowed */
	int fd;	 /* -1: the day has no file yet */
	int notify;
	off_t at;
	char day[CLOCK_DAY];
	struct buf *part; /* the record being read */
	int depth;	  /* of braces */
	int in_string, escaped, line_start;
};

int follow_open(
    struct follow *f, struct spool *s, int64_t now, struct err *err) CHECKED;
/* How many records were handed out, or -1. `now` is the wall clock. */
int follow_read(struct follow *f, int64_t now,
    void (*visit)(void *arg, const char *text, size_t len), void *arg,
    struct err *err) CHECKED;
void follow_close(struct follow *f);

/* A descriptor that is readable when something happens in a directory, or
 * -1; and waiting for it, at most timeout_ms. */
int follow_watch(int dir);
void follow_wait(int notify, int timeout_ms);

#endif
