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
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fsio.h"
#include "spool_inside.h"

/* Two sizes, of whole blocks: most payloads are pushes (8 kB, and 1 kB of
 * head) and pull requests (22 to 28 kB). */
const size_t slot_sizes[SLOT_CLASSES] = { 12288, 32768 };

/* How many of each at most, 12 and 8 MB of zeros a process. There are half as
 * many of the large as of the small from the start. */
static const unsigned stock_most[SLOT_CLASSES] = { STOCK_MAX, 256 };

/* Slots made between two flushes. The larger, the fewer waits for the disk
 * under load; half of the stock, so that the rest lasts meanwhile. */
#define BATCH 512

/* What is ready may take so much of the free space: one part of eight. */
#define STOCK_SHARE 8

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
	uint32_t seq[BATCH];
	unsigned count;
	int one_by_one; /* each file is flushed when it is made */
	int unflushed;	/* a flush failed: nothing of it may be used */
};

static void
slot_name(const struct spool *s, char slot[SLOT_NAME_MAX], uint32_t seq)
{
	snprintf(slot, SLOT_NAME_MAX, "%s.%" PRIu32, s->owner.name, seq);
}

/* A slot without a descriptor: there may be more of them than descriptors. */
static int
make_one(struct spool *s, struct batch *b, size_t size, struct err *err)
{
	char name[SLOT_NAME_MAX], owner[OWNER_LEN + 1];
	int fd;

	if (slot_make(s, size, name, &fd, err) == -1)
		return -1;
	slot_parse(name, owner, &b->seq[b->count++]);
	if (b->one_by_one && fs_sync(fd, name, err) == -1) {
		b->unflushed = 1;
		fs_close(&fd);
	} else if (fs_close_written(&fd, name, err) == -1) {
		b->unflushed = 1;
	}
	return b->unflushed ? -1 : 0;
}

/* How many of `want` more there is room for: what is ready must not take the
 * disk from what comes, least of all from another process's. */
static unsigned
count_affordable(struct spool *s, size_t size, unsigned have, unsigned want)
{
	struct statvfs vfs;
	uint64_t most;

	if (fstatvfs(s->dirs[SPOOL_TMP], &vfs) == -1)
		return want;
	most = (uint64_t)vfs.f_bavail * vfs.f_frsize / size;
	/* 0 of 0: a file system that does not count them. */
	if (vfs.f_files > 0 && vfs.f_favail < most)
		most = vfs.f_favail;
	most = (most + have) / STOCK_SHARE;
	if (most <= have)
		return 0;
	return most - have < want ? (unsigned)(most - have) : want;
}

/* As many as can be made; -1 with *err if not all of `want`. */
static int
make_batch(struct spool *s, struct batch *b, size_t size, unsigned want,
    struct err *err)
{
	int rc = 0;

	b->count = 0;
	b->unflushed = 0;
	b->one_by_one = want < SYNCFS_FROM;
	while (rc == 0 && b->count < want)
		rc = make_one(s, b, size, err);
	return rc;
}

static int
flush_batch(struct spool *s, struct batch *b, struct err *err)
{
	int fd = s->dirs[SPOOL_TMP], rc = 0;

	if (b->count == 0 || b->unflushed)
		return 0;
	if (b->one_by_one)
		rc = fs_sync(fd, "tmp", err);
	else if (syncfs(fd) == -1)
		rc = err_sys(err, "syncfs");
	b->unflushed = rc == -1;
	return rc;
}

/* Puts the batch into the stock, or removes its files. */
static void
end_batch(struct spool *s, struct stock *stock, const struct batch *b)
{
	char name[SLOT_NAME_MAX];
	unsigned kept = 0;

	if (b->unflushed)
		atomic_store(&s->degraded, 1);
	pthread_mutex_lock(&s->lock);
	while (!b->unflushed && kept < b->count && stock->count < STOCK_MAX)
		stock->ready[stock->count++] = b->seq[kept++];
	pthread_cond_broadcast(&s->stock_more);
	pthread_mutex_unlock(&s->lock);
	for (; kept < b->count; kept++) {
		slot_name(s, name, b->seq[kept]);
		unlinkat(s->dirs[SPOOL_TMP], name, 0);
	}
}

/* How many of the wanted ones are missing, and how many can be made. */
static unsigned
count_missing(struct spool *s, unsigned class, unsigned *can)
{
	const struct stock *stock = &s->stock[class];
	unsigned have, missing = 0;

	pthread_mutex_lock(&s->lock);
	have = stock->count;
	if (stock->wanted > have)
		missing = stock->wanted - have;
	pthread_mutex_unlock(&s->lock);
	*can = missing < BATCH ? missing : BATCH;
	if (missing > 0)
		*can = count_affordable(s, slot_sizes[class], have, *can);
	return missing;
}

static int
refill(struct spool *s, unsigned class, struct err *err)
{
	struct err unflushed;
	struct batch b;
	unsigned can;
	int rc = 0;

	while (rc == 0 && count_missing(s, class, &can) > 0) {
		if (can == 0)
			return err_set(err, ERR_TEMP, ENOSPC,
			    "tmp: too little room for ready slots");
		rc = make_batch(s, &b, slot_sizes[class], can, err);
		if (flush_batch(s, &b, &unflushed) == -1) {
			*err = unflushed;
			rc = -1;
		}
		end_batch(s, &s->stock[class], &b);
	}
	return rc;
}

/* Twice as many as before where they were not enough. */
static void
decide_wanted(struct stock *stock, unsigned least, unsigned most)
{
	if (stock->ran_out)
		stock->wanted *= 2;
	stock->ran_out = 0;
	if (stock->wanted < least)
		stock->wanted = least;
	if (stock->wanted > most)
		stock->wanted = most;
}

int
spool_stock(struct spool *s, unsigned count, struct err *err)
{
	int rc = 0;

	draft_publish_pending(s);
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < SLOT_CLASSES; i++)
		decide_wanted(
		    &s->stock[i], (count + i) / (i + 1), stock_most[i]);
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

/* Called with the lock held: the class a slot was taken from, or -1. */
static int
take_ready(struct spool *s, size_t size, char slot[SLOT_NAME_MAX])
{
	for (int i = 0; i < SLOT_CLASSES; i++) {
		struct stock *stock = &s->stock[i];

		if (size > slot_sizes[i] || s->owner.pid != getpid())
			continue;
		if (stock->count == 0) {
			stock->ran_out = 1;
			continue;
		}
		slot_name(s, slot, stock->ready[--stock->count]);
		return i;
	}
	return -1;
}

/* The file as it was made; ENOENT where that is gone. Anything else in its
 * place is left for recovery to judge: what is written there would not be
 * durable as a slot's bytes are. */
static int
open_ready(struct spool *s, const char *slot, size_t size)
{
	struct stat st;
	int fd = openat(s->dirs[SPOOL_TMP], slot,
	    O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1) {
		if (errno == ELOOP || errno == ENXIO || errno == EISDIR)
			errno = ENOENT;
	} else if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
		   st.st_nlink != 1 || st.st_size != (off_t)size) {
		fs_close(&fd);
		errno = ENOENT;
	}
	return fd;
}

static struct timespec
time_after(int64_t ns)
{
	int64_t end = clock_mono() + ns;

	return (struct timespec){ .tv_sec = (time_t)(end / CLOCK_SECOND),
		.tv_nsec = (long)(end % CLOCK_SECOND) };
}

/* take_ready() that waits a moment where some are being made. */
static int
wait_ready(struct spool *s, size_t size, char slot[SLOT_NAME_MAX])
{
	struct timespec until = { 0 };
	int class, low, rc = 0;

	pthread_mutex_lock(&s->lock);
	while ((class = take_ready(s, size, slot)) == -1 && s->stock_filling &&
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
	return class;
}

int
stock_take(struct spool *s, size_t size, char slot[SLOT_NAME_MAX], int *fd)
{
	char name[SLOT_NAME_MAX];
	int class, ready;

	/* Where somebody removed them, the next and soon new ones. */
	do {
		class = wait_ready(s, size, name);
		if (class == -1)
			return 0;
		ready = open_ready(s, name, slot_sizes[class]);
	} while (ready == -1 && errno == ENOENT);
	if (ready == -1)
		return 0;
	memcpy(slot, name, sizeof name);
	*fd = ready;
	return 1;
}

void
stock_empty(struct spool *s)
{
	char slot[SLOT_NAME_MAX];

	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < SLOT_CLASSES; i++)
		s->stock[i].wanted = 0;
	while (take_ready(s, 0, slot) != -1)
		unlinkat(s->dirs[SPOOL_TMP], slot, 0);
	pthread_mutex_unlock(&s->lock);
}

void
stock_forget(struct spool *s)
{
	for (int i = 0; i < SLOT_CLASSES; i++)
		s->stock[i].count = 0;
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
