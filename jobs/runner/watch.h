/* SPDX-License-Identifier: MIT */
#ifndef WATCH_H
#define WATCH_H

#include "err.h"

struct spool;

/*
 * Names that come and go in new/, retry/, run/, ctl/ and out/, told by inotify:
 * a hint that saves looking, never the truth. What was missed (a full queue, a
 * kernel without watches left) is found by the next look at the directories.
 *
 * Order holds: events are handed out as they happened, across directories.
 */

enum watch_event {
	WATCH_CAME,
	WATCH_WENT,
	WATCH_MISSED, /* some were lost: look everywhere */
};

struct watch {
	int fd;		     /* -1: no inotify, polling alone */
	int descriptors[16]; /* by enum spool_state or spool_dir */
};

/* Never fails: without inotify fd is -1 and *err says why; 0, or -1. */
int watch_open(struct watch *out, struct spool *s, struct err *err) CHECKED;
void watch_close(struct watch *w);

/* Hands out what has happened so far, without waiting. `name` is NULL with
 * WATCH_MISSED. */
void watch_read(struct watch *w,
    void (*visit)(
	void *arg, enum watch_event event, unsigned dir, const char *name),
    void *arg);

#endif
