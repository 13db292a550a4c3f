/* SPDX-License-Identifier: MIT */
#ifndef AGENT_COMMENT_H
#define AGENT_COMMENT_H

#include "err.h"

struct buf;
struct work;

/*
 * Comments on the issue. A job says at most one thing, and it appears once:
 * the comment ends with a hidden line that names the job, which is looked for
 * before anything is written, also after a write whose answer was lost. If
 * the job has something else to say by now, its comment is changed.
 */
int comment_put(struct work *w, struct err *err) CHECKED;

/* The hidden line of this job, added to `out`. */
void comment_mark(struct buf *out, const struct work *w);

/*
 * The comments as a JSON array of {author, created_at, body}, oldest
 * first, without those of jobs; at most 1000.
 */
int comments_read(struct buf *out, struct work *w, struct err *err) CHECKED;

#endif
