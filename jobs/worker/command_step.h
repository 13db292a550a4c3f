/* SPDX-License-Identifier: MIT */
#ifndef COMMAND_STEP_H
#define COMMAND_STEP_H

#include <stdint.h>

#include <stddef.h>

#include "err.h"

struct buf;
struct command_result;
struct step;

/*
 * What a step says of a command that ran, the same for hooks and for the
 * issue job: program, sandbox level, how it ended, how long it took, the end
 * of its output.
 */
void command_step(struct step *step, const char *program,
    const struct command_result *result);

/* 0 where it succeeded; -1 with ERR_PERM and what went wrong, ERR_TEMP where
 * we were told to stop. `timeout` in ns, for the text. */
int command_judge(const struct command_result *result, int64_t timeout,
    struct err *err) CHECKED;

/* The last whole lines of at most `max` bytes. */
const char *command_excerpt(const struct buf *tail, size_t max);

#endif
