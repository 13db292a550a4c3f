/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "log.h"
#include "output.h"
#include "steplog.h"
#include "utf8.h"

#define OUTPUT_MIN   4096
#define REDACT_SPACE 1024 /* a replacement may be longer than the secret */

int
output_init(struct output *o, struct steplog *log, const char *step, size_t max,
    struct err *err)
{
	*o = (struct output){ .log = log, .step = step };
	o->max = max < OUTPUT_MIN ? OUTPUT_MIN : max;
	o->ring = malloc(o->max);
	if (o->ring == NULL)
		return err_set(err, ERR_TEMP, 0, "output: out of memory");
	buf_init(&o->line, OUTPUT_LINE);
	return 0;
}

void
output_release(struct output *o)
{
	free(o->ring);
	o->ring = NULL;
	buf_release(&o->line);
}

static void
log_line(struct output *o, const char *text, size_t len)
{
	char line[OUTPUT_LINE + REDACT_SPACE];
	struct buf members;

	if (o->log == NULL)
		return;
	if (len > 0 && text[len - 1] == '\r')
		len--;
	memcpy(line, text, len);
	len = redact(line, len, sizeof line);
	buf_init(&members, 8 * sizeof line);
	json_put_member(&members, "stream", "output");
	json_put_key(&members, "text");
	json_put_string_len(&members, line, len);
	if (members.state == BUF_OK)
		steplog_line(o->log, "info", "output", o->step, members.data);
	buf_release(&members);
}

/* A cut inside a character would spoil it in both parts. */
static void
flush_line(struct output *o, int all)
{
	size_t len = o->line.len, whole;

	if (!all) {
		whole = utf8_valid(o->line.data, len);
		if (len - whole < 4)
			len = whole;
	}
	log_line(o, o->line.data, len);
	memmove(o->line.data, o->line.data + len, o->line.len - len);
	o->line.len -= len;
}

static void
log_bytes(struct output *o, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n') {
			flush_line(o, 1);
			continue;
		}
		if (o->line.len == OUTPUT_LINE)
			flush_line(o, 0);
		buf_addc(&o->line, bytes[i]);
	}
}

static void
keep_in_ring(struct output *o, const char *bytes, size_t len)
{
	uint64_t at = o->bytes;
	size_t offset, first;

	if (len > o->max) {
		at += len - o->max;
		bytes += len - o->max;
		len = o->max;
	}
	offset = (size_t)(at % o->max);
	first = o->max - offset < len ? o->max - offset : len;
	memcpy(o->ring + offset, bytes, first);
	memcpy(o->ring, bytes + first, len - first);
}

static uint64_t
count_lines(const char *bytes, size_t len)
{
	const char *end = bytes + len, *p = bytes;
	uint64_t n = 0;

	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		n++;
		p++;
	}
	return n;
}

void
output_add(struct output *o, const char *bytes, size_t len)
{
	size_t share = o->max / 4, take;

	if (o->logged == o->bytes && o->logged < share) {
		take = len < share - o->logged ? len : share - o->logged;
		log_bytes(o, bytes, take);
		o->logged += take;
	}
	keep_in_ring(o, bytes, len);
	o->lines += count_lines(bytes, len);
	o->bytes += len;
}

/* Adds the ring's bytes from number `from` of the output on. */
static void
copy_ring(const struct output *o, uint64_t from, struct buf *out)
{
	while (from < o->bytes) {
		size_t offset = (size_t)(from % o->max);
		uint64_t len = o->max - offset;

		if (len > o->bytes - from)
			len = o->bytes - from;
		buf_add(out, o->ring + offset, (size_t)len);
		from += len;
	}
}

/* A ring that has overflowed begins inside a line, maybe inside a secret:
 * the kept part begins behind the first newline, if one is near. */
static uint64_t
first_kept(const struct output *o)
{
	uint64_t from = o->bytes > o->max ? o->bytes - o->max : 0;
	uint64_t most = from + OUTPUT_LINE;

	if (from == 0)
		return 0;
	for (uint64_t i = from; i < o->bytes && i < most; i++) {
		if (o->ring[i % o->max] == '\n')
			return i + 1;
	}
	return from;
}

static void
log_rest(struct output *o, uint64_t kept)
{
	uint64_t from = o->logged > kept ? o->logged : kept;
	struct buf rest;

	if (o->log != NULL && from < o->bytes) {
		if (from > o->logged) {
			if (o->line.len > 0)
				flush_line(o, 1);
			steplog_note(o->log,
			    "%llu bytes of the command's output are not kept",
			    (unsigned long long)(from - o->logged));
		}
		buf_init(&rest, o->max);
		copy_ring(o, from, &rest);
		log_bytes(o, rest.data, rest.len);
		buf_release(&rest);
	}
	if (o->line.len > 0)
		flush_line(o, 1);
}

void
output_end(struct output *o, struct buf *tail)
{
	uint64_t kept = first_kept(o);
	struct buf text;
	size_t len, size;

	log_rest(o, kept);
	if (tail == NULL)
		return;
	buf_init(&text, o->max + REDACT_SPACE);
	copy_ring(o, kept, &text);
	len = text.len;
	size = len + REDACT_SPACE;
	if (buf_room(&text, REDACT_SPACE) != NULL)
		len = redact(text.data, len, size);
	buf_add(tail, text.data, len);
	buf_release(&text);
}
