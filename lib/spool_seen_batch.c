/* SPDX-License-Identifier: MIT */
/*
 * The entries of many jobs asked for at once: recovery meets a hundred
 * thousand jobs, nearly all of whose entries are there.
 */
#include <stdlib.h>

#include "spool_inside.h"

int
seen_batch_add(struct seen_batch *b, const struct job_head *head, size_t tag,
    struct err *err)
{
	struct seen_keys keys;

	if (seen_keys(&keys, head, err) == -1)
		return -1;
	if (b->keys == NULL) {
		b->keys =
		    calloc((size_t)SEEN_BATCH * SEEN_KINDS, sizeof *b->keys);
		b->jobs = calloc(SEEN_BATCH, sizeof *b->jobs);
		if (b->keys == NULL || b->jobs == NULL)
			return err_set(
			    err, ERR_TEMP, 0, "recovery: out of memory");
	}
	b->jobs[b->count++] = (struct seen_asked){ tag, keys.count };
	for (unsigned i = 0; i < keys.count; i++)
		b->keys[b->key_count++] = keys.key[i];
	return b->count == SEEN_BATCH;
}

static int
is_whole(const char *there, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (!there[i])
			return 0;
	}
	return 1;
}

int
seen_batch_ask(struct seen_batch *b, struct spool *s,
    int (*missing)(void *arg, size_t tag, struct err *err), void *arg,
    struct err *err)
{
	char *there = calloc((size_t)b->key_count + 1, 1);
	uint32_t at = 0;
	int rc = 0;

	if (there == NULL)
		return err_set(err, ERR_TEMP, 0, "recovery: out of memory");
	rc = ledger_look_many(s->seen, b->keys, b->key_count, there, err);
	for (uint32_t i = 0; rc == 0 && i < b->count; i++) {
		const struct seen_asked *job = &b->jobs[i];

		if (!is_whole(there + at, job->keys))
			rc = missing(arg, job->tag, err);
		at += job->keys;
	}
	b->count = b->key_count = 0;
	free(there);
	return rc;
}

void
seen_batch_release(struct seen_batch *b)
{
	free(b->keys);
	free(b->jobs);
	*b = (struct seen_batch){ 0 };
}
