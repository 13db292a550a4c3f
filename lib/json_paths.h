/* SPDX-License-Identifier: MIT */
#ifndef JSON_PATHS_H
#define JSON_PATHS_H

#include <stddef.h>
#include <stdint.h>

#include "json.h"

/*
 * Inside JSON only: follows the wanted paths while the scanner passes by.
 *
 * A set of paths is a bit mask. Each open object has the set that leads into
 * it; a key leaves those whose next segment it is, parted into `wanted`
 * (they end with the value that comes now) and `into` (they go on inside
 * it). Where no path leads, which is nearly everywhere, a key costs one
 * comparison.
 */

#define PATHS_DEPTH 8 /* segments of a path */

struct paths_segment {
	uint16_t at, len; /* in its path */
};

struct paths {
	struct json_pick found[JSON_PICKS];
	size_t n;
	uint64_t wanted, into;		 /* of the value that comes now */
	uint64_t alive[PATHS_DEPTH + 1]; /* of the objects open, by depth */
	struct paths_segment segments[PATHS_DEPTH + 2][JSON_PICKS];
};

void paths_init(struct paths *p, const struct json_pick *picks, size_t n);

/* A container opens, as the depth-th; returns those that want it. */
uint64_t paths_enter(struct paths *p, unsigned depth, int is_object);

/* A key, unescaped, in the object that is the depth-th. */
void paths_key(struct paths *p, unsigned depth, const char *key, size_t len);

/* The value that those of the set want. */
void paths_found(struct paths *p, uint64_t set, enum json_type type,
    const char *at, size_t len);

static inline int
paths_any(const struct paths *p, unsigned depth)
{
	return depth <= PATHS_DEPTH && p->alive[depth] != 0;
}

static inline void
paths_scalar(struct paths *p, enum json_type type, const char *at, size_t len)
{
	if (p->wanted != 0)
		paths_found(p, p->wanted, type, at, len);
	p->wanted = p->into = 0;
}

#endif
