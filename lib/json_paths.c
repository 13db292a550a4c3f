/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "err.h"
#include "json_paths.h"

static size_t
count_segments(const char *path)
{
	size_t count = 1;

	for (; (path = strchr(path, '.')) != NULL; path++)
		count++;
	return count;
}

static struct paths_segment
segment_at(const char *path, size_t at)
{
	return (struct paths_segment){ (uint16_t)at,
		(uint16_t)strcspn(path + at, ".") };
}

/* Paths are written in our source: a bad one is a bug. */
void
paths_init(struct paths *p, const struct json_pick *picks, size_t n)
{
	if (n > JSON_PICKS)
		BUG("too many picks");
	p->n = n;
	p->wanted = p->into = 0;
	memset(p->alive, 0, sizeof p->alive);
	for (size_t i = 0; i < n; i++) {
		const char *path = picks[i].path;

		if (strlen(path) > UINT16_MAX ||
		    count_segments(path) > PATHS_DEPTH)
			BUG("path too long");
		p->found[i] = (struct json_pick){ .path = path };
		p->segments[1][i] = segment_at(path, 0);
		p->into |= UINT64_C(1) << i;
	}
}

uint64_t
paths_enter(struct paths *p, unsigned depth, int is_object)
{
	uint64_t wanted = p->wanted;

	if (depth <= PATHS_DEPTH)
		p->alive[depth] = is_object ? p->into : 0;
	p->wanted = p->into = 0;
	return wanted;
}

void
paths_key(struct paths *p, unsigned depth, const char *key, size_t len)
{
	for (uint64_t left = p->alive[depth]; left != 0; left &= left - 1) {
		size_t i = (size_t)__builtin_ctzll(left), behind;
		struct paths_segment s = p->segments[depth][i];
		const char *path = p->found[i].path;

		if (s.len != len || memcmp(path + s.at, key, len) != 0)
			continue;
		behind = (size_t)s.at + s.len;
		if (path[behind] == '\0') {
			p->wanted |= UINT64_C(1) << i;
		} else {
			p->into |= UINT64_C(1) << i;
			p->segments[depth + 1][i] =
			    segment_at(path, behind + 1);
		}
	}
}

void
paths_found(struct paths *p, uint64_t set, enum json_type type, const char *at,
    size_t len)
{
	for (; set != 0; set &= set - 1) {
		struct json_pick *pick = &p->found[__builtin_ctzll(set)];

		pick->type = type;
		pick->at = at;
		pick->len = len;
	}
}
