/* SPDX-License-Identifier: MIT */
/*
 * The spool as a queue: claiming in order of arrival, one job a key.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fsio.h"
#include "queue.h"
#include "spool.h"

struct spool_queue {
	struct queue base;
	struct spool *spool;
};

/* A name in new/ with its place in the order; small, for there may be
 * 100,000. */
struct waiting {
	struct spool_name name;
	int64_t received;
	uint64_t key; /* a hash; 0: none */
};

struct line {
	struct spool *spool;
	struct waiting *items;
	size_t count, cap;
	struct err *err;
};

static struct spool *
spool_of(struct queue *q)
{
	return ((struct spool_queue *)q)->spool;
}

void
claim_drop(struct claim *claim)
{
	fs_close(&claim->fd);
	fs_close(&claim->key_fd);
}

static int
enqueue(struct queue *q, struct draft *draft, struct job_head *head,
    enum accepted *how, struct err *err)
{
	(void)q; /* the draft knows its spool */
	return draft_commit(draft, head, how, err);
}

/* ---- claim ---- */

/* FNV-1a. Two keys with one hash would only wait for each other. */
static uint64_t
hash_key(const char *key)
{
	uint64_t h = UINT64_C(14695981039346656037);

	if (*key == '\0')
		return 0;
	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * UINT64_C(1099511628211);
	return h | 1;
}

static int
add_waiting(void *arg, const struct spool_name *name)
{
	struct line *l = arg;
	struct job_head head;
	struct err unreadable;

	if (l->count == l->cap) {
		size_t cap = l->cap > 0 ? 2 * l->cap : 64;
		void *p = reallocarray(l->items, cap, sizeof *l->items);

		if (p == NULL)
			return err_set(
			    l->err, ERR_TEMP, 0, "queue: out of memory");
		l->items = p;
		l->cap = cap;
	}
	/* Unreadable ones are the runner's to quarantine. */
	if (spool_read_head(l->spool, SPOOL_NEW, name, &head, &unreadable) == 0)
		l->items[l->count++] = (struct waiting){ .name = *name,
			.received = head.received,
			.key = hash_key(head.key) };
	return 0;
}

static int
by_arrival(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;

	if (x->received != y->received)
		return x->received < y->received ? -1 : 1;
	return strcmp(x->name.id, y->name.id);
}

/* 0 claimed; 1 its key or itself is somebody else's; -1. */
static int
try_claim(struct spool *s, const struct waiting *w, struct claim *out,
    struct err *err)
{
	struct claim c = { .attempt = w->name.attempt, .fd = -1, .key_fd = -1 };
	int rc = 0;

	/* Quarantined or claimed since its name was read. */
	if (spool_read_head(s, SPOOL_NEW, &w->name, &c.head, err) == -1)
		return err->class == ERR_TEMP ? -1 : 1;
	if (c.head.key[0] != '\0')
		rc = spool_lock_key(s, c.head.key, &c.key_fd, err);
	if (rc == 0)
		rc = spool_claim(s, &w->name, &c.fd, err);
	if (rc != 0) {
		claim_drop(&c);
		return rc;
	}
	*out = c;
	return 0;
}

/* The keys tried so far, in a table that is never more than half full. */
struct tried {
	uint64_t *keys;
	size_t mask;
};

static int
tried_init(struct tried *t, size_t count, struct err *err)
{
	size_t size = 16;

	while (size < 2 * count)
		size *= 2;
	t->keys = calloc(size, sizeof *t->keys);
	t->mask = size - 1;
	if (t->keys == NULL)
		return err_set(err, ERR_TEMP, 0, "queue: out of memory");
	return 0;
}

/* A key is tried once: a later job of it must not overtake an earlier one
 * that somebody claims at this moment. 1 if it was tried before. */
static int
tried_add(struct tried *t, uint64_t key)
{
	size_t i = key & t->mask;

	if (key == 0)
		return 0;
	while (t->keys[i] != 0 && t->keys[i] != key)
		i = (i + 1) & t->mask;
	if (t->keys[i] == key)
		return 1;
	t->keys[i] = key;
	return 0;
}

static int
claim(struct queue *q, struct claim *out, struct err *err)
{
	struct line l = { .spool = spool_of(q), .err = err };
	struct tried tried = { 0 };
	int rc = -1;

	if (spool_each(l.spool, SPOOL_NEW, add_waiting, &l, err) == -1 ||
	    tried_init(&tried, l.count, err) == -1)
		goto out;
	if (l.count > 1)
		qsort(l.items, l.count, sizeof *l.items, by_arrival);
	rc = 1;
	for (size_t i = 0; rc == 1 && i < l.count; i++) {
		if (!tried_add(&tried, l.items[i].key))
			rc = try_claim(l.spool, &l.items[i], out, err);
	}
out:
	free(tried.keys);
	free(l.items);
	return rc;
}

static int
beat(struct queue *q, struct claim *claimed, struct err *err)
{
	(void)q;
	(void)claimed;
	(void)err;
	return 0; /* the kernel keeps the lock for as long as we live */
}

/* ---- the three ends ---- */

static struct spool_name
name_of(const struct claim *claimed)
{
	struct spool_name name = { .attempt = claimed->attempt };

	memcpy(name.id, claimed->head.id, sizeof name.id);
	return name;
}

/* The slot goes last, when the settled name is durable. */
static int
settle(struct queue *q, struct claim *claimed, unsigned state, struct err *err)
{
	struct spool *s = spool_of(q);
	struct spool_name name = name_of(claimed);
	int rc = spool_move(s, SPOOL_RUN, &name, state, &name, err);

	if (rc == 1)
		rc = err_set(err, ERR_TEMP, ENOENT,
		    "%s: is not in run/ any more", name.id);
	if (rc == 0 && (spool_sync(s, state, err) == -1 ||
			   spool_sync(s, SPOOL_SEEN, err) == -1 ||
			   spool_drop_slot(s, claimed->head.slot, err) == -1))
		rc = -1;
	if (rc == 0)
		claim_drop(claimed);
	return rc;
}

static int
ack(struct queue *q, struct claim *claimed, struct err *err)
{
	return settle(q, claimed, SPOOL_DONE, err);
}

static int
dead(struct queue *q, struct claim *claimed, struct err *err)
{
	if (spool_forget(spool_of(q), &claimed->head, err) == -1)
		return -1;
	return settle(q, claimed, SPOOL_DEAD, err);
}

static int
retry(
    struct queue *q, struct claim *claimed, int64_t not_before, struct err *err)
{
	struct spool_name name = name_of(claimed);
	int rc = spool_retry(spool_of(q), &name, not_before, err);

	if (rc == 1)
		return err_set(err, ERR_TEMP, ENOENT,
		    "%s: is not in run/ any more", name.id);
	if (rc == 0)
		claim_drop(claimed);
	return rc;
}

/* ---- stat ---- */

static int
count_name(void *arg, const struct spool_name *name)
{
	uint64_t *n = arg;

	(void)name;
	++*n;
	return 0;
}

static int
count_jobs(struct queue *q, struct queue_counts *out, struct err *err)
{
	struct queue_counts c = { 0 };
	const struct {
		unsigned state;
		uint64_t *n;
	} counts[] = {
		{ SPOOL_NEW, &c.ready },
		{ SPOOL_RUN, &c.running },
		{ SPOOL_RETRY, &c.waiting },
		{ SPOOL_HOLD, &c.held },
		{ SPOOL_DONE, &c.done },
		{ SPOOL_DEAD, &c.dead },
		{ SPOOL_BAD, &c.bad },
	};

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		if (spool_each(spool_of(q), counts[i].state, count_name,
			counts[i].n, err) == -1)
			return -1;
	}
	*out = c;
	return 0;
}

static const struct queue_calls calls = {
	.enqueue = enqueue,
	.claim = claim,
	.beat = beat,
	.ack = ack,
	.retry = retry,
	.dead = dead,
	.stat = count_jobs,
};

int
queue_spool_new(struct queue **out, struct spool *s, struct err *err)
{
	struct spool_queue *q = calloc(1, sizeof *q);

	if (q == NULL)
		return err_set(err, ERR_TEMP, 0, "queue: out of memory");
	*q = (struct spool_queue){ .base.calls = &calls, .spool = s };
	*out = (struct queue *)q;
	return 0;
}

void
queue_spool_free(struct queue *q)
{
	free(q);
}
