/* SPDX-License-Identifier: MIT */
#ifndef QUOTA_H
#define QUOTA_H

#include <stdint.h>

struct command;

/*
 * What a command has on disk, counted while it runs: its working directory
 * and its scratch directory together.
 *
 * Calling sequence: quota_init(), then quota_exceeded() whenever quota_next()
 * has come, and quota_final() when the command is gone.
 *
 * Counting costs a look at each file, so the next time is put off by a
 * multiple of what the last one took; between two looks a command can write
 * as much as the disk takes. A directory that the command shuts against
 * itself is not looked into.
 */

struct quota {
	const char *paths[2]; /* NULL: no such one */
	uint64_t max;	      /* bytes; 0: no limit */
	uint64_t bytes;	      /* when last counted; at most a little over max */
	int64_t next;	      /* clock_boot() */
};

void quota_init(struct quota *q, const struct command *c);

/* clock_boot() of the next look; INT64_MAX without a limit. */
int64_t quota_next(const struct quota *q);

/* Counts if it is time; 1 if it is too much. */
int quota_exceeded(struct quota *q);
/* The same, at once. */
int quota_final(struct quota *q);

#endif
