/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "config_layers.h"

#define LAYERS	   3  /* local file, block, root */
#define MERGED_MAX 16 /* keys of the top that are merged */

static struct config_value *merge(struct value_pool *pool,
    const struct config_key *key, const struct config_value *strong,
    const struct config_value *weak);

/* What the weak mapping adds: its members that the strong one has not. */
static size_t
append_missing(struct config_value **items, const char **names, size_t n,
    const struct config_value *strong, const struct config_value *weak)
{
	for (size_t i = 0; i < weak->count; i++) {
		if (weak->items[i]->kind == VALUE_NULL ||
		    value_get(strong, weak->names[i]) != NULL)
			continue;
		items[n] = weak->items[i];
		names[n++] = weak->names[i];
	}
	return n;
}

/* The strong mapping's members, with those merged that ask for it. */
static int
append_strong(struct value_pool *pool, const struct config_key *key,
    struct config_value **items, const char **names, size_t *n,
    const struct config_value *strong, const struct config_value *weak)
{
	for (size_t i = 0; i < strong->count; i++) {
		struct config_value *v = strong->items[i];
		const struct config_value *below =
		    value_get(weak, strong->names[i]);
		const struct config_key *member =
		    config_key_member(key, strong->names[i]);

		if (v->kind == VALUE_NULL)
			continue;
		if (member != NULL && member->marks & MARK_MERGE &&
		    v->kind == VALUE_MAP && value_is_map(below)) {
			v = merge(pool, member, v, below);
			if (v == NULL)
				return -1;
		}
		items[*n] = v;
		names[(*n)++] = strong->names[i];
	}
	return 0;
}

static struct config_value *
merge(struct value_pool *pool, const struct config_key *key,
    const struct config_value *strong, const struct config_value *weak)
{
	size_t most = strong->count + weak->count, n = 0;
	struct config_value **items = calloc(most + 1, sizeof *items);
	const char **names = calloc(most + 1, sizeof *names);
	struct config_value *v = pool_alloc(pool, sizeof *v), *out = NULL;

	if (items == NULL || names == NULL || v == NULL)
		goto out;
	v->kind = VALUE_MAP;
	v->line = strong->line;
	v->column = strong->column;
	v->source = strong->source;
	if (append_strong(pool, key, items, names, &n, strong, weak) == -1)
		goto out;
	n = append_missing(items, names, n, strong, weak);
	if (value_seal(pool, v, items, names, n) == 0)
		out = v;
out:
	free(items);
	free(names);
	return out;
}

/* One key's mappings of all layers as one; *out NULL: fewer than two. */
static int
merge_key(struct config_value **out, struct value_pool *pool,
    const struct config_key *key,
    const struct config_value *const layers[LAYERS])
{
	const struct config_value *v = NULL;
	struct config_value *merged = NULL;

	*out = NULL;
	for (size_t i = 0; i < LAYERS; i++) {
		const struct config_value *weak =
		    value_get(layers[i], key->name);

		if (weak == NULL)
			continue;
		if (v != NULL) {
			merged = merge(pool, key, v, weak);
			if (merged == NULL)
				return -1;
			weak = merged;
		}
		v = weak;
	}
	*out = merged;
	return 0;
}

int
config_merge(struct value_pool *pool, struct repository *r,
    const struct config_value *root)
{
	const struct config_value *const layers[LAYERS] = { r->local.map,
		r->block.map, root };
	struct config_value *items[MERGED_MAX], *top;
	const char *names[MERGED_MAX];
	const struct config_key *const *rows;
	size_t most = config_keys_marked(&rows, MARK_MERGE);
	size_t n = 0;

	for (size_t i = 0; i < most && n < MERGED_MAX; i++) {
		if (config_key_parent(rows[i]) != NULL)
			continue;
		if (merge_key(&items[n], pool, rows[i], layers) == -1)
			return -1;
		names[n] = rows[i]->name;
		n += items[n] != NULL;
	}
	if (n == 0)
		return 0;
	top = pool_alloc(pool, sizeof *top);
	if (top == NULL)
		return -1;
	top->kind = VALUE_MAP;
	top->source = items[0]->source;
	if (value_seal(pool, top, items, names, n) == -1)
		return -1;
	r->merged = top;
	return 0;
}
