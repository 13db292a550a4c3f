/* SPDX-License-Identifier: MIT */
/*
 * Flushing the ledger, and the end of old generations.
 *
 * A failed flush is never asked for again on its descriptor: the kernel says
 * it once and then calls the pages clean. The pages are read back, written
 * as they are, so that they are dirty again, and flushed through a new one.
 *
 * The newest generation is flushed each time, since other processes put
 * entries into it; an older one once after it was the newest, and where this
 * process erased something.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fsio.h"
#include "ledger_parts.h"

/* Calls visit() for each page that has something in it. */
static int
each_page(const struct generation *g,
    int (*visit)(void *arg, const char *page, off_t at, struct err *err),
    void *arg, struct err *err)
{
	static const char empty[LEDGER_PAGE];
	char page[LEDGER_PAGE];
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < g->pages; i++) {
		off_t at = (off_t)i * LEDGER_PAGE;
		size_t got;

		if (fs_pread_full(g->fd, page, sizeof page, at, &got, err) ==
		    -1)
			return err_prefix(err, "seen");
		if (got == 0)
			break;
		memset(page + got, 0, sizeof page - got);
		if (memcmp(page, empty, sizeof page) != 0)
			rc = visit(arg, page, at, err);
	}
	return rc;
}

/* ---- flushing ---- */

static int
write_again(void *arg, const char *page, off_t at, struct err *err)
{
	return fs_pwrite_all(*(int *)arg, page, LEDGER_PAGE, at, err);
}

/* With the lock. */
static int
repair(struct ledger *l, struct generation *g, struct err *err)
{
	struct generation fresh = *g;
	int rc = ledger_open_file(l, &fresh, err);

	if (rc == 0 && fresh.ino == g->ino)
		rc = each_page(&fresh, write_again, &fresh.fd, err);
	else if (rc != -1)
		rc = err_set(err, ERR_TEMP, 0, "seen: the ledger was replaced");
	if (rc == -1) {
		fs_close(&fresh.fd);
		return -1;
	}
	fresh.failed = 0;
	pthread_rwlock_wrlock(&l->swap);
	close(g->fd);
	*g = fresh;
	pthread_rwlock_unlock(&l->swap);
	return 0;
}

struct flush {
	uint64_t number;
	int fd;
	int needed, failed;
};

/* What is put or erased from now on is for the next flush. */
static int
begin(struct ledger *l, struct flush *flushes, int *names, struct err *err)
{
	*names = 0;
	for (unsigned i = 0; i < l->count; i++) {
		struct generation *g = &l->files[i];

		if (g->failed && repair(l, g, err) == -1)
			return -1;
		flushes[i] = (struct flush){ g->number, g->fd, g->dirty, 0 };
		g->dirty = i + 1 == l->count;
		*names |= !g->named;
	}
	return 0;
}

static void
note(struct ledger *l, const struct flush *f, int named)
{
	for (unsigned i = 0; i < l->count; i++) {
		struct generation *g = &l->files[i];

		if (g->number != f->number)
			continue;
		g->failed |= f->failed;
		g->named |= named;
	}
}

int
ledger_sync(struct ledger *l, struct err *err)
{
	struct flush flushes[LEDGER_FILES];
	unsigned count;
	int names, rc = 0;

	if (ledger_lock(l, err) == -1)
		return -1;
	if (begin(l, flushes, &names, err) == -1) {
		ledger_unlock(l);
		return -1;
	}
	count = l->count;
	/* The files stay open, and others may go on. */
	pthread_rwlock_rdlock(&l->swap);
	ledger_unlock(l);
	for (unsigned i = 0; i < count; i++) {
		struct flush *f = &flushes[i];

		if (f->needed && fdatasync(f->fd) == -1) {
			rc = err_sys(err, "fdatasync seen/");
			f->failed = 1;
		}
	}
	if (names && fs_sync(l->dir, "seen", err) == -1) {
		names = 0;
		rc = -1;
	}
	pthread_rwlock_unlock(&l->swap);
	pthread_mutex_lock(&l->lock);
	for (unsigned i = 0; i < count; i++)
		note(l, &flushes[i], names);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

/* ---- counting and ageing ---- */

struct counting {
	char kind;
	uint64_t count;
};

static int
add_page(void *arg, const char *page, off_t at, struct err *err)
{
	struct counting *c = arg;

	(void)at;
	(void)err;
	c->count += ledger_page_count(page, c->kind);
	return 0;
}

int
ledger_count(struct ledger *l, char kind, uint64_t *count, struct err *err)
{
	struct counting c = { kind, 0 };
	int rc = 0;

	if (ledger_lock(l, err) == -1)
		return -1;
	ledger_unlock(l);
	pthread_rwlock_rdlock(&l->swap);
	for (unsigned i = 0; rc == 0 && i < l->count; i++)
		rc = each_page(&l->files[i], add_page, &c, err);
	pthread_rwlock_unlock(&l->swap);
	if (rc == 0)
		*count = c.count;
	return rc;
}

static int64_t
last_put(const struct generation *g)
{
	struct stat st;

	if (fstat(g->fd, &st) == -1)
		return INT64_MAX;
	return clock_ns(&st.st_mtim);
}

/* How many of the oldest may go; called with `swap` held. */
static int
find_old(struct ledger *l, int64_t before, struct counting *newer,
    uint64_t least, unsigned *old, struct err *err)
{
	unsigned n = 0;

	while (n + 1 < l->count && last_put(&l->files[n]) < before)
		n++;
	*old = 0;
	for (unsigned i = l->count; n > 0 && i-- > 1;) {
		if (each_page(&l->files[i], add_page, newer, err) == -1)
			return -1;
		if (i <= n && newer->count >= least) {
			*old = i;
			break;
		}
	}
	return 0;
}

int
ledger_age(struct ledger *l, int64_t before, char kind, uint64_t least,
    unsigned *removed, struct err *err)
{
	struct counting newer = { kind, 0 };
	uint64_t last = 0;
	unsigned old;
	int rc;

	*removed = 0;
	if (ledger_lock(l, err) == -1)
		return -1;
	ledger_unlock(l);
	pthread_rwlock_rdlock(&l->swap);
	rc = find_old(l, before, &newer, least, &old, err);
	if (rc == 0 && old > 0)
		last = l->files[old - 1].number;
	pthread_rwlock_unlock(&l->swap);
	if (rc == -1 || old == 0)
		return rc;
	if (ledger_lock(l, err) == -1)
		return -1;
	*removed = ledger_remove(l, last);
	ledger_unlock(l);
	return 0;
}
