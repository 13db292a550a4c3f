/* SPDX-License-Identifier: MIT */
#ifndef CHILD_ENTER_H
#define CHILD_ENTER_H

#include <sys/types.h>

/*
 * In the new process: from a fork to a worker, whether the program is then
 * executed (child.c) or goes on from where it was forked (worker/serve.c).
 * What a worker is given and how it ends stands in child.h.
 *
 * Async-signal-safe calls only. What fails ends the process; the runner then
 * sees ENDING_NO_WORKER and, where the pipe is there already, the reason.
 */

#define CHILD_KEY_FD	3
#define CHILD_REPORT_FD 4
#define CHILD_CONFIG_FD 5

/* What a worker is given, by the numbers of the process that gives it. */
struct child_fds {
	int file;		/* the job's, locked */
	int key;		/* the key's lock, or -1 */
	int report;		/* the pipe's end for writing */
	int config;		/* a copy of the last good one */
	int kept_from, kept_to; /* numbers that stay open, too; 0: none */
};

/* Arranges the descriptors, leaves the runner's session, and makes sure of
 * an end when `runner`, which must be our parent, ends. Does not return where
 * that fails. */
void child_enter(const struct child_fds *fds, pid_t runner);
void child_reset_signals(void);

/* Tells why this did not become a worker, from errno, and ends. */
_Noreturn void child_give_in(const char *what);

#endif
