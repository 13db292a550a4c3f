/* SPDX-License-Identifier: MIT */
#ifndef TREE_H
#define TREE_H

#include <stdint.h>
#include <sys/types.h>

/*
 * All descendants of this process, found and ended.
 *
 * A process group or session is not enough: a command can leave both. This
 * process must be a child subreaper (prctl(2)), so that whoever loses its
 * parent becomes our child and stays findable. /proc is read for the rest,
 * only while there are children at all.
 *
 * `init` is a sandbox's first process (its child is the first inside): both
 * are passed over by tree_signal(), because they die of a TERM at once and
 * take the sandbox with them before the command inside could tidy up. 0
 * where there is none.
 */

/* Collects ended children; 1 while any child lives, also as a zombie whose
 * turn has not come. The status of `leader` goes to *status if it was one. */
int tree_reap(pid_t leader, int *status, int *leader_ended);

/* Sends `sig` to every descendant; returns how many live. */
unsigned tree_signal(int sig, pid_t init);

/*
 * Kills and reaps all, again and again, for new ones may have been forked
 * meanwhile. 0, or how many are left at `deadline` (clock_boot()): those that
 * run as another user, and what forks faster than it can be found. Only a
 * sandbox with process numbers of its own is proof against the latter.
 */
unsigned tree_kill(
    pid_t leader, int *status, int *leader_ended, int64_t deadline);

#endif
