/* SPDX-License-Identifier: MIT */
#ifndef REPORTER_H
#define REPORTER_H

#include <stdint.h>
#include <sys/types.h>

#include "runner/trouble.h"

struct runner;

/*
 * The runner's part in commit statuses: it starts job-worker --reports when
 * something in out/ is due, one at a time, and speaks to no network itself.
 * Sending takes no job's place.
 *
 * The runner calls reporter_look() when something came into out/ (or may
 * have), reporter_round() each round, reporter_ended() for each dead child.
 */

struct reporter {
	pid_t pid;    /* the sender, 0: none */
	int look;     /* out/ may hold something new */
	int64_t next; /* when the first report is due, clock_boot(); 0: none */
	int64_t not_before; /* the next sender, clock_boot() */
	int64_t kill_at;    /* a sender that hangs, clock_boot() */
	struct trouble trouble;
};

void reporter_round(struct runner *r, int64_t now);

/* 1 if the child was the sender. */
int reporter_ended(struct runner *r, pid_t pid, int status, int64_t now);

/* The next moment with something to do, clock_boot(); INT64_MAX: none. */
int64_t reporter_wake(const struct runner *r);

#endif
