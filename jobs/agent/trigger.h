/* SPDX-License-Identifier: MIT */
#ifndef AGENT_TRIGGER_H
#define AGENT_TRIGGER_H

#include <stddef.h>

struct agent_options;
struct job_head;
struct json;

/*
 * Does this `issues` event start the issue job? A pure question over the
 * options and the payload; the answer's reasons are one table, and
 * docs/workspaces.md has a line for each (a test compares).
 */

/* NULL: it starts. Else the reason why the event is ignored. */
const char *trigger_ignored(const struct agent_options *options,
    const struct job_head *head, const struct json *payload);

/* Reason i of the table, NULL behind the last. */
const char *trigger_reason_at(size_t i);

/* The event would start the job, but one for its issue was active when it
 * came (active.h). */
#define TRIGGER_ACTIVE "already_active"

#endif
