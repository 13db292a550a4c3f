/* SPDX-License-Identifier: MIT */
#ifndef ENDING_H
#define ENDING_H

#include <stdint.h>

#include "runner/job.h"
#include "runner/schedule.h"

/*
 * What follows from the way a worker ended: its exit code or signal, whether
 * the runner was stopping it and why, what it reported, how often it was
 * tried. One table in ending.c; no side effects.
 *
 *   exit 0                 done        also while it was being stopped
 *   exit 100               failed; quarantined if it reported `unreadable`
 *   exit 111               again, by the schedule or at the reported time
 *   a signal, another code the worker was lost: again by the schedule; after
 *                          ENDING_LOST_MAX lost attempts dead, as lost
 *   stopped for time       timed out
 *   stopped on request     cancelled
 *   stopped for shutdown   back to new/ as if it had not been tried
 *   cannot be started      the same
 */

#define ENDING_LOST_MAX 5

/* Exit code of the child that could not become a worker (child.c). */
#define ENDING_NO_WORKER 126

struct ending {
	int status; /* of waitpid() */
	enum stop stop;
	const struct report *report;
	unsigned attempts; /* how often it was started, this time included */
	unsigned lost;	   /* how often it was lost, this time included */
	int64_t received, now; /* wall */
	int64_t retry_for;
	const struct schedule *schedule;
	uint32_t random;
};

/* 1 if the status is none that a worker gives: then `lost` counts. */
int ending_is_loss(int status);

void ending_judge(struct verdict *out, const struct ending *e);

/* The verdict on a job whose worker was lost with its runner. */
void ending_orphan(struct verdict *out, unsigned attempts, unsigned lost);

#endif
