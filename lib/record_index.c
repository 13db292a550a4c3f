/* SPDX-License-Identifier: MIT */
/*
 * Reading an index, which may be anything: each block is judged by its sum,
 * each number by what it counts.
 */
#include "record_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fsio.h"
#include "record_parts.h"
#include "spool_inside.h"

#define SAMPLE 256 /* bytes */

/* ---- the form ---- */

void
index_name(char *out, size_t cap, const char *day)
{
	snprintf(out, cap, "%.*s" INDEX_SUFFIX,
	    (int)(strlen(day) - strlen(RECORD_SUFFIX)), day);
}

/* Word by word: it is computed for each block that is looked at. */
static uint64_t
add_words(uint64_t h, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint64_t word;

	for (; len >= sizeof word; len -= sizeof word, at += sizeof word) {
		memcpy(&word, at, sizeof word);
		h = (h ^ word) * UINT64_C(0x100000001b3);
		h ^= h >> 29;
	}
	for (; len > 0; len--)
		h = (h ^ *at++) * UINT64_C(0x100000001b3);
	return h;
}

uint64_t
index_sum(const void *block, int64_t from, int64_t to)
{
	const unsigned char *bytes = block;
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)from;

	return add_words(add_words(h, &to, sizeof to), bytes + sizeof(uint64_t),
	    INDEX_BLOCK - sizeof(uint64_t));
}

int
index_sample(uint32_t *out, int fd, int64_t to)
{
	unsigned char last[SAMPLE];
	size_t len = to < SAMPLE ? (size_t)to : SAMPLE, got;
	struct err ignored;
	uint64_t h;

	if (fs_pread_full(
		fd, last, len, (off_t)to - (off_t)len, &got, &ignored) == -1 ||
	    got != len)
		return -1;
	h = add_words(UINT64_C(0xcbf29ce484222325), last, len);
	*out = (uint32_t)(h ^ h >> 32);
	return 0;
}

static int
read_block(int fd, void *block, int64_t at, int64_t from, int64_t to)
{
	struct err ignored;
	size_t got;
	uint64_t sum;

	if (fs_pread_full(fd, block, INDEX_BLOCK, (off_t)at, &got, &ignored) ==
		-1 ||
	    got != INDEX_BLOCK)
		return -1;
	memcpy(&sum, block, sizeof sum);
	return sum == index_sum(block, from, to) ? 0 : -1;
}

/* ---- the chain ---- */

static int
add_part(struct record_index *x, const struct index_head *h)
{
	struct index_part *part;

	if (x->count % 64 == 0) {
		part = reallocarray(x->parts, x->count + 64, sizeof *part);
		if (part == NULL)
			return -1;
		x->parts = part;
	}
	part = &x->parts[x->count++];
	part->from = h->from;
	part->to = h->to;
	part->at = x->end;
	part->entries = h->entries;
	part->blocks = (h->entries + INDEX_IN_BLOCK - 1) / INDEX_IN_BLOCK;
	x->end += (int64_t)INDEX_BLOCK * (1 + part->blocks);
	return 0;
}

/* Whether the text that the last head speaks of is the file's. */
static int
is_of(const struct index_head *last, int fd, const struct stat *st)
{
	int64_t mtime = clock_ns(&st->st_mtim);
	uint32_t sample;

	return st->st_ino == last->inode && st->st_size >= last->to &&
	       st->st_size >= last->size &&
	       (st->st_size != last->size || mtime == last->mtime) &&
	       index_sample(&sample, fd, last->to) == 0 &&
	       sample == last->sample;
}

static void
follow_chain(struct record_index *x, int fd, const struct stat *st)
{
	struct index_head h, last = { .from = 0 };

	while (x->count < INDEX_PARTS) {
		int64_t from = record_index_covers(x);

		if (read_block(x->fd, &h, x->end, from, 0) == -1 ||
		    h.magic != INDEX_MAGIC || h.from != from || h.to <= from ||
		    h.to - from > UINT32_MAX || h.entries > INDEX_ENTRIES ||
		    add_part(x, &h) == -1)
			break;
		last = h;
	}
	if (x->count > 0 && !is_of(&last, fd, st)) {
		x->count = 0;
		x->end = 0;
	}
}

void
record_index_open(
    struct record_index *x, struct spool *s, const char *day, int fd)
{
	char name[RECORD_NAME];
	struct err ignored;
	struct stat st;

	*x = (struct record_index){ .fd = -1 };
	index_name(name, sizeof name, day);
	if (fs_open_read(&x->fd, s->dirs[SPOOL_LOG], name, &ignored) == 0 &&
	    fstat(fd, &st) == 0)
		follow_chain(x, fd, &st);
}

void
record_index_release(struct record_index *x)
{
	fs_close(&x->fd);
	free(x->parts);
	x->parts = NULL;
	x->count = 0;
}

int64_t
record_index_covers(const struct record_index *x)
{
	return x->count > 0 ? x->parts[x->count - 1].to : 0;
}

/* ---- looking up ---- */

static int
add_hit(struct index_hits *h, const struct index_part *part,
    const struct index_entry *e)
{
	if (e->len > RECORD_MAX ||
	    (int64_t)e->at + e->len >= part->to - part->from)
		return -1;
	if (h->count == h->cap) {
		size_t cap = h->cap > 0 ? 2 * h->cap : 64;
		void *more = reallocarray(h->hits, cap, sizeof *h->hits);

		if (more == NULL)
			return -1;
		h->hits = more;
		h->cap = cap;
	}
	h->hits[h->count++] = (struct index_hit){ e->at, e->len };
	return 0;
}

static int
by_place(const void *a, const void *b)
{
	const struct index_hit *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* A record that has two keys of the span was found twice. */
static void
put_in_order(struct index_hits *h)
{
	size_t kept = 0;

	if (h->count == 0)
		return;
	qsort(h->hits, h->count, sizeof *h->hits, by_place);
	for (size_t i = 1; i < h->count; i++)
		if (h->hits[i].at != h->hits[kept].at)
			h->hits[++kept] = h->hits[i];
	h->count = kept + 1;
}

/* The block that the first key of the span may be in. */
static uint32_t
first_block(const struct index_head *h, uint32_t blocks, uint64_t low)
{
	uint32_t left = 0, right = blocks;

	while (left < right) {
		uint32_t middle = left + (right - left) / 2;

		if (h->fences[middle] < low)
			left = middle + 1;
		else
			right = middle;
	}
	return left > 0 ? left - 1 : 0;
}

/* 1: the entries behind are beyond the span. */
static int
take_block(const struct index_block *b, const struct index_part *part,
    const struct index_span *span, struct index_hits *hits)
{
	for (uint32_t i = 0; i < b->count; i++) {
		const struct index_entry *e = &b->entries[i];

		if (e->key > span->high)
			return 1;
		if (e->key >= span->low && add_hit(hits, part, e) == -1)
			return -1;
	}
	return 0;
}

int
record_index_find(const struct record_index *x, const struct index_part *part,
    const struct index_span *span, struct index_hits *hits)
{
	struct index_head head;
	struct index_block block;
	int rc = 0;

	hits->count = 0;
	if (read_block(x->fd, &head, part->at, part->from, 0) == -1)
		return -1;
	for (uint32_t n = first_block(&head, part->blocks, span->low);
	     rc == 0 && n < part->blocks; n++) {
		if (read_block(x->fd, &block,
			part->at + (int64_t)INDEX_BLOCK * (1 + n), part->from,
			part->to) == -1 ||
		    block.number != n || block.count > INDEX_IN_BLOCK)
			return -1;
		rc = take_block(&block, part, span, hits);
	}
	put_in_order(hits);
	return rc == -1 ? -1 : 0;
}
