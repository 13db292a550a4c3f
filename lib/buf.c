/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"

#define BUF_FIRST 256		 /* bytes of the first allocation */
#define BUF_MOST  (SIZE_MAX / 4) /* so that doubling cannot overflow */

/* What `data` points to while nothing is allocated; never written to. */
static char empty[1];

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .data = empty,
		.max = max < BUF_MOST ? max : BUF_MOST };
}

void
buf_release(struct buf *b)
{
	if (b->cap > 0)
		free(b->data);
	*b = (struct buf){ .data = empty, .max = b->max };
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->state = BUF_OK;
	if (b->cap > 0)
		b->data[0] = '\0';
}

char *
buf_room(struct buf *b, size_t len)
{
	size_t need, cap;
	char *data;

	if (b->state != BUF_OK)
		return NULL;
	if (len > b->max - b->len) {
		b->state = BUF_FULL;
		return NULL;
	}
	need = b->len + len + 1;
	if (need <= b->cap)
		return b->data + b->len;
	for (cap = b->cap > 0 ? b->cap : BUF_FIRST; cap < need;)
		cap *= 2;
	if (cap > b->max + 1)
		cap = b->max + 1;
	data = realloc(b->cap > 0 ? b->data : NULL, cap);
	if (data == NULL) {
		b->state = BUF_NOMEM;
		return NULL;
	}
	/* The NUL behind what is there, also if nothing is added now. */
	data[b->len] = '\0';
	b->data = data;
	b->cap = cap;
	return b->data + b->len;
}

void
buf_add(struct buf *b, const void *bytes, size_t len)
{
	char *room = buf_room(b, len);

	if (room == NULL)
		return;
	if (len > 0)
		memcpy(room, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_adds(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void
buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char *room;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	/* No libc we know of fails here but for more than INT_MAX bytes. */
	if (len < 0 && b->state == BUF_OK)
		b->state = BUF_FULL;
	if (len < 0 || (room = buf_room(b, (size_t)len)) == NULL)
		return;
	vsnprintf(room, (size_t)len + 1, fmt, ap);
	b->len += (size_t)len;
}

int
buf_check(const struct buf *b, const char *what, struct err *err)
{
	switch (b->state) {
	case BUF_OK:
		return 0;
	case BUF_FULL:
		return err_set(
		    err, ERR_BAD, 0, "%s: more than %zu bytes", what, b->max);
	case BUF_NOMEM:
		break;
	}
	return err_set(err, ERR_TEMP, 0, "%s: out of memory", what);
}
