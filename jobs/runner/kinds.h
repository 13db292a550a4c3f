/* SPDX-License-Identifier: MIT */
#ifndef KINDS_H
#define KINDS_H

#include <stddef.h>
#include <stdint.h>

/*
 * What the configuration says of single kinds of jobs, by the event's name
 * (its key `kinds`): how many of one may run at once in this runner, and how
 * long one may take. A kind it does not name has no limit of its own.
 *
 * kinds_read() replaces what was read before; kinds_release() the end of it.
 * Memory that runs out is fatal. Kinds are told apart by backlog_hash().
 */

struct config;

struct kind {
	uint64_t event;	  /* backlog_hash() of its name */
	unsigned most;	  /* at once; 0: no limit */
	int64_t time_out; /* ns; 0: job-timeout */
};

struct kinds {
	struct kind *items;
	size_t n;
};

void kinds_read(struct kinds *k, const struct config *config);
void kinds_release(struct kinds *k);

/* Of an event without limits all members are 0. */
struct kind kinds_of(const struct kinds *k, uint64_t event);

#endif
