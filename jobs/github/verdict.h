/* SPDX-License-Identifier: MIT */
#ifndef GITHUB_VERDICT_H
#define GITHUB_VERDICT_H

#include <stdint.h>

#include "github/http.h"

/*
 * What a reply asks for. A pure function of the reply and the time, so that
 * a table of replies can test it.
 *
 * Rules from docs.github.com, "Best practices for using the REST API": on
 * 403 or 429 obey Retry-After; else, with no calls remaining, wait for the
 * reset; else wait at least a minute. A 403 without any sign of a limit is a
 * refusal and is never repeated.
 */

enum verdict {
	VERDICT_FINAL,	  /* hand it to the caller */
	VERDICT_AGAIN,	  /* passing trouble: back off, send again */
	VERDICT_LIMITED,  /* this token rests until verdict_until() */
	VERDICT_REFUSED,  /* 401: this token is no good */
	VERDICT_REDIRECT, /* to reply->location */
	VERDICT_CACHED,	  /* 304 */
};

#define VERDICT_REST 60 /* seconds, where a limit is told without a time */

enum verdict verdict_of(const struct http_reply *reply);

/* The same for GraphQL, which can tell of a limit with status 200. */
enum verdict verdict_of_graphql(const struct http_reply *reply);

/* For VERDICT_LIMITED: the epoch second from which on to try again. */
int64_t verdict_until(const struct http_reply *reply, int64_t now);

/* Seconds of wait before try n (1, 2, 3): 1, 2, 4; 0 behind the last. */
#define VERDICT_TRIES 4
unsigned verdict_backoff(unsigned tries_so_far);

#endif
