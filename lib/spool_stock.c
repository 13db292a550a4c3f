/* SPDX-License-Identifier: MIT */
/*
 * The stock: slots made, zero-filled and flushed off the request's path, so
 * that accepting is one write in place and one flush. What is ready is known
 * to this process alone (a stack of numbers); on disk a ready slot is a file
 * of zeros, which recovery removes once its owner is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fsio.h"
#include "spool_inside.h"

/* Two sizes: most payloads are pushes (8 kB) and pull requests (22 kB). */
const size_t slot_sizes[SLOT_CLASSES] = { 16384, 32768 };

#define BATCH 64 /* slots made between two flushes */

/*
 * One flush for a batch: with several files syncfs() is one wait for the
 * disk instead of one a file; for a few it would make us wait for everybody
 * else's data.
 */
#define SYNCFS_FROM 16

struct batch {
	char names[BATCH][SLOT_NAME_MAX];
	uint32_t seq[BATCH];
	int fds[BATCH];
	unsigned count;
};

static int
flush_batch(struct spool *s, struct batch *b, struct err *err)
{
	if (b->count >= SYNCFS_FROM) {
		if (syncfs(s->dirs[SPOOL_TMP]) == 0)
			return 0;
		return err_sys(err, "syncfs");
	}
	for (unsigned i = 0; i < b->count; i++) {
		if (fs_sync(b->fds[i], b->names[i], err) == -1)
			return -1;
	}
	return fs_sync(s->dirs[SPOOL_TMP], "tmp", err);
}

/* As many as can be made; -1 with *err if not all of `want`. */
static int
make_batch(struct spool *s, struct batch *b, size_t size, unsigned want,
    struct err *err)
{
	char owner[OWNER_LEN + 1];

	for (b->count = 0; b->count < want; b->count++) {
		unsigned i = b->count;

		if (slot_make(s, size, b->names[i], &b->fds[i], err) == -1)
			return -1;
		slot_parse(b->names[i], owner, &b->seq[i]);
	}
	return 0;
}

/* Puts the batch into the stock, or removes its files. */
static void
end_batch(struct spool *s, struct stock *stock, struct batch *b, int good)
{
	for (unsigned i = 0; i < b->count; i++)
		close(b->fds[i]);
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < b->count; i++) {
		if (good && stock->count < STOCK_MAX)
			stock->seq[stock->count++] = b->seq[i];
		else
			unlinkat(s->dirs[SPOOL_TMP], b->names[i], 0);
	}
	pthread_mutex_unlock(&s->lock);
}

static unsigned
count_missing(struct spool *s, const struct stock *stock)
{
	unsigned missing = 0;

	pthread_mutex_lock(&s->lock);
	if (stock->wanted > stock->count)
		missing = stock->wanted - stock->count;
	pthread_mutex_unlock(&s->lock);
	return missing;
}

static int
refill(struct spool *s, unsigned class, struct err *err)
{
	struct stock *stock = &s->stock[class];
	struct batch b;
	unsigned missing;
	int made, flushed = 0;

	while ((missing = count_missing(s, stock)) > 0) {
		struct err failed;

		made = make_batch(s, &b, slot_sizes[class],
		    missing < BATCH ? missing : BATCH, &failed);
		if (b.count > 0)
			flushed = flush_batch(s, &b, err);
		if (flushed == -1)
			atomic_store(&s->degraded, 1);
		end_batch(s, stock, &b, flushed == 0);
		if (made == -1)
			*err = failed;
		if (made == -1 || flushed == -1)
			return -1;
	}
	return 0;
}

int
spool_stock(struct spool *s, unsigned count, struct err *err)
{
	unsigned wanted = count < STOCK_MAX ? count : STOCK_MAX;

	draft_publish_pending(s);
	pthread_mutex_lock(&s->lock);
	s->stock[0].wanted = wanted;
	s->stock[1].wanted = (wanted + 1) / 2;
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < SLOT_CLASSES; i++) {
		if (refill(s, i, err) == -1)
			return -1;
	}
	return 0;
}

/* Called with the lock held. Half gone: time to make more. */
static int
is_low(const struct spool *s)
{
	for (unsigned i = 0; i < SLOT_CLASSES; i++) {
		if (s->stock[i].count * 2 < s->stock[i].wanted)
			return 1;
	}
	return 0;
}

int
stock_take(struct spool *s, size_t size, char slot[SLOT_NAME_MAX])
{
	int taken = 0;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < SLOT_CLASSES && !taken; i++) {
		struct stock *stock = &s->stock[i];

		if (size > slot_sizes[i] || stock->count == 0 ||
		    s->owner.pid != getpid())
			continue;
		snprintf(slot, SLOT_NAME_MAX, "%s.%" PRIu32, s->owner.name,
		    stock->seq[--stock->count]);
		taken = 1;
	}
	if (is_low(s))
		pthread_cond_signal(&s->stock_low);
	pthread_mutex_unlock(&s->lock);
	return taken;
}

void
stock_empty(struct spool *s)
{
	char slot[SLOT_NAME_MAX];

	for (unsigned i = 0; i < SLOT_CLASSES; i++)
		s->stock[i].wanted = 0;
	while (stock_take(s, 0, slot))
		unlinkat(s->dirs[SPOOL_TMP], slot, 0);
}

void
spool_stock_wait(struct spool *s, int timeout_ms)
{
	struct timespec until;
	int64_t end = clock_mono() + (int64_t)timeout_ms * CLOCK_MSEC;

	until.tv_sec = (time_t)(end / CLOCK_SECOND);
	until.tv_nsec = (long)(end % CLOCK_SECOND);
	pthread_mutex_lock(&s->lock);
	while (!s->stock_woken && !is_low(s)) {
		if (pthread_cond_clockwait(
			&s->stock_low, &s->lock, CLOCK_MONOTONIC, &until) != 0)
			break;
	}
	s->stock_woken = 0;
	pthread_mutex_unlock(&s->lock);
}

void
spool_stock_wake(struct spool *s)
{
	pthread_mutex_lock(&s->lock);
	s->stock_woken = 1;
	pthread_cond_signal(&s->stock_low);
	pthread_mutex_unlock(&s->lock);
}
