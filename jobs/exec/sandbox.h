/* SPDX-License-Identifier: MIT */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stddef.h>

#include "err.h"

struct command;

/*
 * The walls around a command, in three strengths:
 *
 *   none    no core dumps. The command may do what this user may.
 *   limits  resource limits, no new privileges, and, where the kernel has
 *           Landlock, writing only below the scratch directory, the working
 *           directory and the paths that are named. Reading is free.
 *   strict  bubblewrap: namespaces of its own, a file system that holds the
 *           system's programs, a few files of /etc, the scratch directory,
 *           the working directory and the paths that are named; no network
 *           unless asked for; nothing of the spool, the configuration, other
 *           people's homes. What limits does is done as well.
 *
 * A level is never quietly lowered: strict without bubblewrap, or where the
 * kernel allows no user namespaces, fails.
 */

enum sandbox_level { LEVEL_NONE, LEVEL_LIMITS, LEVEL_STRICT };

#define BWRAP_PATH "/usr/bin/bwrap"

const char *sandbox_name(enum sandbox_level level);

/* Version of Landlock's interface that the kernel has, 0 without. */
int sandbox_landlock(void);

/*
 * The command's argv behind bubblewrap's own, to be freed with free().
 * `status_fd` is where bubblewrap tells whether the command was started.
 */
int sandbox_argv(char ***out, const struct command *c, const char *scratch,
    int status_fd, struct err *err) CHECKED;

/* In the child, before execve(2): 0, or -1 with errno. */
int sandbox_enter(const struct command *c, int landlock) CHECKED;

#endif
