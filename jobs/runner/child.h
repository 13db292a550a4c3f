/* SPDX-License-Identifier: MIT */
#ifndef CHILD_H
#define CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "runner/child_enter.h"
#include "runner/job.h"

/*
 * The worker as a process.
 *
 * What it is given: argv (--config, --spool, --attempt), the job's locked
 * file as fd 0 at offset 0, the runner's stderr as fd 1 and 2, the key's
 * lock as fd 3, the report pipe as fd 4 (report.h), a copy of the last good
 * configuration as fd 5, no other descriptor; a
 * session and process group of its own; no_new_privs; no core dumps; an
 * environment of PATH, LANG and the few variables that child.c lists. If the
 * runner dies it gets TERM.
 *
 * How it ends. child_stop() sends TERM to its group, child_kill() KILL. A
 * worker is the subreaper of whatever it starts: processes that leave its
 * group, or become daemons, become its children, and when it dies, the
 * runner's. So a child of the runner that is no worker belongs to a dead
 * one, and child_strays() kills it; its own children then come to us in
 * turn, until none is left. That takes no signal but SIGCHLD to notice.
 *
 * What a worker should do with TERM: stop its commands, and exit within the
 * grace time. Whatever it says in its step log until then is kept.
 */

struct child_setup {
	const char *worker; /* path of the program */
	const char *config; /* its --config, or NULL */
	const char *spool;  /* its --spool */
	int config_fd;	    /* see config_copy(); not for the sender */
};

/* To be called once, before the first child. */
int child_prepare(struct err *err) CHECKED;

/* Starts a worker for the job: sets pid, report_fd. A program that cannot be
 * executed shows as a child that ends with ENDING_NO_WORKER. */
int child_start(
    struct job *job, const struct child_setup *setup, struct err *err) CHECKED;

/* Starts the worker that sends commit statuses: no job, no descriptors. */
int child_start_reports(
    pid_t *pid, const struct child_setup *setup, struct err *err) CHECKED;

/* Starts the forker (forker.h), `in` its fd 0. It dies with the runner. */
int child_start_forker(pid_t *pid, const struct child_setup *setup, int in,
    struct err *err) CHECKED;

void child_stop(struct job *job, enum stop why, int64_t kill_at);
void child_kill(struct job *job);

/*
 * Takes one dead child: 1 with its pid and status, 0 where there is none.
 * What is left of its process group is killed before its number can be used
 * again.
 */
int child_reap(pid_t *pid, int *status);

/*
 * Kills every child of ours that is neither the worker of a job in `running`
 * nor one of the spared (0: none). Returns how many there were: they are gone
 * only when reaped.
 */
unsigned child_strays(const struct job *running, const pid_t spared[2]);

#endif
