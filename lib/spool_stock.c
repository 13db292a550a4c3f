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

/* Two sizes, of whole blocks: most payloads are pushes (8 kB, and 1 kB of
 * head) and pull requests (22 to 28 kB). */
const size_t slot_sizes[SLOT_CLASSES] = { 12288, 32768 };

#define BATCH 128 /* slots made between two flushes */

/*
 * Under load a slot is used as soon as it is made, and the flush of the next
 * batch takes a while. To wait for that is cheaper than the longer way: one
 * flush for a batch instead of two for a job. Not for ever, though: then
 * making them has trouble of its own.
 */
#define MAKING_TIME (50 * CLOCK_MSEC)

/*
 * One flush for a batch: with several files syncfs() is one wait for the
 * disk instead of one a file; for a few it would make us wait for everybody
 * else's data.
 */
#define SYNCFS_FROM 16

struct batch {
	char names[BATCH][SLOT_NAME_MAX];
	struct ready ready[BATCH];
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
		if (fs_sync(b->ready[i].fd, b->names[i], err) == -1)
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

		if (slot_make(s, size, b->names[i], &b->ready[i].fd, err) == -1)
			return -1;
		slot_parse(b->names[i], owner, &b->ready[i].seq);
	}
	return 0;
}

/* Puts the batch into the stock, or removes its files. */
static void
end_batch(struct spool *s, struct stock *stock, struct batch *b, int good)
{
	unsigned kept = 0;

	pthread_mutex_lock(&s->lock);
	for (; good && kept < b->count && stock->count < STOCK_MAX; kept++)
		stock->ready[stock->count++] = b->ready[kept];
	pthread_cond_broadcast(&s->stock_more);
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = kept; i < b->count; i++) {
		unlinkat(s->dirs[SPOOL_TMP], b->names[i], 0);
		close(b->ready[i].fd);
	}
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
	int rc = 0;

	draft_publish_pending(s);
	pthread_mutex_lock(&s->lock);
	s->stock[0].wanted = wanted;
	s->stock[1].wanted = (wanted + 1) / 2;
	s->stock_filling = 1;
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < SLOT_CLASSES && rc == 0; i++)
		rc = refill(s, i, err);
	pthread_mutex_lock(&s->lock);
	s->stock_filling = 0;
	pthread_cond_broadcast(&s->stock_more);
	pthread_mutex_unlock(&s->lock);
	return rc;
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

/* Called with the lock held. */
static int
take_ready(struct spool *s, size_t size, struct ready *out)
{
	for (unsigned i = 0; i < SLOT_CLASSES; i++) {
		struct stock *stock = &s->stock[i];

		if (size > slot_sizes[i] || stock->count == 0 ||
		    s->owner.pid != getpid())
			continue;
		*out = stock->ready[--stock->count];
		return 1;
	}
	return 0;
}

static struct timespec
time_after(int64_t ns)
{
	int64_t end = clock_mono() + ns;

	return (struct timespec){ .tv_sec = (time_t)(end / CLOCK_SECOND),
		.tv_nsec = (long)(end % CLOCK_SECOND) };
}

int
stock_take(struct spool *s, size_t size, char slot[SLOT_NAME_MAX], int *fd)
{
	struct timespec until = { 0 };
	struct ready ready;
	int taken, low, rc = 0;

	pthread_mutex_lock(&s->lock);
	while (!(taken = take_ready(s, size, &ready)) && s->stock_filling &&
	       size <= slot_sizes[SLOT_CLASSES - 1] && rc == 0) {
		if (until.tv_sec == 0)
			until = time_after(MAKING_TIME);
		rc = pthread_cond_clockwait(
		    &s->stock_more, &s->lock, CLOCK_MONOTONIC, &until);
	}
	low = is_low(s) && !s->stock_filling;
	pthread_mutex_unlock(&s->lock);
	if (low)
		pthread_cond_signal(&s->stock_low);
	if (!taken)
		return 0;
	snprintf(slot, SLOT_NAME_MAX, "%s.%" PRIu32, s->owner.name, ready.seq);
	*fd = ready.fd;
	return 1;
}

void
stock_empty(struct spool *s)
{
	char slot[SLOT_NAME_MAX];
	int fd;

	for (unsigned i = 0; i < SLOT_CLASSES; i++)
		s->stock[i].wanted = 0;
	while (stock_take(s, 0, slot, &fd)) {
		unlinkat(s->dirs[SPOOL_TMP], slot, 0);
		close(fd);
	}
}

void
stock_abandon(struct spool *s)
{
	for (unsigned i = 0; i < SLOT_CLASSES; i++) {
		struct stock *stock = &s->stock[i];

		while (stock->count > 0)
			close(stock->ready[--stock->count].fd);
	}
}

void
spool_stock_wait(struct spool *s, int timeout_ms)
{
	struct timespec until = time_after((int64_t)timeout_ms * CLOCK_MSEC);

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
