/* SPDX-License-Identifier: MIT */
/*
 * What a record is found by. Two sides that must agree: any record that a
 * filter wants has a key in the filter's span.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "json.h"
#include "record.h"
#include "record_index.h"

#define UUID_LEN 36
#define FIRST	 8 /* hexadecimal digits of a UUID's first group */

enum pick {
	PICK_DELIVERY,
	PICK_DELIVERY_ID,
	PICK_JOB,
	PICK_REPOSITORY,
	PICK_SHORT,
	PICK_NUMBER,
	PICKS,
};

static const char *const pick_paths[PICKS] = {
	[PICK_DELIVERY] = "hook_id",
	[PICK_DELIVERY_ID] = "delivery_id",
	[PICK_JOB] = "job_id",
	[PICK_REPOSITORY] = "repository_full_name",
	[PICK_SHORT] = "repository",
	[PICK_NUMBER] = "pr.number",
};

/* FNV-1a, of the text in lower case. */
static uint64_t
hash_text(char kind, const char *text)
{
	uint64_t h = (UINT64_C(0xcbf29ce484222325) ^ (unsigned char)kind) *
		     UINT64_C(0x100000001b3);

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)tolower((unsigned char)*text)) *
		    UINT64_C(0x100000001b3);
	return h;
}

/* The digits that it begins with, as the highest bits; *n says how many. */
static uint64_t
first_digits(const char *text, size_t *n)
{
	uint64_t bits = 0;

	for (*n = 0; *n < FIRST; ++*n) {
		int c = tolower((unsigned char)text[*n]);

		if (!isxdigit(c))
			break;
		bits =
		    bits << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return *n == 0 ? 0 : bits << 4 * (2 * FIRST - *n);
}

static uint64_t
key_of_uuid(const char *text)
{
	size_t n;
	uint64_t first = first_digits(text, &n);

	return first | hash_text('u', text) >> 32;
}

static uint64_t
key_of_number(int64_t number)
{
	char text[24];

	snprintf(text, sizeof text, "%jd", (intmax_t)number);
	return hash_text('n', text);
}

/* ---- what is looked for ---- */

static int
only(struct index_span *span, uint64_t key)
{
	span->low = span->high = key;
	return 1;
}

/* All UUIDs that begin so. */
static int
beginning(struct index_span *span, const char *text)
{
	size_t n, len = strlen(text);
	uint64_t first;

	if (len >= UUID_LEN)
		return only(span, key_of_uuid(text));
	first = first_digits(text, &n);
	if (len == 0)
		return 0;
	/* Digits that are not given may be any. */
	span->low = first;
	span->high =
	    first | (UINT64_MAX >> 4 * (n == len && n < FIRST ? n : FIRST));
	return 1;
}

/* The rarest first. */
int
index_span(struct index_span *span, const struct record_filter *f)
{
	const char *dash = f->job_id != NULL ? strchr(f->job_id, '-') : NULL;

	if (dash != NULL)
		return only(span, key_of_uuid(dash + 1));
	if (f->delivery != NULL)
		return only(span, key_of_uuid(f->delivery));
	if (f->uuid != NULL)
		return beginning(span, f->uuid);
	if (f->number != 0)
		return only(span, key_of_number(f->number));
	if (f->repository != NULL)
		return only(span, hash_text('r', f->repository));
	return 0;
}

/* ---- what a record has ---- */

static const char *
string_of(const struct json_pick *pick, struct buf *b)
{
	buf_reset(b);
	json_pick_string(pick, b);
	return pick->type == JSON_STRING && b->state == BUF_OK && b->len > 0
		   ? b->data
		   : NULL;
}

static size_t
add(uint64_t *keys, size_t n, uint64_t key)
{
	for (size_t i = 0; i < n; i++)
		if (keys[i] == key)
			return n;
	keys[n] = key;
	return n + 1;
}

static size_t
add_job(
    uint64_t *keys, size_t n, const struct json_pick *number, const char *job)
{
	const char *dash = job != NULL ? strchr(job, '-') : NULL;
	int64_t of_job = job != NULL ? strtoll(job, NULL, 10) : 0, of_pr;

	if (dash != NULL)
		n = add(keys, n, key_of_uuid(dash + 1));
	if (json_pick_int(&of_pr, number) == 0)
		n = add(keys, n, key_of_number(of_pr));
	else if (of_job != 0)
		n = add(keys, n, key_of_number(of_job));
	return n;
}

size_t
index_keys(uint64_t keys[INDEX_KEYS], const char *text, size_t len)
{
	struct json_pick picks[PICKS] = { 0 };
	struct err ignored;
	const char *value;
	struct buf b;
	size_t n = 0;

	for (size_t i = 0; i < PICKS; i++)
		picks[i].path = pick_paths[i];
	if (json_scan(text, len, picks, PICKS, &ignored) == -1)
		return 0;
	buf_init(&b, 4096);
	if ((value = string_of(&picks[PICK_DELIVERY], &b)) != NULL)
		n = add(keys, n, key_of_uuid(value));
	if ((value = string_of(&picks[PICK_DELIVERY_ID], &b)) != NULL)
		n = add(keys, n, key_of_uuid(value));
	n = add_job(
	    keys, n, &picks[PICK_NUMBER], string_of(&picks[PICK_JOB], &b));
	if (picks[PICK_REPOSITORY].type != JSON_STRING)
		picks[PICK_REPOSITORY] = picks[PICK_SHORT];
	if ((value = string_of(&picks[PICK_REPOSITORY], &b)) != NULL)
		n = add(keys, n, hash_text('r', value));
	buf_release(&b);
	return n;
}
