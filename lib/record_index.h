/* SPDX-License-Identifier: MIT */
#ifndef RECORD_INDEX_H
#define RECORD_INDEX_H

#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct record_filter;
struct spool;

/*
 * The index beside a day's records: log/webhooks_DAY.idx. It says where the
 * records of a delivery, a job, a repository or a number stand, so that one
 * of a gigabyte is found with some hundred small reads.
 *
 * It is derived: whoever doubts it removes it. The sweep makes it
 * (record_indexer.h), whoever writes records knows nothing of it, and nothing
 * of it is ever flushed. So it may lag behind, be missing, torn
 * or wrong, and reading must come to the same end: what it points at is
 * checked by the record itself, what it does not cover is read through.
 *
 * Form, in the machine's own byte order, in blocks of 4 kB. The file is a
 * chain of parts, each for the text where the last one's ended, of at most
 * 32 MB. What is covered of a day grows with it, so its last parts are smaller;
 * a part is made anew, with what came behind it, when that is as long:
 *
 *   a head    what it covers, which file that was and when, the number of
 *             entries, and the first key of each of the blocks that follow
 *   blocks    entries {key, place, length}, sorted by key, then by place
 *
 * Each block has a sum of its own, so that a block that never came to the disk,
 * or that belongs to the part that was here before, is not taken for one
 * without entries. A part that is not right is as if it were not there; a head
 * that is not right ends the chain.
 *
 * Keys are 64 bits of what they stand for; two things with one key cost time
 * only. A UUID's begins with its first eight digits, so that the beginning of
 * one is a span of keys.
 *
 * How it is known that the text is still the one that was read: by the file's
 * inode; by its time of change while its length is the same; and when it has
 * grown, by the last bytes that the chain covers, which any insertion or
 * removal before them would have moved.
 */

#define INDEX_SUFFIX   ".idx"
#define INDEX_BLOCK    4096
#define INDEX_PART     (32 * 1024 * 1024) /* bytes of records that one covers */
#define INDEX_REST_MIN (256 * 1024)	  /* less of a day past is just read */
#define INDEX_REST_NOW (1024 * 1024)	  /* less of today */
#define INDEX_FENCES   ((INDEX_BLOCK - 64) / 8)	 /* blocks of a part */
#define INDEX_IN_BLOCK ((INDEX_BLOCK - 16) / 16) /* entries of a block */
#define INDEX_ENTRIES  (INDEX_FENCES * INDEX_IN_BLOCK)
#define INDEX_PARTS    65536 /* of one day; 2 TB */
#define INDEX_KEYS     5     /* most that one record has */

/* ---- keys ---- */

struct index_span {
	uint64_t low, high; /* both belong to it */
};

/* Where the records that the filter wants are among the keys: 1; or 0 where
 * only reading all of them helps. */
int index_span(struct index_span *span, const struct record_filter *filter);

/* The keys of a record; how many. None for what is no JSON. */
size_t index_keys(uint64_t keys[INDEX_KEYS], const char *text, size_t len);

/* ---- reading ---- */

struct index_part {
	int64_t from, to; /* bytes of the records' file */
	int64_t at;	  /* of its head, in the index */
	uint32_t entries, blocks;
};

struct record_index {
	int fd; /* -1: none */
	struct index_part *parts;
	size_t count;
	int64_t end; /* of the chain, in the index: where the next part goes */
};

struct index_hit {
	uint32_t at, len; /* from the part's beginning */
};

struct index_hits {
	struct index_hit *hits;
	size_t count, cap;
};

/*
 * The index of this day (a name as of record_days_list()), whose records are
 * open as `fd`. Never fails: what is missing or does not belong to them covers
 * nothing. To be released in any case.
 */
void record_index_open(
    struct record_index *x, struct spool *s, const char *day, int fd);
void record_index_release(struct record_index *x);

/* How much of the records is covered, from their beginning. */
int64_t record_index_covers(const struct record_index *x);

/* What the part knows of the span, by place. -1: the part is not right, or
 * there is no memory; its text is to be read through. */
int record_index_find(const struct record_index *x,
    const struct index_part *part, const struct index_span *span,
    struct index_hits *hits);

/* ---- the form, for whoever makes it ---- */

struct index_entry {
	uint64_t key;
	uint32_t at, len;
};

struct index_head {
	uint64_t sum; /* of the block behind it */
	uint64_t magic;
	int64_t from, to;
	uint64_t inode;
	int64_t size, mtime;	  /* of the records when this was written */
	uint32_t entries, sample; /* `sample`: of the last bytes before `to` */
	uint64_t fences[INDEX_FENCES];
};

struct index_block {
	uint64_t sum;
	uint32_t number, count; /* of the block in its part; of its entries */
	struct index_entry entries[INDEX_IN_BLOCK];
};

_Static_assert(sizeof(struct index_head) == INDEX_BLOCK, "a head is a block");
_Static_assert(sizeof(struct index_block) <= INDEX_BLOCK, "a block is one");

#define INDEX_MAGIC UINT64_C(0x3278646972706b68) /* "hkpridx2" */

/* The sum of a block, whose first member it is; `from` and `to` of its part.
 * A head's is made with 0 for `to`, which is learnt from the head. */
uint64_t index_sum(const void *block, int64_t from, int64_t to);

/* Of the bytes before `to`; 0, or -1 where they cannot be read. */
int index_sample(uint32_t *out, int fd, int64_t to) CHECKED;

/* webhooks_DAY.idx of webhooks_DAY.json. */
void index_name(char *out, size_t cap, const char *day);

#endif
