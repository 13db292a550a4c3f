/* SPDX-License-Identifier: MIT */
#ifndef BUF_H
#define BUF_H

#include <stdarg.h>
#include <stddef.h>

struct err;

/*
 * The one growing string. Each is born with a maximum, so that nothing a
 * stranger sends can make it larger than its owner allowed.
 *
 * Calling sequence: buf_init(), any number of buf_add*(), buf_check() once
 * before the contents are used, buf_release(). The adders return nothing:
 * the first that does not fit, or finds no memory, marks the buffer, and all
 * later ones are ignored. buf_check() then tells. What the buffer held
 * before that stays readable.
 *
 * `data` is owned by the buffer, always NUL-terminated, moves when the
 * buffer grows, and may hold NULs of its own. buf_release() may be called
 * twice and on a zeroed struct.
 */

enum buf_state { BUF_OK, BUF_FULL, BUF_NOMEM };

struct buf {
	char *data;	      /* never NULL after buf_init() */
	size_t len;	      /* bytes used, without the NUL */
	size_t cap, max;      /* bytes allocated; most `len` may become */
	enum buf_state state; /* the first failure, sticky */
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);

/* Empties the buffer and its failure mark; the memory is kept. */
void buf_reset(struct buf *b);

void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_adds(struct buf *b, const char *text);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* 0 if all that was added is there; else -1, ERR_BAD (full) or ERR_TEMP. */
int buf_check(const struct buf *b, const char *what, struct err *err)
    __attribute__((warn_unused_result));

/* Room for `len` more bytes and a NUL at data + b->len, or NULL. Who fills it
 * adds to b->len and puts the NUL behind. */
char *buf_room(struct buf *b, size_t len);

#endif
