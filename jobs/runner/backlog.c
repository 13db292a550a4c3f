/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "err.h"
#include "runner/backlog_parts.h"

#define ASIDE_FIRST (100 * CLOCK_MSEC)
#define ASIDE_MOST  (5 * CLOCK_SECOND)

uint64_t
backlog_hash(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return h;
}

static int
is_older(const struct waiting *a, const struct waiting *b)
{
	if (a->received != b->received)
		return a->received < b->received;
	return strcmp(a->id, b->id) < 0;
}

static int
first_is_older(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	return is_older(&x->first->w, &y->first->w);
}

static int
is_earlier(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	return x->at < y->at;
}

static size_t *
key_place(void *key)
{
	return &((struct key *)key)->place;
}

struct backlog *
backlog_new(void)
{
	struct backlog *b = backlog_zeroed(1, sizeof *b);

	b->id_buckets = b->key_buckets = 256;
	b->ids = backlog_zeroed(b->id_buckets, sizeof(*b->ids));
	b->keys = backlog_zeroed(b->key_buckets, sizeof(*b->keys));
	b->ready.before = first_is_older;
	b->later.before = is_earlier;
	b->ready.place = b->later.place = key_place;
	return b;
}

void
backlog_free(struct backlog *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->id_buckets; i++) {
		for (struct entry *e = b->ids[i], *next; e != NULL; e = next) {
			next = e->chain;
			free(e);
		}
	}
	for (size_t i = 0; i < b->key_buckets; i++) {
		for (struct key *k = b->keys[i], *next; k != NULL; k = next) {
			next = k->chain;
			free(k);
		}
	}
	free(b->ids);
	free(b->keys);
	heap_release(&b->ready);
	heap_release(&b->later);
	free(b);
}

/* ---- where a key stands ---- */

static void
set_aside(struct backlog *b, struct key *k, int64_t until)
{
	b->n_aside += (until != 0);
	b->n_aside -= (k->aside != 0);
	k->aside = until;
}

static void
set_parked(struct backlog *b, struct key *k, int parked)
{
	b->n_parked += (size_t)parked;
	b->n_parked -= (size_t)k->parked;
	k->parked = parked;
}

/* What changes about a key is a reason to ask again whether it may go on. */
static void
unplace(struct backlog *b, struct key *k)
{
	set_parked(b, k, 0);
	heap_take(k->in_later ? &b->later : &b->ready, k);
}

/* To be called after anything about the key or its first job changed, with
 * the key out of the heaps. */
static void
place(struct backlog *b, struct key *k)
{
	const struct waiting *first;

	if (k->busy || k->parked)
		return;
	if (k->first == NULL) {
		set_aside(b, k, 0);
		backlog_drop_key(b, k);
		return;
	}
	first = &k->first->w;
	k->at = first->in == WAITS_RETRY ? first->due : 0;
	if (k->aside > k->at)
		k->at = k->aside;
	k->in_later = k->at != 0;
	heap_add(k->in_later ? &b->later : &b->ready, k);
}

/* ---- lines ---- */

static void
line_up(struct key *k, struct entry *e)
{
	struct entry *prev = k->last;

	while (prev != NULL && is_older(&e->w, &prev->w))
		prev = prev->before;
	e->key = k;
	e->before = prev;
	e->after = prev == NULL ? k->first : prev->after;
	*(e->before == NULL ? &k->first : &e->before->after) = e;
	*(e->after == NULL ? &k->last : &e->after->before) = e;
}

static void
leave_line(struct entry *e)
{
	struct key *k = e->key;

	*(e->before == NULL ? &k->first : &e->before->after) = e->after;
	*(e->after == NULL ? &k->last : &e->after->before) = e->before;
}

/* The older of the two that `e` makes a pair with, or NULL. */
static struct entry *
find_moot(struct entry *e)
{
	if (e->w.kind == 0)
		return NULL;
	for (struct entry *o = e->before; o != NULL; o = o->before) {
		if (o->w.kind == e->w.kind)
			return o;
	}
	for (struct entry *n = e->after; n != NULL; n = n->after) {
		if (n->w.kind == e->w.kind)
			return e;
	}
	return NULL;
}

static void
forget(struct backlog *b, struct entry *e)
{
	struct entry **p = backlog_id_bucket(b, e->w.id);

	while (*p != e)
		p = &(*p)->chain;
	*p = e->chain;
	b->n_ids--;
	b->changes++;
	b->count[e->w.in]--;
	leave_line(e);
	free(e);
}

int
backlog_put(struct backlog *b, const struct waiting *w, char moot[JOB_ID_MAX])
{
	struct entry *e, *other, **bucket;
	struct key *k;

	backlog_remove(b, w->id);
	if (b->n_ids++ == b->id_buckets)
		backlog_grow_ids(b);
	e = backlog_zeroed(1, sizeof *e);
	e->w = *w;
	bucket = backlog_id_bucket(b, w->id);
	e->chain = *bucket;
	*bucket = e;
	b->count[w->in]++;
	b->changes++;
	k = backlog_get_key(b, w->key);
	unplace(b, k);
	line_up(k, e);
	place(b, k);
	other = find_moot(e);
	if (other == NULL)
		return 0;
	memcpy(moot, other->w.id, JOB_ID_MAX);
	return 1;
}

const struct waiting *
backlog_find(const struct backlog *b, const char *id)
{
	struct entry *e = backlog_find_entry(b, id);

	return e == NULL ? NULL : &e->w;
}

const struct waiting *
backlog_see(struct backlog *b, const char *id, unsigned scan)
{
	struct entry *e = backlog_find_entry(b, id);

	if (e == NULL)
		return NULL;
	e->w.seen = scan;
	return &e->w;
}

void
backlog_remove(struct backlog *b, const char *id)
{
	struct entry *e = backlog_find_entry(b, id);
	struct key *k;

	if (e == NULL)
		return;
	k = e->key;
	unplace(b, k);
	forget(b, e);
	place(b, k);
}

size_t
backlog_forget_unseen(struct backlog *b, enum waits in, unsigned scan)
{
	size_t removed = 0;

	for (size_t i = 0; i < b->id_buckets; i++) {
		for (struct entry *e = b->ids[i], *next; e != NULL; e = next) {
			next = e->chain;
			if (e->w.in != in || e->w.seen == scan)
				continue;
			backlog_remove(b, e->w.id);
			removed++;
		}
	}
	return removed;
}

/* ---- what is next ---- */

const struct waiting *
backlog_next(struct backlog *b, int64_t now)
{
	struct key *k;

	while ((k = heap_top(&b->later)) != NULL && k->at <= now) {
		heap_take(&b->later, k);
		set_aside(b, k, 0);
		k->in_later = 0;
		heap_add(&b->ready, k);
	}
	k = heap_top(&b->ready);
	return k == NULL ? NULL : &k->first->w;
}

int64_t
backlog_wake(const struct backlog *b)
{
	const struct key *k;

	if (heap_top(&b->ready) != NULL)
		return 0;
	k = heap_top(&b->later);
	return k == NULL ? INT64_MAX : k->at;
}

void
backlog_take(struct backlog *b, const char *id)
{
	struct entry *e = backlog_find_entry(b, id);
	struct key *k = e->key;

	unplace(b, k);
	forget(b, e);
	k->busy = 1;
	set_aside(b, k, 0);
	k->patience = 0;
}

void
backlog_release(struct backlog *b, uint64_t key)
{
	struct key *k = backlog_find_key(b, key);

	if (k == NULL || !k->busy)
		return;
	k->busy = 0;
	place(b, k);
}

void
backlog_aside(struct backlog *b, uint64_t key, int64_t now)
{
	struct key *k = backlog_find_key(b, key);

	if (k == NULL || k->busy)
		return;
	unplace(b, k);
	k->patience = k->patience == 0 ? ASIDE_FIRST : 2 * k->patience;
	if (k->patience > ASIDE_MOST)
		k->patience = ASIDE_MOST;
	set_aside(b, k, now + k->patience);
	place(b, k);
}

void
backlog_park(struct backlog *b, uint64_t key)
{
	struct key *k = backlog_find_key(b, key);

	if (k == NULL || k->busy)
		return;
	unplace(b, k);
	set_parked(b, k, 1);
}

void
backlog_unpark(struct backlog *b)
{
	for (size_t i = 0; b->n_parked > 0 && i < b->key_buckets; i++) {
		struct key *next;

		for (struct key *k = b->keys[i]; k != NULL; k = next) {
			next = k->chain;
			if (!k->parked)
				continue;
			set_parked(b, k, 0);
			place(b, k);
		}
	}
}

/* All keys that wait for a time are put up anew: those that were aside have
 * another time now, and the heap must not see it change in place. */
void
backlog_hurry(struct backlog *b)
{
	struct heap old = b->later;

	if (b->n_aside == 0)
		return;
	b->later.items = NULL;
	b->later.n = b->later.cap = 0;
	for (size_t i = 1; i <= old.n; i++) {
		struct key *k = old.items[i];

		k->place = 0;
		if (k->aside != 0)
			k->patience = 0;
		set_aside(b, k, 0);
		place(b, k);
	}
	heap_release(&old);
}

size_t
backlog_count(const struct backlog *b, enum waits in)
{
	return b->count[in];
}

unsigned long
backlog_changes(const struct backlog *b)
{
	return b->changes;
}
