/* SPDX-License-Identifier: MIT */
#ifndef HEAP_H
#define HEAP_H

#include <stddef.h>

/*
 * A binary heap of pointers whose elements know where they stand, so that
 * one in the middle can be taken out. `before` orders two elements;
 * `place` is where an element keeps its position (from 1; 0: in no heap).
 *
 * Memory that runs out is fatal. heap_release() leaves the elements alone.
 */

struct heap {
	void **items; /* items[0] is not used */
	size_t n, cap;
	int (*before)(const void *a, const void *b);
	size_t *(*place)(void *item);
};

void heap_add(struct heap *h, void *item);
void heap_take(struct heap *h, void *item); /* nothing if not in it */
void *heap_top(const struct heap *h);	    /* NULL if empty */
void heap_release(struct heap *h);

#endif
