/* SPDX-License-Identifier: MIT */
#ifndef STATS_H
#define STATS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "outbox.h"
#include "spool.h"

/*
 * Counting a spool: jobs by state and age, today's records, disk space.
 *
 * Calling sequence: stats_collect() fills a zeroed struct, stats_release().
 * Costs one stat(2) a job, settled ones included, and one reading of the
 * day's records; nothing is locked, so that figures of a busy spool are of
 * slightly different moments.
 */

#define STATS_OUTCOMES 12 /* different states of records; the rest: "other" */

struct stats_state {
	uint64_t jobs, bytes;
	int64_t oldest; /* wall; 0: none */
};

struct stats_outcome {
	char name[24];
	uint64_t count;
};

struct stats {
	struct stats_state states[SPOOL_STATES];
	uint64_t reports[RESULTS]; /* commit statuses by what became of them */
	uint64_t seen;		   /* entries of the ledger of deliveries */
	uint64_t log_bytes;	   /* of log/ and log/jobs/ */
	uint64_t free_bytes, free_inodes;
	uint64_t records; /* settled today, UTC */
	struct stats_outcome outcomes[STATS_OUTCOMES];
	size_t noutcomes;
	int64_t *durations; /* ms, sorted */
	size_t ndurations, room;
};

int stats_collect(
    struct stats *st, struct spool *s, int64_t now, struct err *err) CHECKED;
void stats_release(struct stats *st);

/* One state alone: what `doctor` needs. */
int stats_state(struct stats_state *out, struct spool *s, unsigned state,
    struct err *err) CHECKED;

/* The duration that `percent` of all do not exceed (nearest rank), ms. */
int64_t stats_percentile(const struct stats *st, unsigned percent);

/* Files in a directory of the spool that begin with `prefix`: their number
 * and, if asked for, their bytes. */
int stats_files(struct spool *s, unsigned dir, const char *prefix,
    uint64_t *count, uint64_t *bytes, struct err *err) CHECKED;

#endif
