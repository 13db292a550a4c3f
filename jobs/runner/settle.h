/* SPDX-License-Identifier: MIT */
#ifndef SETTLE_H
#define SETTLE_H

#include "err.h"
#include "record.h"
#include "runner/job.h"
#include "runner/journal.h"

struct spool;

/*
 * Ends the jobs on which there is a verdict: those that go on are moved to
 * retry/ or back to new/, the others to done/, dead/ or bad/, with exactly
 * one record each. The order, and what a crash between any two steps leaves,
 * stands at the top of settle.c.
 *
 * Calling sequence: spool_recover(), settler_init() (finishes what dead
 * processes began), settle_add() for each job, settle_run() until it returns
 * 0. What fails (a full disk) stays and is tried again by the next
 * settle_run(); nothing is given up. settle_dead() at times, for runners that
 * died meanwhile.
 */

struct settler {
	struct spool *spool;
	enum record_form form;
	struct journal journal;
	struct job *jobs; /* not over yet */
};

int settler_init(struct settler *out, struct spool *s, enum record_form form,
    struct err *err) CHECKED;
void settler_release(struct settler *t);

/* Takes the job over; the time of the verdict is now. */
void settle_add(struct settler *t, struct job *job);

/*
 * One round. Jobs that are over are prepended to *over, the caller's. 0 if
 * none is left, -1 with the first failure in *err.
 */
int settle_run(struct settler *t, struct job **over, struct err *err) CHECKED;

/* Finishes the journals of dead processes; returns how many jobs got the
 * rest of their settling, or -1. */
int settle_dead(struct settler *t, struct err *err) CHECKED;

/* After a power cut, which loses journals: finishes settled jobs that still
 * have a slot and no living owner. To be called at the start. */
int settle_leftovers(struct settler *t, struct err *err) CHECKED;

#endif
