/* SPDX-License-Identifier: MIT */
#ifndef FORKER_H
#define FORKER_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "err.h"
#include "runner/child.h"
#include "runner/job.h"
#include "runner/trouble.h"

/*
 * The forker: a worker that was started once (job-worker --serve), with its
 * libraries linked and its configuration read, and forks for each job. What
 * it saves is most of what a small job costs.
 *
 * A worker it forks is a child of the runner (CLONE_PARENT) and has passed
 * the same child_enter() as one that was executed, so that nothing the
 * runner does with workers knows the difference: pid, process group, time
 * limits, strays, the job's locks. Descriptors go over a socket pair; the
 * forker closes its copies right after the fork, so that a lock's last holder
 * is the job's worker, as ever. A worker's first act is to close the socket.
 * The forker holds no job's data, cannot be traced or dumped, and looks at
 * the configuration's files before each fork. Its workers have the spool's
 * directories open from their beginning.
 *
 * Where it is not to be had, a worker is executed for the job (child.c):
 * with the first job, while the forker starts, after it died, when the
 * program's file is not what it was, with --worker. It is started when a
 * second job comes within FORKER_IDLE, and ended after as long without one.
 *
 * In doubt (the forker ended or was silent when it was asked) there may be a
 * worker whose number nobody knows. Then forker_start() returns 0 with
 * job->pid 0 and the status of a worker that could not be executed: the
 * unknown one is killed as a stray, and the job goes back to new/.
 */

#define FORKER_IDLE (60 * CLOCK_SECOND)

struct forker {
	int unwanted;
	pid_t pid;	    /* 0: none */
	int fd;		    /* to it; -1: none, or it is about to end */
	int ready;	    /* it has said that it is */
	int64_t last;	    /* when a job was last started, clock_boot() */
	int64_t not_before; /* the next one, clock_boot() */
	struct stat program;
	struct trouble trouble;
};

/* Starts the job's worker one way or the other, as child_start() does. */
int forker_start(struct forker *f, struct job *job,
    const struct child_setup *setup, int64_t now, struct err *err) CHECKED;

/* Ends one that was long idle. */
void forker_round(struct forker *f, int64_t now);
int64_t forker_wake(const struct forker *f); /* INT64_MAX: never */

/* 1 if the dead child was the forker. */
int forker_ended(struct forker *f, pid_t pid, int status, int64_t now);

void forker_stop(struct forker *f);

/* Stops it and waits for its end: one that has not executed its program yet
 * still has our locks, which must be free when we have ended. */
void forker_close(struct forker *f);

#endif
