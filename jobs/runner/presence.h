/* SPDX-License-Identifier: MIT */
#ifndef PRESENCE_H
#define PRESENCE_H

#include "err.h"

struct spool;

/*
 * Who is at work on a spool, told by kernel locks that end with their holder
 * (no PID files, no ages):
 *
 *   lock/runner     shared by every runner; exclusive by a tool that moves
 *                   jobs itself, for the moment that takes
 *   lock/drain      exclusive by a runner started with --drain, so that a
 *                   cron job that overlaps its predecessor does nothing
 *   lock/heartbeat  its mtime: when a runner's loop last went round
 *   lock/swept      its mtime: when a runner last swept the spool to the end
 *
 * The files are never unlinked. A taken presence is a descriptor; closing it
 * gives it up.
 */

/* Seconds: an idle runner's loop goes round every 30 s. */
#define PRESENCE_FRESH 90

/* Waits for tools, not for other runners. */
int presence_join(struct spool *s, int *fd, struct err *err) CHECKED;

/* 0 taken, no runner lives and none starts meanwhile; 1 a runner lives. */
int presence_exclude(struct spool *s, int *fd, struct err *err) CHECKED;

/* 1 if a runner lives. */
int presence_alive(struct spool *s);

/* 0 taken; 1 another --drain is under way. */
int presence_drain(struct spool *s, int *fd, struct err *err) CHECKED;

/* Touches the heartbeat, and notes the end of a sweep. */
void presence_beat(struct spool *s);
void presence_swept(struct spool *s);

/* Seconds since the last beat, the last sweep; -1 if there never was one. */
long presence_age(struct spool *s);
long presence_swept_age(struct spool *s);

#endif
