/* SPDX-License-Identifier: MIT */
#ifndef REDACT_H
#define REDACT_H

#include <stddef.h>

/*
 * Inside redaction only: log.h declares what everybody calls (log_secret(),
 * redact(), redact_json()). redact.c has the table of known values and the
 * pass over a text, redact_pattern.c what secrets look like.
 */

#define REDACT_MARK	"[redacted]"
#define REDACT_MARK_LEN (sizeof REDACT_MARK - 1)

/* A part of a text: offsets, empty if to <= from. */
struct redact_span {
	size_t from, to;
};

/*
 * The secret that the n > 0 bytes at p begin, relative to p, or an empty span.
 * What must go may begin later: the password behind "://user:".
 */
struct redact_span redact_pattern(const char *p, size_t n);

/* 1 for each byte that a pattern can begin with. */
extern const unsigned char redact_begins[256];

/* 1 if a mark stands at p. */
int redact_is_mark(const char *p, size_t n);

/* log_secret(), but tells: 0, or -1 where there is no memory (errno). */
int redact_register(const char *value, size_t len)
    __attribute__((warn_unused_result));

#endif
