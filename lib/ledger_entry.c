/* SPDX-License-Identifier: MIT */
/*
 * Entries and pages of the ledger, as bytes. A page may hold anything:
 * nothing here trusts it.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "digest.h"
#include "ledger_parts.h"

#define TIME_AT (LEDGER_TEXT + 1) /* ten digits */
#define SUMMED	(TIME_AT + 10)
#define SUM_AT	(SUMMED + 1) /* eight digits */

/* FNV-1a: it tells a torn entry from a whole one, not a forged one. */
static uint32_t
checksum(const char *entry)
{
	uint32_t h = 2166136261u;

	for (int i = 0; i < SUMMED; i++)
		h = (h ^ (unsigned char)entry[i]) * 16777619u;
	return h;
}

static void
put_checksum(char out[9], const char *entry)
{
	uint32_t sum = checksum(entry);
	uint8_t bytes[4] = { (uint8_t)(sum >> 24), (uint8_t)(sum >> 16),
		(uint8_t)(sum >> 8), (uint8_t)sum };

	hex_encode(out, bytes, sizeof bytes);
}

void
ledger_key_beside(struct ledger_key *out, char kind, const uint8_t digest[16],
    const struct ledger_key *other)
{
	ledger_key(out, kind, digest);
	out->spread = other->spread;
}

void
ledger_key(struct ledger_key *out, char kind, const uint8_t digest[16])
{
	char digits[2 * 16 + 1];

	hex_encode(digits, digest, 16);
	out->text[0] = kind;
	out->text[1] = ' ';
	memcpy(out->text + 2, digits, 32);
	memcpy(&out->spread, digest, sizeof out->spread);
}

void
ledger_entry(char out[LEDGER_ENTRY], const struct ledger_key *key, int64_t wall)
{
	int64_t seconds = wall > 0 ? wall / CLOCK_SECOND : 0;
	uint8_t time[5];
	char digits[11];

	for (int i = 0; i < 5; i++)
		time[i] = (uint8_t)(seconds >> (8 * (4 - i)));
	memset(out, ' ', LEDGER_ENTRY);
	memcpy(out, key->text, LEDGER_TEXT);
	hex_encode(digits, time, sizeof time);
	memcpy(out + TIME_AT, digits, 10);
	put_checksum(digits, out);
	memcpy(out + SUM_AT, digits, 8);
	out[LEDGER_ENTRY - 1] = '\n';
}

/* Enough to leave the place alone; whether it holds is asked of the one that
 * is looked for. */
static int
is_taken(const char *entry)
{
	return entry[0] >= 'a' && entry[0] <= 'z' && entry[1] == ' ' &&
	       entry[LEDGER_ENTRY - 1] == '\n';
}

static int
is_whole(const char *entry)
{
	char sum[9];

	if (!is_taken(entry))
		return 0;
	put_checksum(sum, entry);
	return memcmp(entry + SUM_AT, sum, 8) == 0;
}

int
ledger_page_find(const char *page, const struct ledger_key *key)
{
	for (int at = 0; at < LEDGER_PAGE; at += LEDGER_ENTRY) {
		if (memcmp(page + at, key->text, LEDGER_TEXT) == 0 &&
		    is_whole(page + at))
			return at;
	}
	return -1;
}

int
ledger_page_free(const char *page)
{
	for (int at = 0; at < LEDGER_PAGE; at += LEDGER_ENTRY) {
		if (!is_taken(page + at))
			return at;
	}
	return -1;
}

unsigned
ledger_page_count(const char *page, char kind)
{
	unsigned count = 0;

	for (int at = 0; at < LEDGER_PAGE; at += LEDGER_ENTRY)
		count += page[at] == kind && is_whole(page + at);
	return count;
}
