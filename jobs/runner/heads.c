/* SPDX-License-Identifier: MIT */
#include "runner/heads.h"

#include <stdlib.h>
#include <string.h>

#include "runner/scan.h"

void
heads_add(struct heads *h, ino_t ino, const struct job_head *head)
{
	struct known_head *known;

	if (h->n == h->cap) {
		h->cap = h->cap == 0 ? 256 : 2 * h->cap;
		h->list = reallocarray(h->list, h->cap, sizeof *h->list);
		if (h->list == NULL)
			fatal("out of memory");
	}
	known = &h->list[h->n++];
	known->ino = ino;
	scan_fill(&known->w, head, SPOOL_NEW, 0);
	h->sorted = 0;
}

static int
by_inode(const void *a, const void *b)
{
	const struct known_head *x = a, *y = b;

	return (x->ino > y->ino) - (x->ino < y->ino);
}

const struct waiting *
heads_find(struct heads *h, ino_t ino, const char *id)
{
	const struct known_head wanted = { .ino = ino }, *found;

	if (h->n == 0)
		return NULL;
	if (!h->sorted)
		qsort(h->list, h->n, sizeof *h->list, by_inode);
	h->sorted = 1;
	found = bsearch(&wanted, h->list, h->n, sizeof *h->list, by_inode);
	return found != NULL && strcmp(found->w.id, id) == 0 ? &found->w : NULL;
}

void
heads_release(struct heads *h)
{
	free(h->list);
	*h = (struct heads){ 0 };
}
