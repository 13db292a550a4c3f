/* SPDX-License-Identifier: MIT */
#include "record_indexer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fsio.h"
#include "record_cut.h"
#include "record_index.h"
#include "record_parts.h"
#include "spool_inside.h"

#define STEP (256 * 1024) /* bytes read at once: 1 ms */
#define ROOM (2 * RECORD_MAX)

struct record_indexer {
	struct spool *spool;
	struct record_days days;
	size_t day;	/* the one at hand */
	int fd, idx;	/* its records and its index, locked; -1: not begun */
	int64_t wanted; /* the chain is to cover this much of it */
	int64_t end;	/* of the chain, in the index */
	int64_t from;	/* of the part being made */
	int64_t at;	/* read this far */
	struct index_entry *entries; /* of the part, INDEX_ENTRIES */
	size_t count;
	const char *piece; /* what is cut; it stands at `at` in the file */
	char *room;
};

int
record_indexer_new(
    struct record_indexer **out, struct spool *s, struct err *err)
{
	struct record_filter all = { 0 };
	struct record_indexer *ix = calloc(1, sizeof *ix);

	if (ix == NULL)
		return err_set(err, ERR_TEMP, 0, "index: out of memory");
	ix->spool = s;
	ix->fd = ix->idx = -1;
	if (record_days_list(&ix->days, s, &all, err) == -1) {
		record_indexer_free(ix);
		return -1;
	}
	*out = ix;
	return 0;
}

static void
end_day(struct record_indexer *ix)
{
	fs_close(&ix->fd);
	fs_close(&ix->idx);
	ix->day++;
}

void
record_indexer_free(struct record_indexer *ix)
{
	if (ix == NULL)
		return;
	end_day(ix);
	record_days_release(&ix->days);
	free(ix->entries);
	free(ix->room);
	free(ix);
}

/* ---- a day's beginning ---- */

static int
is_past(const char *name)
{
	char today[CLOCK_DAY];

	clock_day(today, clock_wall());
	return strncmp(name + strlen(RECORD_PREFIX), today, CLOCK_DAY - 1) < 0;
}

/* Whether what is not covered is worth a part. */
static int
is_worth(const char *name, int64_t rest)
{
	return rest >= (is_past(name) ? INDEX_REST_MIN : INDEX_REST_NOW);
}

/* A part that has become small beside what came after it: with it, it makes
 * one. So parts double, and each record is read some five times in all. */
static int
is_outgrown(const struct index_part *part, int64_t size)
{
	int64_t len = part->to - part->from;

	return len < INDEX_PART && part->entries < INDEX_ENTRIES / 2 &&
	       len <= size - part->to;
}

static int
open_index(struct record_indexer *ix, const char *day)
{
	char name[RECORD_NAME];
	struct stat st;

	index_name(name, sizeof name, day);
	ix->idx = openat(ix->spool->dirs[SPOOL_LOG], name,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    ix->spool->file_mode);
	if (ix->idx != -1 &&
	    (fstat(ix->idx, &st) == -1 || !S_ISREG(st.st_mode) ||
		flock(ix->idx, LOCK_EX | LOCK_NB) == -1))
		fs_close(&ix->idx);
	return ix->idx == -1 ? -1 : 0;
}

/* Whether the last part's blocks are there: what a crash kept from the disk is
 * made again, as far as it is the end of the chain. */
static int
last_is_whole(const struct record_index *x)
{
	static const struct index_span all = { 0, UINT64_MAX };
	struct index_hits hits = { 0 };
	int rc = record_index_find(x, &x->parts[x->count - 1], &all, &hits);

	free(hits.hits);
	return rc == 0;
}

static void
drop_last(struct record_index *x)
{
	x->count--;
	x->end = x->parts[x->count].at;
}

/* Goes on where the chain ends, or begins anew where it is another file's.
 * What stands behind goes when there is something in its place. */
static int
take_up(struct record_indexer *ix, const char *day, int64_t size)
{
	struct record_index x;
	int worth;

	record_index_open(&x, ix->spool, day, ix->fd);
	if (x.count > 0 && !last_is_whole(&x))
		drop_last(&x);
	worth = is_worth(day, size - record_index_covers(&x));
	while (x.count > 0 && is_outgrown(&x.parts[x.count - 1], size))
		drop_last(&x);
	ix->from = ix->at = record_index_covers(&x);
	ix->end = x.end;
	ix->count = 0;
	ix->wanted = size;
	record_index_release(&x);
	return worth ? open_index(ix, day) : -1;
}

/* 0, or -1: there is nothing to do for it, or nothing can be done. */
static int
begin_day(struct record_indexer *ix)
{
	const char *day = ix->days.names[ix->day];
	struct err ignored;
	struct stat st;

	if (fs_open_read(&ix->fd, ix->spool->dirs[SPOOL_LOG], day, &ignored) ==
		-1 ||
	    fstat(ix->fd, &st) == -1 || !is_worth(day, st.st_size))
		return -1;
	return take_up(ix, day, st.st_size);
}

static int
need_memory(struct record_indexer *ix, struct err *err)
{
	if (ix->room == NULL)
		ix->room = malloc(ROOM);
	if (ix->entries == NULL)
		ix->entries = calloc(INDEX_ENTRIES, sizeof *ix->entries);
	if (ix->room == NULL || ix->entries == NULL)
		return err_set(err, ERR_TEMP, 0, "index: out of memory");
	return 0;
}

/* ---- a part's end ---- */

static int
by_key(const void *a, const void *b)
{
	const struct index_entry *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

static int
write_block(struct record_indexer *ix, void *block, size_t n)
{
	uint64_t sum = index_sum(block, ix->from, n > 0 ? ix->at : 0);
	struct err ignored;

	memcpy(block, &sum, sizeof sum);
	return fs_pwrite_all(ix->idx, block, INDEX_BLOCK,
	    (off_t)(ix->end + (int64_t)(n * INDEX_BLOCK)), &ignored);
}

static int
write_entries(struct record_indexer *ix, struct index_head *head)
{
	size_t done = 0;

	for (uint32_t n = 0; done < ix->count; n++) {
		struct index_block b = { .number = n };
		size_t left = ix->count - done;

		b.count =
		    (uint32_t)(left < INDEX_IN_BLOCK ? left : INDEX_IN_BLOCK);
		memcpy(
		    b.entries, ix->entries + done, b.count * sizeof *b.entries);
		head->fences[n] = b.entries[0].key;
		done += b.count;
		if (write_block(ix, &b, 1 + (size_t)n) == -1)
			return -1;
	}
	return 0;
}

/* What was here before ends the chain first: its heads must not speak of the
 * new blocks. The new head comes last: what is broken off before it is no
 * part. */
static int
write_part(struct record_indexer *ix)
{
	struct index_head head = { .magic = INDEX_MAGIC,
		.from = ix->from,
		.to = ix->at,
		.entries = (uint32_t)ix->count };
	size_t blocks = (ix->count + INDEX_IN_BLOCK - 1) / INDEX_IN_BLOCK;
	struct stat st;

	if (fstat(ix->fd, &st) == -1 ||
	    index_sample(&head.sample, ix->fd, ix->at) == -1 ||
	    ftruncate(ix->idx, (off_t)ix->end) == -1)
		return -1;
	head.inode = st.st_ino;
	head.size = st.st_size;
	head.mtime = clock_ns(&st.st_mtim);
	qsort(ix->entries, ix->count, sizeof *ix->entries, by_key);
	if (write_entries(ix, &head) == -1 || write_block(ix, &head, 0) == -1)
		return -1;
	ix->end += (int64_t)(INDEX_BLOCK * (1 + blocks));
	ix->from = ix->at;
	ix->count = 0;
	return 0;
}

/* ---- records ---- */

static int
note(void *arg, const char *text, size_t len)
{
	struct record_indexer *ix = arg;
	uint64_t keys[INDEX_KEYS];
	size_t n = index_keys(keys, text, len);

	for (size_t i = 0; i < n; i++) {
		struct index_entry *e = &ix->entries[ix->count++];

		e->key = keys[i];
		e->at = (uint32_t)(ix->at + (text - ix->piece) - ix->from);
		e->len = (uint32_t)len;
	}
	/* Enough for one more, always. */
	return ix->count > INDEX_ENTRIES - INDEX_KEYS;
}

/*
 * Cuts what stands at ix->at. How far the records went, 0 where there is no
 * end of one; -1 where it cannot be read. *full: no entry fits any more.
 */
static ssize_t
cut_piece(struct record_indexer *ix, size_t ask, int *full)
{
	const struct record_cut each = { NULL, note, ix };
	const char *rest;
	struct err ignored;
	size_t got;

	if (ix->wanted - ix->at < (int64_t)ask)
		ask = (size_t)(ix->wanted - ix->at);
	if (fs_pread_full(
		ix->fd, ix->room, ask, (off_t)ix->at, &got, &ignored) == -1)
		return -1;
	ix->piece = ix->room;
	*full = record_cut(&each, ix->room, ix->room + got, &rest);
	return rest - ix->room;
}

/*
 * One piece; 1: the day is not over. A part ends behind a whole record, so
 * that reading can begin there. Where there is no end of one in all the room,
 * the day's index ends.
 */
static int
index_piece(struct record_indexer *ix)
{
	int full = 0;
	ssize_t len = cut_piece(ix, STEP, &full);

	if (len == 0)
		len = cut_piece(ix, ROOM, &full);
	if (len > 0)
		ix->at += len;
	if ((full || len <= 0 || ix->at - ix->from >= INDEX_PART) &&
	    ix->at > ix->from && write_part(ix) == -1)
		return 0;
	return len > 0;
}

int
record_indexer_step(struct record_indexer *ix, struct err *err)
{
	if (ix->day == ix->days.count)
		return 0;
	if (ix->fd == -1) {
		if (begin_day(ix) == -1) {
			end_day(ix);
			return 1;
		}
		if (need_memory(ix, err) == -1)
			return -1;
	}
	if (!index_piece(ix))
		end_day(ix);
	return 1;
}
