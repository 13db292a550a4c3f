/* SPDX-License-Identifier: MIT */
#ifndef WORKER_HOOKS_H
#define WORKER_HOOKS_H

#include <stddef.h>

struct job;

/*
 * The command hooks of a job: those of the top level, then those of its
 * repository, each in the configuration's order, one after another. One that
 * fails does not keep the next from running; the job ends as the worst of
 * them did.
 *
 * Each is a step "hook:NAME". A hook that succeeded in an earlier attempt is
 * not run again, nor is one that has failed for good: the job's step log
 * tells (history.h). So a hook's success happens once, unless the worker is
 * killed between the command's end and the step's.
 */

/* How many hooks want this event. */
size_t hooks_wanted(const struct job *job);

/* Runs them; returns the worse of `code` and theirs. */
int hooks_run(struct job *job, int code);

#endif
