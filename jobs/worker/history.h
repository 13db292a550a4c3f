/* SPDX-License-Identifier: MIT */
#ifndef HISTORY_H
#define HISTORY_H

#include <stddef.h>

#include "err.h"
#include "hook.h"

struct spool;

/*
 * What earlier attempts of a job did with its hooks, read from the job's
 * step log: a step_completed of "hook:NAME" (or of the issue job's
 * "agent_command"), or a step_failed that says "final". A failure that says
 * "retries_left" was the command's and used up a try; one that says neither was
 * the machine's. When a job was settled and an operator has it tried again,
 * hooks that had failed for good get another chance; completed ones do not need
 * it.
 */

#define HISTORY_NAME_MAX (HOOK_NAME_MAX + 8)

enum past { PAST_NONE, PAST_COMPLETED, PAST_FAILED };

struct history_row {
	char name[HISTORY_NAME_MAX]; /* of the step */
	enum past past;
	unsigned tries; /* that failed by the command's own fault */
};

struct history {
	struct history_row *rows;
	size_t count;
};

int history_read(struct history *out, struct spool *s, const char *job_id,
    struct err *err) CHECKED;

/* The step's row, or NULL where nothing is known. */
const struct history_row *history_of(const struct history *h, const char *step);
void history_release(struct history *h);

#endif
