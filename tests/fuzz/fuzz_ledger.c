/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "ledger.h"
#include "place.h"
#include "spool.h"

/*
 * Files of the ledger that hold anything at all:
 *
 *   N.P LENGTH, a line feed, and so many bytes (or what there is) of ledger.N.P
 *
 * again and again. Whatever they hold, what is put is found, by others too,
 * and what is erased is not; nothing else comes or goes.
 */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define FILES 6
#define KEYS  4
#define LARGE 512 /* pages: the next generation takes time and no new path */

/* All in the first page, but for one of them. */
static const uint8_t digests[KEYS][16] = {
	{ 0 },
	{ 0, 0, 0, 0, 1 },
	{ 1, 0, 0, 0, 2 },
	{ 0, 0, 0, 0, 3 },
};

/* The length of the name in a first line, 0 where there is none to use. */
static size_t
name_of(char *out, size_t room, const char *line, size_t len)
{
	const char *blank = memchr(line, ' ', len);
	const char *dot = memchr(line, '.', len);
	size_t n = blank != NULL ? (size_t)(blank - line) : 0;

	if (n == 0 || n + 8 > room || memchr(line, '/', n) != NULL ||
	    memchr(line, '\0', n) != NULL ||
	    (dot != NULL && strtoul(dot + 1, NULL, 10) > LARGE))
		return 0;
	snprintf(out, room, "ledger.%.*s", (int)n, line);
	return n;
}

static void
write_files(const char *text, size_t size)
{
	place_empty(SPOOL_SEEN);
	for (int i = 0; i < FILES && size > 0; i++) {
		const char *end = memchr(text, '\n', size);
		size_t head = end != NULL ? (size_t)(end - text) : size;
		char name[64];
		size_t n = name_of(name, sizeof name, text, head), len;

		if (n == 0 || end == NULL)
			return;
		len = strtoul(text + n, NULL, 10);
		text += head + 1;
		size -= head + 1;
		if (len > size)
			len = size;
		(void)ledger_is_name(name);
		place_write(SPOOL_SEEN, name, text, len);
		text += len;
		size -= len;
	}
}

static struct ledger *
open_ledger(void)
{
	struct ledger *l;
	struct err err;

	if (ledger_new(&l, spool_fd(place_spool(), SPOOL_SEEN), 0640, &err) ==
	    -1)
		abort();
	return l;
}

static void
lock(struct ledger *l)
{
	struct err err;

	if (ledger_lock(l, &err) == -1)
		abort();
}

static int
find(struct ledger *l, const struct ledger_key *key)
{
	struct err err;
	int there;

	lock(l);
	there = ledger_find(l, key, 0, &err);
	ledger_unlock(l);
	if (there == -1)
		abort();
	return there;
}

/* By one that reads the files anew, with the lock and without it. */
static unsigned
found_by_others(const struct ledger_key *keys)
{
	struct ledger *l = open_ledger();
	unsigned there = 0;
	uint64_t since;

	for (int i = 0; i < KEYS; i++)
		there |= (unsigned)find(l, &keys[i]) << i;
	if (ledger_look(l, keys, KEYS, &since) != there)
		abort();
	ledger_free(l);
	return there;
}

static uint64_t
count(struct ledger *l)
{
	struct err err;
	uint64_t n;

	if (ledger_count(l, 'd', &n, &err) == -1)
		abort();
	return n;
}

/* 0 where there is no number for the next file. */
static int
put_missing(struct ledger *l, const struct ledger_key *keys, unsigned there)
{
	struct err err;

	for (unsigned i = 0; i < KEYS; i++) {
		uint64_t before = count(l);
		int rc;

		if (there & 1u << i)
			continue;
		lock(l);
		rc = ledger_put(l, &keys[i], &err);
		ledger_unlock(l);
		if (rc == -1 && strstr(err.text, "no number") != NULL)
			return 0;
		if (rc == -1 || find(l, &keys[i]) != 1 ||
		    count(l) != before + 1)
			abort();
	}
	return 1;
}

static void
erase(struct ledger *l, const struct ledger_key *key)
{
	struct err err;

	lock(l);
	if (ledger_erase(l, key, &err) == -1)
		abort();
	ledger_unlock(l);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const unsigned all = (1u << KEYS) - 1;
	struct ledger_key keys[KEYS];
	struct ledger *l;
	unsigned there, removed;
	struct err err;

	for (int i = 0; i < KEYS; i++)
		ledger_key(&keys[i], 'd', digests[i]);
	write_files((const char *)data, size);
	there = found_by_others(keys);
	l = open_ledger();
	if (put_missing(l, keys, there)) {
		if (found_by_others(keys) != all)
			abort();
		erase(l, &keys[0]);
		if (found_by_others(keys) != (all & ~1u))
			abort();
	}
	if (ledger_sync(l, &err) == -1 ||
	    ledger_age(l, INT64_MAX, 'd', size % 8, &removed, &err) == -1)
		abort();
	/* What is old may be gone; it is taken as what is new. */
	put_missing(l, keys, found_by_others(keys));
	ledger_free(l);
	return 0;
}
