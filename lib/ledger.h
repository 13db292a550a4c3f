/* SPDX-License-Identifier: MIT */
#ifndef LEDGER_H
#define LEDGER_H

#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/*
 * A set of digests in files, shared by processes and threads, that answers
 * in microseconds and forgets what is old. The files are the directory's
 * ledger.N.P: the N-th generation, a table of P pages of 4096 bytes, of 64
 * entries each. A key's page follows from the key, and it may stand at any
 * place of that page, so that no entry depends on another: what a power cut
 * left out is not there, and that is all.
 *
 * An entry is 64 bytes of text, which never cross a sector:
 *
 *   d 0123456789abcdef0123456789abcdef 0069211b80 5a9c3f01         \n
 *   kind, 128 bits of the digest, time in seconds, checksum, blanks
 *
 * What is none (zeros, rubbish, half an entry) is a free place. When a page is
 * full the next, larger generation begins; all are looked through, and new
 * entries go to the newest only. `age` removes the oldest.
 *
 * Calling sequence: ledger_look() without a lock, as a hint; to be sure
 * ledger_lock(), ledger_find(), ledger_put() or ledger_erase(),
 * ledger_unlock(). The lock is the kernel's, freed with its holder, and held
 * for microseconds. ledger_sync() makes everybody's entries durable.
 *
 * Files that come, go, shrink or hold anything at all are no error: what
 * cannot be read is not there. Errors are those of the file system.
 */

#define LEDGER_TEXT 34 /* of an entry: its kind, a blank, 32 digits */

struct ledger_key {
	char text[LEDGER_TEXT];
	uint32_t spread; /* decides its page */
};

/* The first 16 bytes of a digest; the kind is a lower-case letter. */
void ledger_key(struct ledger_key *out, char kind, const uint8_t digest[16]);

/* A key in the page of another, so that both cost one read. It has to be made
 * so each time. */
void ledger_key_beside(struct ledger_key *out, char kind,
    const uint8_t digest[16], const struct ledger_key *other);

struct ledger;

/* `dir` is borrowed; files are made with `mode` when they are needed. */
int ledger_new(
    struct ledger **out, int dir, mode_t mode, struct err *err) CHECKED;
void ledger_free(struct ledger *l);

/*
 * One bit for each of the keys that is there. *since becomes the newest
 * generation that was looked through: ledger_find() need not look through
 * older ones again.
 */
unsigned ledger_look(struct ledger *l, const struct ledger_key *keys,
    unsigned count, uint64_t *since);

/*
 * The same for many keys: there[i] becomes 1 or 0. Reads each page once, in
 * order. Fails only where there is no memory.
 */
int ledger_look_many(struct ledger *l, const struct ledger_key *keys,
    uint32_t count, char *there, struct err *err) CHECKED;

int ledger_lock(struct ledger *l, struct err *err) CHECKED;
void ledger_unlock(struct ledger *l);

/* With the lock: 1 if the key is in generation `since` or a newer one. */
int ledger_find(struct ledger *l, const struct ledger_key *key, uint64_t since,
    struct err *err) CHECKED;
/* With the lock, and where it was not found. */
int ledger_put(
    struct ledger *l, const struct ledger_key *key, struct err *err) CHECKED;
int ledger_erase(
    struct ledger *l, const struct ledger_key *key, struct err *err) CHECKED;

/*
 * Flushes what any process put or erased before the call, and the names of
 * the files. After a failed flush the descriptor is given up, and the next
 * call writes all entries anew before it flushes again.
 */
int ledger_sync(struct ledger *l, struct err *err) CHECKED;

/* How many entries of a kind there are. */
int ledger_count(
    struct ledger *l, char kind, uint64_t *count, struct err *err) CHECKED;

/*
 * Removes generations that nothing was put into since `before` (wall clock,
 * ns), oldest first, as long as the newer ones have `least` entries of that
 * kind. The newest always stays.
 */
int ledger_age(struct ledger *l, int64_t before, char kind, uint64_t least,
    unsigned *removed, struct err *err) CHECKED;

/* 1 if `name` is a generation's. */
int ledger_is_name(const char *name);

#endif
