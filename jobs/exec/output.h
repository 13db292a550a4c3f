/* SPDX-License-Identifier: MIT */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

struct steplog;

/*
 * What a command wrote, in bounded memory and on bounded disk.
 *
 * The beginning streams to the step log line by line as it comes, up to a
 * quarter of the maximum. After that only the newest bytes are kept, in a
 * ring, and the rest is counted. output_end() writes the ring's lines to the
 * log behind a note of what is missing, and gives the tail to the caller.
 *
 * Lines are redacted, here because a secret must be whole to be found, and
 * cut at OUTPUT_LINE bytes.
 */

#define OUTPUT_LINE 16384

struct output {
	struct steplog *log; /* NULL: nothing is logged */
	const char *step;
	size_t max;	       /* bytes of the ring; the log's share: max / 4 */
	uint64_t bytes, lines; /* written by the command */
	uint64_t logged;       /* bytes that went to the log as they came */
	char *ring;	       /* byte i of the output at i % max */
	struct buf line;       /* begun, its newline has not come */
};

int output_init(struct output *o, struct steplog *log, const char *step,
    size_t max, struct err *err) CHECKED;
void output_add(struct output *o, const char *bytes, size_t len);

/* Adds the redacted tail to `tail`, which may be NULL. */
void output_end(struct output *o, struct buf *tail);
void output_release(struct output *o);

#endif
