/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"
#include "event.h"
#include "head.h"
#include "payload.h"

/*
 * A signed body on its way into a head. The first byte chooses the event (of
 * all that the table has) and the second the content type; what is accepted
 * must make a head that can be written and read again.
 */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void
check_round_trip(const struct job_head *head)
{
	struct job_head again;
	struct err err = { 0 };
	size_t body_at;
	struct buf b;

	buf_init(&b, HEAD_MAX);
	if (head_format(&b, head, 0, &err) == -1 ||
	    head_parse(&again, &body_at, b.data, b.len, &err) == -1 ||
	    strcmp(again.key, head->key) != 0 ||
	    strcmp(again.repository, head->repository) != 0)
		abort();
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct job_head head = {
		.request_id = "01234567-89ab-4cde-8f01-23456789abcd",
		.delivery = "abcdef01-72d3-11e3-a5a5-5404a6a3f7e8",
		.hook_id = "42",
		.type = HEAD_TYPE_JSON,
		.received = 1,
	};
	const struct event_kind *kind;
	struct err why = { 0 };

	if (size < 2)
		return 0;
	kind = event_at(data[0]);
	if (kind == NULL)
		kind = event_at(0);
	memcpy(head.event, kind->name, strlen(kind->name) + 1);
	if (data[1] % 2 == 1)
		memcpy(head.type, HEAD_TYPE_FORM, sizeof HEAD_TYPE_FORM);
	if (payload_read(&head, (const char *)data + 2, size - 2, &why) ==
	    REPLY_NONE)
		check_round_trip(&head);
	return 0;
}
