/* SPDX-License-Identifier: MIT */
#ifndef ORDER_H
#define ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "runner/backlog.h"

struct spool;
struct spool_name;

/*
 * The order of what waits in new/, for who wants to see the first of a
 * hundred thousand jobs: neither names nor directories tell it, and to ask
 * each file for its time takes a quarter of a second. The runner knows.
 *
 * Where many wait it keeps lock/waiting, a text: how many there are in new/,
 * then the names of the oldest, oldest first. The file is replaced at most
 * once a second, and takes a hundredth of the runner's time at most. It is
 * never flushed, and is nothing to rely on: who reads it looks for each name
 * in new/, and reads that directory where the file is missing, no runner
 * lives, or too few are left of what it names. It may be a moment late: so
 * long a job that comes back with an old time is not in it.
 *
 * Calling sequence: a zeroed struct; order_begin(), order_round() in each
 * round of the runner's loop; order_wake() says when the next is due.
 */

#define ORDER_MIN  10000 /* fewer jobs are sooner read than written */
#define ORDER_MOST 2000	 /* names */

struct order {
	int64_t next;	       /* clock_boot(), when it may be written again */
	unsigned long changes; /* of the backlog, when it was written */
	int written;
};

/* Removes what another runner, or an earlier one, left there. */
void order_begin(struct order *o, struct spool *s);

void order_round(
    struct order *o, struct spool *s, const struct backlog *b, int64_t now);

/* clock_boot(); INT64_MAX: not before something changes. */
int64_t order_wake(const struct order *o, const struct backlog *b);

/* Calls visit() for the names until it says other than 0; *total becomes how
 * many jobs waited in all: 1; or 0 where there is nothing that can be used, or
 * only the part that was visited. */
int order_each(struct spool *s,
    int (*visit)(void *arg, const struct spool_name *name), void *arg,
    uint64_t *total);

#endif
