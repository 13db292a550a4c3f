/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "json.h"
#include "log.h"

/*
 * Redaction. With room for all marks, registered values are gone and a second
 * time changes nothing; without room nothing is written outside it.
 */

#define SECRET "s3cr3t-value"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void
register_once(void)
{
	static int done;

	if (!done) {
		log_secret(SECRET, strlen(SECRET));
		log_secret("dacted", 6); /* a part of the mark */
		log_secret("nul\"\\x", 6);
	}
	done = 1;
}

static void
with_room(const unsigned char *data, size_t size)
{
	size_t room = 2 * size + 64, len, again;
	char *text = malloc(room), *copy = malloc(room);

	if (text == NULL || copy == NULL)
		abort();
	memcpy(text, data, size);
	len = redact(text, size, room);
	if (len > room || memmem(text, len, SECRET, strlen(SECRET)) != NULL)
		abort();
	memcpy(copy, text, len);
	again = redact(copy, len, room);
	if (again != len || memcmp(copy, text, len) != 0)
		abort();
	free(text);
	free(copy);
}

static void
without_room(const unsigned char *data, size_t size)
{
	char *text = malloc(size > 0 ? size : 1);
	size_t len;

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	len = redact(text, size, size);
	if (len > size || memmem(text, len, SECRET, strlen(SECRET)) != NULL)
		abort();
	free(text);
}

/* JSON stays JSON, but for keys that have become alike. */
static void
in_json(const unsigned char *data, size_t size)
{
	size_t room = 2 * size + 64, len;
	char *text = malloc(room);
	struct err err = { 0 };
	struct json *doc;

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	if (json_parse(&doc, text, size, &err) == 0) {
		json_free(doc);
		len = redact_json(text, size, room);
		if (json_parse(&doc, text, len, &err) == 0)
			json_free(doc);
		else if (strstr(err.text, "same key twice") == NULL)
			abort();
	} else if (redact_json(text, size, room) > room) {
		abort();
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	register_once();
	in_json(data, size);
	with_room(data, size);
	without_room(data, size);
	return 0;
}
