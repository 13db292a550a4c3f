/* SPDX-License-Identifier: MIT */
#ifndef RECORD_INDEXER_H
#define RECORD_INDEXER_H

#include "err.h"

struct spool;

/*
 * Makes the indexes of all days (record_index.h) in one pass, in steps, for
 * the sweeper.
 *
 * Calling sequence: record_indexer_new(), record_indexer_step() until it does
 * not say 1, record_indexer_free(); the pass may be given up at any step. A
 * step reads a quarter of a megabyte of records, or one record where that is
 * longer. A day is covered to its end, where that is worth a part; parts that
 * have become small are made anew, so that there are few. Of several runners
 * one works at a day; the others pass it over.
 *
 * Memory: 2 MB for text and at most 2 MB for the entries of the part being
 * made, whatever the size of the files. Fails only where there is none; a
 * file that cannot be read or written is passed over, for it is read without
 * an index then.
 */

struct record_indexer;

int record_indexer_new(
    struct record_indexer **out, struct spool *s, struct err *err) CHECKED;

/* 1 while there is more to do, 0 at the end, -1 on failure. */
int record_indexer_step(struct record_indexer *ix, struct err *err) CHECKED;
void record_indexer_free(struct record_indexer *ix);

#endif
