/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "place.h"
#include "record.h"
#include "spool.h"

/*
 * A day's file of records, as anybody may have left it. Read from either end
 * it holds the same records, and a job that is found among all is found when
 * it is asked for.
 */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

struct seen {
	unsigned long count, sum; /* of all texts, whatever their order */
};

static int
add(void *arg, const char *text, size_t len)
{
	struct seen *s = arg;
	unsigned long hash = 5381;

	if (len == 0 || text[0] != '{' || text[len - 1] != '}')
		abort();
	for (size_t i = 0; i < len; i++)
		hash = hash * 33 ^ (unsigned char)text[i];
	s->sum += hash;
	s->count++;
	return 0;
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct record_filter all = { .number = 0 }, some = { .number = 12 };
	struct seen forward = { 0 }, backward = { 0 }, few = { 0 };
	struct err err;
	struct spool *spool = place_spool();

	place_write(SPOOL_LOG, "webhooks_2026-01-01.json", data, size);
	if (record_each(spool, &all, add, &forward, &err) != 0)
		abort();
	all.newest_first = 1;
	if (record_each(spool, &all, add, &backward, &err) != 0 ||
	    record_each(spool, &some, add, &few, &err) != 0)
		abort();
	if (forward.count != backward.count || forward.sum != backward.sum ||
	    few.count > forward.count)
		abort();
	return 0;
}
