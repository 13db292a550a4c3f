/* SPDX-License-Identifier: MIT */
#ifndef COMMAND_STEP_H
#define COMMAND_STEP_H

#include <stdint.h>

#include <stddef.h>

#include "err.h"

struct buf;
struct command_result;
struct step;

/* What it was given, for the text. */
struct command_limits {
	int64_t timeout;   /* ns */
	uint64_t disk_max; /* bytes, workspace.job-bytes; 0: none */
};

/*
 * What a step says of a command that ran, the same for hooks and for the
 * issue job: program, sandbox level, how it ended, how long it took, the end
 * of its output.
 */
void command_step(struct step *step, const char *program,
    const struct command_result *result);

/* 0 where it succeeded; -1 with ERR_PERM and what went wrong, ERR_TEMP where
 * we were told to stop. */
int command_judge(const struct command_result *result,
    const struct command_limits *limits, struct err *err) CHECKED;

/* The last whole lines of at most `max` bytes. */
const char *command_excerpt(const struct buf *tail, size_t max);

#endif
