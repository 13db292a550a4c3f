/* SPDX-License-Identifier: MIT */
/*
 * The backlog's two hash tables, chained, with as many buckets as there are
 * elements at least.
 */
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "runner/backlog_parts.h"

void *
backlog_zeroed(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		fatal("out of memory");
	return p;
}

struct entry **
backlog_id_bucket(const struct backlog *b, const char *id)
{
	return &b->ids[backlog_hash(id) & (b->id_buckets - 1)];
}

void
backlog_grow_ids(struct backlog *b)
{
	struct entry **old = b->ids;
	size_t n = b->id_buckets;

	b->id_buckets = 2 * n;
	b->ids = backlog_zeroed(b->id_buckets, sizeof(*b->ids));
	for (size_t i = 0; i < n; i++) {
		for (struct entry *e = old[i], *next; e != NULL; e = next) {
			struct entry **bucket = backlog_id_bucket(b, e->w.id);

			next = e->chain;
			e->chain = *bucket;
			*bucket = e;
		}
	}
	free(old);
}

static void
grow_keys(struct backlog *b)
{
	struct key **old = b->keys;
	size_t n = b->key_buckets;

	b->key_buckets = 2 * n;
	b->keys = backlog_zeroed(b->key_buckets, sizeof(*b->keys));
	for (size_t i = 0; i < n; i++) {
		for (struct key *k = old[i], *next; k != NULL; k = next) {
			size_t at = k->hash & (b->key_buckets - 1);

			next = k->chain;
			k->chain = b->keys[at];
			b->keys[at] = k;
		}
	}
	free(old);
}

struct entry *
backlog_find_entry(const struct backlog *b, const char *id)
{
	struct entry *e = *backlog_id_bucket(b, id);

	while (e != NULL && strcmp(e->w.id, id) != 0)
		e = e->chain;
	return e;
}

struct key *
backlog_find_key(const struct backlog *b, uint64_t hash)
{
	struct key *k = b->keys[hash & (b->key_buckets - 1)];

	while (k != NULL && k->hash != hash)
		k = k->chain;
	return k;
}

struct key *
backlog_get_key(struct backlog *b, uint64_t hash)
{
	struct key *k = backlog_find_key(b, hash), **bucket;

	if (k != NULL)
		return k;
	if (b->n_keys++ == b->key_buckets)
		grow_keys(b);
	bucket = &b->keys[hash & (b->key_buckets - 1)];
	k = backlog_zeroed(1, sizeof *k);
	k->hash = hash;
	k->chain = *bucket;
	*bucket = k;
	return k;
}

void
backlog_drop_key(struct backlog *b, struct key *k)
{
	struct key **p = &b->keys[k->hash & (b->key_buckets - 1)];

	while (*p != k)
		p = &(*p)->chain;
	*p = k->chain;
	b->n_keys--;
	free(k);
}
