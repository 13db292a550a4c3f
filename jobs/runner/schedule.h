/* SPDX-License-Identifier: MIT */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <stdint.h>

#include "err.h"

/*
 * When a job that asked to be tried again is tried again: a list of delays,
 * the last of which repeats, each with 20 % of jitter to either side so that
 * jobs that failed together do not come back together.
 *
 * How long a job has been tried is the smaller of two answers: what the wall
 * clock says since it was received, and the sum of the delays it was given.
 * The first alone would kill every waiting job when the clock jumps or the
 * machine was off over the weekend; the second alone knows nothing of a
 * clock that can be trusted.
 *
 * Attempts are counted from 1 here: after the first failed attempt comes the
 * first delay. All times in nanoseconds.
 */

#define SCHEDULE_MAX 32

struct schedule {
	int64_t delays[SCHEDULE_MAX];
	unsigned n; /* at least 1 */
};

/* 10 s, 30 s, 2 min, 10 min, 30 min, 1 h. */
extern const struct schedule schedule_default;

/* "10s,30s,2m,10m,30m,1h": ERR_CONF where it is anything else. */
int schedule_parse(
    struct schedule *out, const char *text, struct err *err) CHECKED;

/* The delay after `attempts` attempts; `random` is any number. */
int64_t schedule_delay(
    const struct schedule *s, unsigned attempts, uint32_t random);

/* A delay from elsewhere (a file's mtime, a worker's wish) made one that
 * this schedule could have had, or at most an hour. */
int64_t schedule_clamp(const struct schedule *s, int64_t delay);

/* 1 if a job that was received this long ago has been tried for long enough.*/
int schedule_spent(const struct schedule *s, unsigned attempts,
    int64_t since_received, int64_t retry_for);

#endif
