/* SPDX-License-Identifier: MIT */
#ifndef BACKLOG_PARTS_H
#define BACKLOG_PARTS_H

#include "runner/backlog.h"
#include "runner/heap.h"

/* What the backlog is made of; for the backlog*.c files only. */

/*
 * A key stands in exactly one place: in `ready` if its first job may be
 * claimed now, in `later` if at a known time, in none while it is busy or
 * parked. A key without jobs that is not busy is removed.
 */
struct key {
	struct key *chain; /* of its hash bucket */
	uint64_t hash;
	struct entry *first, *last;
	int64_t at;	  /* clock_boot(); 0: now */
	int64_t aside;	  /* until then somebody else has it; 0: not aside */
	int64_t patience; /* how long it was put aside last */
	size_t place;
	int busy, parked, in_later;
};

struct entry {
	struct waiting w;
	struct entry *chain; /* of its hash bucket */
	struct entry *before, *after;
	struct key *key;
};

struct backlog {
	struct entry **ids;
	struct key **keys;
	size_t n_ids, n_keys, id_buckets, key_buckets; /* powers of two */
	size_t count[2];			       /* by enum waits */
	size_t n_aside, n_parked;
	unsigned long changes;
	struct heap ready, later;
};

/* ---- backlog_tables.c: jobs by ID, keys by hash ---- */

/* Fatal where there is no memory. */
void *backlog_zeroed(size_t n, size_t size);

struct entry **backlog_id_bucket(const struct backlog *b, const char *id);
void backlog_grow_ids(struct backlog *b);
struct entry *backlog_find_entry(const struct backlog *b, const char *id);

struct key *backlog_find_key(const struct backlog *b, uint64_t hash);
/* Makes it where it is not there. */
struct key *backlog_get_key(struct backlog *b, uint64_t hash);
void backlog_drop_key(struct backlog *b, struct key *k);

#endif
