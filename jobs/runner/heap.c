/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "err.h"
#include "runner/heap.h"

static void
put_at(struct heap *h, size_t at, void *item)
{
	h->items[at] = item;
	*h->place(item) = at;
}

static void
rise(struct heap *h, size_t at, void *item)
{
	for (; at > 1 && h->before(item, h->items[at / 2]); at /= 2)
		put_at(h, at, h->items[at / 2]);
	put_at(h, at, item);
}

static void
sink(struct heap *h, size_t at, void *item)
{
	for (;;) {
		size_t child = 2 * at;

		if (child + 1 <= h->n &&
		    h->before(h->items[child + 1], h->items[child]))
			child++;
		if (child > h->n || !h->before(h->items[child], item))
			break;
		put_at(h, at, h->items[child]);
		at = child;
	}
	put_at(h, at, item);
}

void
heap_add(struct heap *h, void *item)
{
	if (h->n + 1 >= h->cap) {
		h->cap = h->cap == 0 ? 64 : 2 * h->cap;
		h->items = reallocarray(h->items, h->cap, sizeof *h->items);
		if (h->items == NULL)
			fatal("out of memory");
	}
	rise(h, ++h->n, item);
}

void
heap_take(struct heap *h, void *item)
{
	size_t at = *h->place(item);
	void *last;

	if (at == 0)
		return;
	*h->place(item) = 0;
	last = h->items[h->n--];
	if (last == item)
		return;
	if (at > 1 && h->before(last, h->items[at / 2]))
		rise(h, at, last);
	else
		sink(h, at, last);
}

void *
heap_top(const struct heap *h)
{
	return h->n == 0 ? NULL : h->items[1];
}

void
heap_release(struct heap *h)
{
	free(h->items);
	h->items = NULL;
	h->n = h->cap = 0;
}
