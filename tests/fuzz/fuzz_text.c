/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cidr.h"
#include "clock.h"
#include "err.h"
#include "event.h"
#include "glob.h"
#include "head.h"
#include "log.h"
#include "utf8.h"
#include "uuid.h"

/*
 * The small readers of a stranger's words: each gets the same text. A time
 * that is read and written is the same time; cleaned text is clean.
 */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void
times(const char *text)
{
	char again[CLOCK_TEXT];
	int64_t wall, same;

	if (clock_parse(&wall, text) == -1)
		return;
	clock_text_ns(again, wall);
	if (clock_parse(&same, again) == -1 || same != wall)
		abort();
}

static void
characters(const char *text, size_t len)
{
	size_t valid = utf8_valid(text, len), cut;
	char clean[64];

	if (valid > len)
		abort();
	cut = utf8_cut(text, valid, 3);
	if (cut > valid || cut > 12 || utf8_valid(text, cut) != cut)
		abort();
	head_clean(clean, sizeof clean, text, len);
	for (const char *p = clean; *p != '\0'; p++) {
		if (*p < 0x20 || *p > 0x7e)
			abort();
	}
}

static void
names(const char *text)
{
	char uuid[UUID_TEXT];
	struct err err = { 0 };
	struct cidr range;

	if (uuid_parse(uuid, text) == 0 && strlen(uuid) != UUID_TEXT - 1)
		abort();
	if (cidr_parse(&range, text, &err) == -1 && err.class == ERR_NONE)
		abort();
	(void)cidr_match(&range, 0, text);
	(void)event_name_valid(text);
	(void)event_find(text);
	(void)head_job_id_valid(text);
}

/* Pattern and name are what stands before and behind the first newline. */
static void
patterns(const char *text)
{
	const char *newline = strchr(text, '\n');
	char *pattern;

	if (newline == NULL || newline - text > 200)
		return;
	pattern = strndup(text, (size_t)(newline - text));
	if (pattern == NULL)
		return;
	if (glob_problem(pattern) == NULL)
		(void)glob_match(pattern, newline + 1);
	free(pattern);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	size_t room = size + 256;
	char *text = malloc(room);

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	times(text);
	characters(text, size);
	names(text);
	patterns(text);
	if (redact(text, size, room) > room)
		abort();
	free(text);
	return 0;
}
