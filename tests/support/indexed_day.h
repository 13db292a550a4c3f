/* SPDX-License-Identifier: MIT */
#ifndef INDEXED_DAY_H
#define INDEXED_DAY_H

#include <stdint.h>
#include <sys/types.h>

#include "spool_fixture.h"

/*
 * A day of records and its index, for tests that want to see that a search
 * with an index, whatever is in it, finds what it finds without one, in the
 * same order. Records are large here, so that some hundred of them are worth a
 * part.
 */

#define DAY   "webhooks_2026-01-02.json"
#define INDEX "webhooks_2026-01-02.idx"
#define PAD   20000
#define MANY  400 /* some 8 MB */

struct buf;

/* The n-th record. Every third is indented; each second tells its number by
 * its job ID only. UUIDs share their first group with many. */
void day_put_record(struct buf *b, unsigned n);

/* Writes those from `from` to `to`; flags for open(2). */
void day_write(const struct fixture *f, int flags, unsigned from, unsigned to);

/* One pass of the indexer. */
void day_index(const struct fixture *f);

/* MANY records, covered in two parts. */
void day_in_two_parts(const struct fixture *f);

/* How much of the day its index covers, and in how many parts. */
int64_t day_covered(const struct fixture *f, size_t *parts);

/* Of a file in log/; -1: it is not there. */
off_t day_size(const struct fixture *f, const char *name);

/* ---- searches ---- */

enum {
	DAY_DELIVERY,	/* of the record 17 */
	DAY_NUMBER,	/* 7 */
	DAY_REPOSITORY, /* R7 */
};

struct day_found {
	const char *uuid; /* of a hint: others are weeded out, as callers do */
	unsigned count;
	uint64_t order; /* a sum of the texts in their order */
};

/* The i-th search, here or there from the end. */
void day_search(
    const struct fixture *f, size_t i, int back, struct day_found *found);
const struct record_filter *day_filter(size_t i);

/* All searches with the index as it is and without, in both directions. */
void day_finds_the_same(const struct fixture *f, const char *why);

#endif
