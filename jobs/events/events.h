/* SPDX-License-Identifier: MIT */
#ifndef EVENTS_H
#define EVENTS_H

#include <stddef.h>

#include "err.h"

struct job;
struct job_head;

/*
 * What this product does by itself for an event, before the command hooks of
 * the configuration run: one row of the table in table.c, one file NAME.c
 * here, one test, one line in docs/events.md. A test counts them.
 *
 * A handler gets the job with its payload read; see worker/job.h for what it
 * may use and what its answer means.
 */

struct event_row {
	const char *event;
	const char *const *actions; /* NULL-terminated; NULL: every one */
	int (*handle)(struct job *job, struct err *err);
	unsigned needs;
};

#define NEEDS_REPOSITORY 1u /* the payload names one */
#define NEEDS_NUMBER	 2u /* of an issue or pull request */

/* The row whose conditions the event meets, or NULL. */
const struct event_row *event_row_find(const struct job_head *head);

/* Row i, NULL behind the last. */
const struct event_row *event_row_at(size_t i);

/* The handlers, one file each. */
int handle_issues(struct job *job, struct err *err);
int handle_ping(struct job *job, struct err *err);

#endif
