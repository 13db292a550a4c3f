/* SPDX-License-Identifier: MIT */
#ifndef GIT_GIT_H
#define GIT_GIT_H

#include <stdint.h>

#include "err.h"

/*
 * What every use of libgit2 here shares: start-up, errors, and a clock over
 * work that has none of its own.
 *
 * git_start() before anything else of jobs/git, any number of times. It
 * takes away what a user's or the system's git configuration could add
 * (filters, helpers, URL rewriting) and keeps owner validation on.
 *
 * libgit2 1.5 knows no time-out, so whatever speaks to a remote runs in a
 * child process: git_in_child() calls work(arg) there, and kills it when
 * `timeout` (ns) is over. The child hands back what work() returned and its
 * error; nothing else survives, so work() must leave its results on disk.
 * A child that died is ERR_TEMP.
 */

/* `ca_file` may be NULL: the system's certificates. */
int git_start(const char *ca_file, struct err *err) CHECKED;

/*
 * Loads libgit2 without starting it, for a process whose children will. It
 * must not be started there: they would share its random generator's state.
 */
int git_load(struct err *err) CHECKED;

/* Fills *err from libgit2's last error for a call that returned `code`;
 * returns -1. What cannot be reached is ERR_TEMP, the rest ERR_PERM. */
int git_failed(struct err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A descriptor that becomes readable when the work is to stop: ERR_TEMP then.
 * -1, and before the first call: none. */
void git_cancel_on(int fd);

int git_in_child(int (*work)(void *arg, struct err *err), void *arg,
    int64_t timeout, const char *what, struct err *err) CHECKED;

#endif
