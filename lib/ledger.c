/* SPDX-License-Identifier: MIT */
/*
 * The ledger's lock, and its entries.
 *
 * Who holds the lock (a mutex among threads, flock() on the directory among
 * processes) has an up to date list of the generations, and nobody else puts
 * or erases. So "not found, then put" has one winner. Entries are put into
 * the newest generation only, which is why older ones need be looked through
 * once: nothing can have been added since.
 *
 * Killed between any two calls: the kernel frees the lock; each entry is
 * one write of 64 bytes, there or not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "clock.h"
#include "fsio.h"
#include "ledger_parts.h"

int
ledger_new(struct ledger **out, int dir, mode_t mode, struct err *err)
{
	struct ledger *l = calloc(1, sizeof *l);

	if (l == NULL)
		return err_set(err, ERR_TEMP, 0, "ledger: out of memory");
	l->dir = dir;
	l->mode = mode;
	l->lock_fd = -1;
	l->listed.tv_nsec = -1;
	pthread_mutex_init(&l->lock, NULL);
	pthread_rwlock_init(&l->swap, NULL);
	*out = l;
	return 0;
}

void
ledger_free(struct ledger *l)
{
	if (l == NULL)
		return;
	ledger_drop_files(l);
	fs_close(&l->lock_fd);
	pthread_rwlock_destroy(&l->swap);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* ---- the lock ---- */

/* A lock belongs to the description, which a forked child would share. */
static int
have_lock_fd(struct ledger *l, struct err *err)
{
	if (l->lock_fd != -1 && l->pid == getpid())
		return 0;
	fs_close(&l->lock_fd);
	if (fs_open_dir(&l->lock_fd, l->dir, ".", err) == -1)
		return err_prefix(err, "seen");
	l->pid = getpid();
	return 0;
}

static int
take_lock(struct ledger *l, struct err *err)
{
	if (have_lock_fd(l, err) == -1)
		return -1;
	while (flock(l->lock_fd, LOCK_EX) == -1) {
		if (errno != EINTR)
			return err_sys(err, "flock seen");
	}
	return 0;
}

static void
forget_pages(struct ledger *l)
{
	for (unsigned i = 0; i < LEDGER_HELD; i++)
		l->held[i].number = 0;
}

int
ledger_lock(struct ledger *l, struct err *err)
{
	pthread_mutex_lock(&l->lock);
	if (take_lock(l, err) == -1) {
		pthread_mutex_unlock(&l->lock);
		return -1;
	}
	forget_pages(l);
	if (ledger_refresh(l, err) == -1) {
		ledger_unlock(l);
		return -1;
	}
	return 0;
}

void
ledger_unlock(struct ledger *l)
{
	/* A lock that stayed would stop everybody: closing frees it too. */
	if (flock(l->lock_fd, LOCK_UN) == -1)
		fs_close(&l->lock_fd);
	pthread_mutex_unlock(&l->lock);
}

/* ---- entries ---- */

uint32_t
ledger_page_number(const struct generation *g, const struct ledger_key *key)
{
	return key->spread % g->pages;
}

static off_t
page_of(const struct generation *g, const struct ledger_key *key)
{
	return (off_t)ledger_page_number(g, key) * LEDGER_PAGE;
}

int
ledger_read_page(const struct generation *g, off_t at, char page[LEDGER_PAGE],
    struct err *err)
{
	size_t got;

	if (fs_pread_full(g->fd, page, LEDGER_PAGE, at, &got, err) == -1)
		return err_prefix(err, "seen");
	memset(page + got, 0, LEDGER_PAGE - got);
	return 0;
}

/* With the lock: the page, read once; NULL where it cannot be. */
static char *
hold_page(
    struct ledger *l, const struct generation *g, off_t at, struct err *err)
{
	struct held_page *held;

	for (unsigned i = 0; i < LEDGER_HELD; i++) {
		held = &l->held[i];
		if (held->number == g->number && held->pages == g->pages &&
		    held->at == at)
			return held->bytes;
	}
	held = &l->held[l->held_next++ % LEDGER_HELD];
	held->number = 0;
	if (ledger_read_page(g, at, held->bytes, err) == -1)
		return NULL;
	held->number = g->number;
	held->pages = g->pages;
	held->at = at;
	return held->bytes;
}

/* Before its first claim a process knows of no generation. */
static void
be_listed(struct ledger *l)
{
	struct err ignored;
	int empty;

	pthread_rwlock_rdlock(&l->swap);
	empty = l->count == 0;
	pthread_rwlock_unlock(&l->swap);
	if (empty && ledger_lock(l, &ignored) == 0)
		ledger_unlock(l);
}

/* Adds to *there; -1 where not all could be read. Keys side by side that share
 * a page cost one read. */
static int
look_through(const struct generation *g, const struct ledger_key *keys,
    unsigned count, unsigned *there)
{
	char page[LEDGER_PAGE];
	struct err unread;
	off_t at = -1;
	int rc = 0;

	for (unsigned k = 0; k < count; k++) {
		if (*there & 1u << k)
			continue;
		if (page_of(g, &keys[k]) != at) {
			at = page_of(g, &keys[k]);
			if (ledger_read_page(g, at, page, &unread) == -1) {
				at = -1;
				rc = -1;
				continue;
			}
		}
		if (ledger_page_find(page, &keys[k]) != -1)
			*there |= 1u << k;
	}
	return rc;
}

unsigned
ledger_look(struct ledger *l, const struct ledger_key *keys, unsigned count,
    uint64_t *since)
{
	unsigned there = 0;

	be_listed(l);
	pthread_rwlock_rdlock(&l->swap);
	*since = l->count > 0 ? l->files[l->count - 1].number : 0;
	for (unsigned i = l->count; i-- > 0;) {
		if (look_through(&l->files[i], keys, count, &there) == -1)
			*since = 0; /* who has the lock must look again */
	}
	pthread_rwlock_unlock(&l->swap);
	return there;
}

int
ledger_find(struct ledger *l, const struct ledger_key *key, uint64_t since,
    struct err *err)
{
	for (unsigned i = l->count; i-- > 0;) {
		const struct generation *g = &l->files[i];
		const char *page;

		if (g->number < since)
			break;
		page = hold_page(l, g, page_of(g, key), err);
		if (page == NULL)
			return -1;
		if (ledger_page_find(page, key) != -1)
			return 1;
	}
	return 0;
}

/* 0, 1 where the key's page is full, -1. */
static int
try_put(struct ledger *l, const struct ledger_key *key, struct err *err)
{
	struct generation *g = &l->files[l->count - 1];
	off_t at = page_of(g, key);
	char *page = hold_page(l, g, at, err);
	int place;

	if (page == NULL)
		return -1;
	place = ledger_page_free(page);
	if (place == -1)
		return 1;
	ledger_entry(page + place, key, clock_wall());
	g->dirty = 1;
	if (fs_pwrite_all(g->fd, page + place, LEDGER_ENTRY, at + place, err) ==
	    -1) {
		forget_pages(l); /* some of it may have been written */
		return err_prefix(err, "seen");
	}
	return 0;
}

int
ledger_put(struct ledger *l, const struct ledger_key *key, struct err *err)
{
	int rc = l->count > 0 ? try_put(l, key, err) : 1;

	if (rc == 1)
		rc = ledger_grow(l, err) == 0 ? try_put(l, key, err) : -1;
	/* A page of a new file that is full: somebody else writes there. */
	if (rc == 1)
		return err_set(err, ERR_TEMP, 0, "seen: no place is free");
	return rc;
}

int
ledger_erase(struct ledger *l, const struct ledger_key *key, struct err *err)
{
	static const char nothing[LEDGER_ENTRY];
	int place;

	for (unsigned i = 0; i < l->count; i++) {
		struct generation *g = &l->files[i];
		off_t at = page_of(g, key);
		char *page = hold_page(l, g, at, err);

		if (page == NULL)
			return -1;
		while ((place = ledger_page_find(page, key)) != -1) {
			memset(page + place, 0, LEDGER_ENTRY);
			g->dirty = 1;
			if (fs_pwrite_all(g->fd, nothing, sizeof nothing,
				at + place, err) == -1) {
				forget_pages(l);
				return err_prefix(err, "seen");
			}
		}
	}
	return 0;
}
