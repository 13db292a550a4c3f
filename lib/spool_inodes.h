/* SPDX-License-Identifier: MIT */
#ifndef SPOOL_INODES_H
#define SPOOL_INODES_H

#include <stddef.h>
#include <sys/stat.h>

#include "err.h"

struct spool;

/*
 * The inodes that the names of some directories lead to, learnt by reading
 * the directories alone. With it recovery tells the ordinary jobs from those
 * that need a look, without opening 100,000 files:
 *
 *   a slot with two names, the other of them in new/, run/, retry/ or hold/
 *   is a job that waits or runs, and nothing else.
 *
 * inodes_read() may be called for one set several times; inodes_has() says 1
 * where the inode was there when its directory was read. A file system whose
 * directories tell other numbers than its files (overlayfs) costs time, no
 * more: what is not found here is looked at.
 */
struct inodes {
	ino_t *list;
	size_t count, cap;
	int sorted;
};

int inodes_read(
    struct inodes *set, struct spool *s, unsigned dir, struct err *err) CHECKED;

/* All of the states of jobs that are not settled. */
int inodes_read_waiting(
    struct inodes *set, struct spool *s, struct err *err) CHECKED;

int inodes_has(struct inodes *set, ino_t inode);
void inodes_release(struct inodes *set);

#endif
