/* SPDX-License-Identifier: MIT */
#ifndef HEADS_H
#define HEADS_H

#include <stddef.h>
#include <sys/types.h>

#include "runner/backlog.h"

/*
 * What recovery read of the jobs that wait, kept for the look that follows
 * it, so that no file is opened twice when the runner starts. By the file's
 * inode, which the directory tells, and the job's ID: whatever does not have
 * both is read as usual.
 *
 * Calling sequence: a zeroed struct, heads_add() for each, then heads_find(),
 * heads_release(). Memory that runs out is fatal. Finding is logarithmic.
 */

struct job_head;

struct known_head {
	ino_t ino;
	struct waiting w; /* as of scan_fill() for new/, attempt 0 */
};

struct heads {
	struct known_head *list;
	size_t n, cap;
	int sorted;
};

void heads_add(struct heads *h, ino_t ino, const struct job_head *head);

/* NULL where it is not known. */
const struct waiting *heads_find(struct heads *h, ino_t ino, const char *id);

void heads_release(struct heads *h);

#endif
