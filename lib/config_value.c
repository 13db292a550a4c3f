/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_value.h"

#define CHUNK_SIZE 32768 /* bytes of a pool's chunk, unless more is asked */

struct value_chunk {
	struct value_chunk *next;
	size_t used, size;
	_Alignas(max_align_t) char bytes[];
};

void *
pool_alloc(struct value_pool *pool, size_t size)
{
	struct value_chunk *c = pool->chunks;
	size_t align = _Alignof(max_align_t);

	size = (size + align - 1) / align * align;
	if (c == NULL || size > c->size - c->used) {
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;

		c = malloc(sizeof *c + room);
		if (c == NULL)
			return NULL;
		*c = (struct value_chunk){ pool->chunks, 0, room };
		pool->chunks = c;
	}
	c->used += size;
	return memset(c->bytes + c->used - size, 0, size);
}

char *
pool_copy(struct value_pool *pool, const char *text, size_t len)
{
	char *copy = pool_alloc(pool, len + 1);

	if (copy != NULL)
		memcpy(copy, text, len);
	return copy;
}

void
pool_release(struct value_pool *pool)
{
	struct value_chunk *c, *next;

	for (c = pool->chunks; c != NULL; c = next) {
		next = c->next;
		explicit_bzero(c->bytes, c->used);
		free(c);
	}
	pool->chunks = NULL;
}

/* ---- building ---- */

static int
by_name(const void *a, const void *b, void *map)
{
	const struct config_value *m = map;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int c = strcmp(m->names[i], m->names[j]);

	return c != 0 ? c : (i > j) - (i < j);
}

/* The texts of a list, for config_list(): "" where an item is no scalar. */
static void
name_items(struct config_value *v)
{
	for (size_t i = 0; i < v->count; i++) {
		const char *text = v->items[i]->text;

		v->names[i] = text != NULL ? text : "";
	}
}

int
value_seal(struct value_pool *pool, struct config_value *v,
    struct config_value *const *items, const char *const *names, size_t n)
{
	v->count = n;
	v->items = pool_alloc(pool, (n + 1) * sizeof(void *));
	v->names = pool_alloc(pool, (n + 1) * sizeof(void *));
	v->order = pool_alloc(pool, (n + 1) * sizeof *v->order);
	if (v->items == NULL || v->names == NULL || v->order == NULL)
		return -1;
	if (n > 0)
		memcpy(v->items, items, n * sizeof *items);
	if (v->kind != VALUE_MAP) {
		name_items(v);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		v->names[i] = names[i];
		v->order[i] = (uint32_t)i;
	}
	qsort_r(v->order, n, sizeof *v->order, by_name, v);
	return 0;
}

size_t
value_twice(const struct config_value *map)
{
	size_t first = map->count;

	for (size_t i = 1; i < map->count; i++) {
		uint32_t a = map->order[i - 1], b = map->order[i];

		if (b < first && strcmp(map->names[a], map->names[b]) == 0)
			first = b;
	}
	return first;
}

const struct config_value *
value_member(const struct config_value *map, const char *name)
{
	size_t low = 0, high;

	if (map == NULL || map->kind != VALUE_MAP)
		return NULL;
	for (high = map->count; low < high;) {
		size_t mid = low + (high - low) / 2;
		int c = strcmp(name, map->names[map->order[mid]]);

		if (c == 0)
			return map->items[map->order[mid]];
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* ---- walking ---- */

size_t
value_count(const struct config_value *v)
{
	return v != NULL ? v->count : 0;
}

const struct config_value *
value_at(const struct config_value *v, size_t i)
{
	return v != NULL && i < v->count ? v->items[i] : NULL;
}

const char *
value_name(const struct config_value *v, size_t i)
{
	if (v == NULL || v->kind != VALUE_MAP || i >= v->count)
		return NULL;
	return v->names[i];
}

const struct config_value *
value_get(const struct config_value *mapping, const char *key)
{
	const struct config_value *v = value_member(mapping, key);

	return v != NULL && v->kind != VALUE_NULL ? v : NULL;
}

const char *
value_str(const struct config_value *v)
{
	return v != NULL && v->kind == VALUE_SCALAR ? v->text : NULL;
}

int
value_is_list(const struct config_value *v)
{
	return v != NULL && v->kind == VALUE_LIST;
}

int
value_is_map(const struct config_value *v)
{
	return v != NULL && v->kind == VALUE_MAP;
}

void
value_place(char *out, size_t size, const struct config_value *v)
{
	snprintf(out, size, "%s:%u", v->source->name, v->line);
}

/* ---- scalars ---- */

int
value_bool(int *out, const struct config_value *v)
{
	const char *text = value_str(v);

	return text != NULL && !v->quoted ? text_bool(out, text) : -1;
}

int
value_int(int64_t *out, const struct config_value *v)
{
	const char *text = value_str(v);

	return text != NULL && !v->quoted ? text_int(out, text) : -1;
}

int
value_duration(int64_t *ns, const struct config_value *v)
{
	const char *text = value_str(v);

	return text != NULL ? text_duration(ns, text) : -1;
}

/* Digits with an optional point: what a person calls a number. */
static int
looks_numeric(const char *text)
{
	size_t digits, rest;

	text += *text == '-' || *text == '+';
	digits = strspn(text, "0123456789");
	text += digits;
	rest = *text == '.' ? strspn(text + 1, "0123456789") : 0;
	text += *text == '.' ? 1 + rest : 0;
	return digits + rest > 0 && *text == '\0';
}

const char *
value_kind_name(const struct config_value *v)
{
	int yes;

	switch (v->kind) {
	case VALUE_NULL:
		return "nothing";
	case VALUE_LIST:
		return "a list";
	case VALUE_MAP:
		return "a mapping";
	case VALUE_SCALAR:
		break;
	}
	if (v->quoted)
		return "a string";
	if (looks_numeric(v->text))
		return "a number";
	return text_bool(&yes, v->text) == 0 ? "a boolean" : "a string";
}
