/* SPDX-License-Identifier: MIT */
/*
 * The oldest of all that wait. Each key's line is in order, so of a line no
 * more is looked at than what is older than the youngest of those found.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/backlog_parts.h"

/* A heap with the youngest at [0]. */
struct oldest {
	const struct waiting **jobs;
	size_t n, max;
};

static int
is_younger(const struct waiting *a, const struct waiting *b)
{
	if (a->received != b->received)
		return a->received > b->received;
	return strcmp(a->id, b->id) > 0;
}

static void
swap(struct oldest *o, size_t i, size_t j)
{
	const struct waiting *job = o->jobs[i];

	o->jobs[i] = o->jobs[j];
	o->jobs[j] = job;
}

static void
add(struct oldest *o, const struct waiting *job)
{
	size_t i = o->n++;

	o->jobs[i] = job;
	for (; i > 0 && is_younger(job, o->jobs[(i - 1) / 2]); i = (i - 1) / 2)
		swap(o, i, (i - 1) / 2);
}

static void
replace_youngest(struct oldest *o, const struct waiting *job)
{
	size_t i = 0, child;

	o->jobs[0] = job;
	while ((child = 2 * i + 1) < o->n) {
		if (child + 1 < o->n &&
		    is_younger(o->jobs[child + 1], o->jobs[child]))
			child++;
		if (!is_younger(o->jobs[child], o->jobs[i]))
			break;
		swap(o, i, child);
		i = child;
	}
}

static void
look_at_line(struct oldest *o, const struct key *k, enum waits in)
{
	for (const struct entry *e = k->first; e != NULL; e = e->after) {
		if (o->n == o->max && is_younger(&e->w, o->jobs[0]))
			return;
		if (e->w.in != in)
			continue;
		if (o->n < o->max)
			add(o, &e->w);
		else
			replace_youngest(o, &e->w);
	}
}

static int
by_age(const void *a, const void *b)
{
	const struct waiting *const *x = a, *const *y = b;

	return is_younger(*x, *y) - is_younger(*y, *x);
}

size_t
backlog_oldest(const struct backlog *b, enum waits in,
    const struct waiting **out, size_t max)
{
	struct oldest o = { .jobs = out, .max = max };

	for (size_t i = 0; max > 0 && i < b->key_buckets; i++) {
		for (const struct key *k = b->keys[i]; k != NULL; k = k->chain)
			look_at_line(&o, k, in);
	}
	if (o.n > 1)
		qsort(out, o.n, sizeof(*out), by_age);
	return o.n;
}
