/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"
#include "head.h"

/*
 * Heads of spool files. One that is taken can be written again, and what was
 * written says the same.
 */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void
write_and_read_again(const struct job_head *head)
{
	struct job_head again;
	struct err err = { 0 };
	size_t body_at;
	struct buf b;

	buf_init(&b, HEAD_MAX);
	if (head_format(&b, head, 0, &err) == -1)
		abort();
	if (head_parse(&again, &body_at, b.data, b.len, &err) == -1)
		abort();
	if (body_at != b.len || strcmp(again.id, head->id) != 0 ||
	    strcmp(again.key, head->key) != 0 ||
	    strcmp(again.repository, head->repository) != 0 ||
	    again.length != head->length || again.received != head->received)
		abort();
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct job_head head;
	struct err err = { 0 };
	size_t body_at;

	if (head_parse(&head, &body_at, (const char *)data, size, &err) == -1)
		return err.class == ERR_BAD ? 0 : (abort(), 0);
	if (body_at > size)
		abort();
	write_and_read_again(&head);
	return 0;
}
