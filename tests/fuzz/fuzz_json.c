/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"
#include "json.h"

/*
 * The payload reader: the one pass and the tree take and refuse the same
 * objects, find the same values, and what the tree writes is read again as
 * the same.
 */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const char *const paths[] = { "a", "a.b", "number", "repository.id" };

#define PATHS (sizeof paths / sizeof *paths)

static void
same_number(const struct json_pick *pick, const struct json *v)
{
	int64_t n;

	if (json_pick_int(&n, pick) == -1 || n > (INT64_C(1) << 53) ||
	    n < -(INT64_C(1) << 53))
		return;
	if (json_int(v, n) != n)
		abort();
}

static void
same_string(const struct json_pick *pick, const struct json *v)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	json_pick_string(pick, &text);
	if (text.state == BUF_OK && strcmp(text.data, json_str(v, "")) != 0)
		abort();
	buf_release(&text);
}

static void
compare(const struct json_pick *picks, const struct json *doc)
{
	for (size_t i = 0; i < PATHS; i++) {
		const struct json *v = json_path(doc, picks[i].path);

		if (json_type(v) != picks[i].type)
			abort();
		if (picks[i].type == JSON_NUMBER)
			same_number(&picks[i], v);
		if (picks[i].type == JSON_STRING)
			same_string(&picks[i], v);
	}
}

static void
write_and_read_again(const struct json *doc)
{
	struct json *again;
	struct err err = { 0 };
	struct buf text, same;

	buf_init(&text, 1 << 22);
	buf_init(&same, 1 << 22);
	json_put_value(&text, doc);
	if (text.state == BUF_OK) {
		if (json_parse(&again, text.data, text.len, &err) == -1)
			abort();
		json_put_value(&same, again);
		if (strcmp(text.data, same.data) != 0)
			abort();
		json_free(again);
	}
	buf_release(&text);
	buf_release(&same);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct json_pick picks[PATHS];
	struct err err = { 0 };
	struct json *doc;
	int scanned;

	for (size_t i = 0; i < PATHS; i++)
		picks[i] = (struct json_pick){ .path = paths[i] };
	scanned = json_scan((const char *)data, size, picks, PATHS, &err);
	if (scanned == -1 && err.text[0] == '\0')
		abort();
	if (json_parse(&doc, (const char *)data, size, &err) == -1) {
		if (scanned == 0 && err.class == ERR_BAD)
			abort();
		return 0;
	}
	if (scanned == 0)
		compare(picks, doc);
	else if (json_type(doc) == JSON_OBJECT)
		abort(); /* the one pass takes every object */
	write_and_read_again(doc);
	json_free(doc);
	return 0;
}
