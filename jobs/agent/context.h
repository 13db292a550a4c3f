/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CONTEXT_H
#define AGENT_CONTEXT_H

#include "err.h"

struct buf;
struct work;

/*
 * The job's context for the command, as one JSON object: docs/workspaces.md
 * lists its members. `comments` is a JSON array, or "" where they were not
 * asked for.
 */
int context_write(struct buf *out, const struct work *w, const char *comments,
    struct err *err) CHECKED;

#endif
