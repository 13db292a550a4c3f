/* SPDX-License-Identifier: MIT */
#ifndef AGENT_ENVIRONMENT_H
#define AGENT_ENVIRONMENT_H

#include "err.h"

struct work;

/*
 * What the programs of an issue job find in their environment besides what
 * every command gets (exec/command.h): HOOKSPOOL_* about the job, git's
 * author and committer, then `environment`, then the lines of
 * `environment-file`, whose values are kept out of logs from then on.
 *
 * NULL-terminated; free with hook_argv_free().
 */
int environment_make(
    char ***out, const struct work *w, struct err *err) CHECKED;

#endif
