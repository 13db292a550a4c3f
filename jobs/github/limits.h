/* SPDX-License-Identifier: MIT */
#ifndef GITHUB_LIMITS_H
#define GITHUB_LIMITS_H

#include <stdint.h>

#include "err.h"

struct secret;

/*
 * What is known of each token's rate limits, shared by all workers on this
 * host: one small file a token under cache/github/ in the data directory,
 * read and written under its lock. It is filled from reply headers, so no
 * call is ever made just to ask.
 *
 * It also paces writes: at least a second between two mutations of one
 * token, at most 80 in any minute and 500 in any hour (docs.github.com, "Best
 * practices for using the REST API" and "Rate limits for the REST API").
 *
 * Times are wall-clock seconds, as GitHub's headers have them, but for the
 * pace, which is nanoseconds. The files are a memory, not a promise: one that
 * is missing or damaged means "nothing is known".
 */

#define LIMITS_WRITES_MINUTE 80
#define LIMITS_WRITES_HOUR   500

enum limits_resource { LIMITS_CORE, LIMITS_GRAPHQL, LIMITS_RESOURCES };

struct limits_window {
	int64_t limit, remaining; /* -1: not known */
	int64_t reset;		  /* when remaining becomes limit again */
};

struct limits_state {
	struct limits_window window[LIMITS_RESOURCES];
	int64_t blocked_until; /* secondary limit, or Retry-After */
	int64_t invalid_until; /* the token was refused (401) */
};

struct limits; /* the directory */

int limits_open(
    struct limits **out, const char *data_directory, struct err *err) CHECKED;
void limits_close(struct limits *limits);

/* The name a token has in file names and logs: 16 hexadecimal digits that
 * do not tell the token. */
#define LIMITS_NAME 17
int limits_name(
    char out[LIMITS_NAME], const struct secret *token, struct err *err) CHECKED;

/* What is known; windows whose reset is past are given as not known. */
int limits_get(struct limits *limits, const char *name,
    struct limits_state *state, struct err *err) CHECKED;

/* Notes a window from a reply's headers. */
int limits_note(struct limits *limits, const char *name,
    enum limits_resource resource, const struct limits_window *window,
    struct err *err) CHECKED;

/* Nobody uses the token before `until`; `refused`: because of a 401. */
int limits_block(struct limits *limits, const char *name, int64_t until,
    int refused, struct err *err) CHECKED;

/*
 * Takes the next free moment for a mutation. *wait_ns is how long the caller
 * must wait before it sends. Where that is more than `most_ns`, nothing is
 * taken and the answer is ERR_TEMP; *wait_ns then says when to come back.
 * At most an hour: what was given for later than that is taken for a moment
 * from before the clock was set back.
 */
int limits_take_write(struct limits *limits, const char *name, int64_t most_ns,
    int64_t *wait_ns, struct err *err) CHECKED;

#endif
