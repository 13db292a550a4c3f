/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "config.h"

/*
 * The tree a YAML file becomes: scalars, lists and mappings, each with the
 * place it stands at. config.h shows it to everybody as struct config_value
 * with the value_*() functions; this header is for the modules that build
 * and check it.
 *
 * All nodes of a configuration live in a pool and go with it. A mapping is
 * sealed once it is complete: from then on value_get() finds a member by
 * bisection. A scalar that is empty, "~" or "null" counts as not set:
 * value_get() does not find it, value_member() does.
 *
 * The place of a member of a mapping is its key's (that is what a person
 * looks for), the place of an item of a list its own.
 */

enum value_kind { VALUE_NULL, VALUE_SCALAR, VALUE_LIST, VALUE_MAP };

/* Which of the layers a value comes from, strongest last. */
enum config_layer {
	LAYER_DEFAULT,
	LAYER_ROOT,
	LAYER_BLOCK,
	LAYER_LOCAL,
};

/* One text that was read; outlives its values. */
struct config_source {
	const char *name; /* for messages: the file's last component */
	enum config_layer layer;
};

struct secret;

struct config_value {
	enum value_kind kind;
	int quoted;	       /* the scalar stood in quotes */
	unsigned line, column; /* from 1; column counts characters */
	const struct config_source *source;
	char *text; /* scalar: NUL-terminated, no NUL inside */
	size_t len;
	size_t count; /* items or members */
	struct config_value **items;
	const char **names; /* mapping: its keys; list: its scalars */
	uint32_t *order;    /* mapping: members by name; NULL: not sealed */
};

/* ---- the pool ---- */

struct value_chunk;
struct value_pool {
	struct value_chunk *chunks;
};

void *pool_alloc(struct value_pool *pool, size_t size); /* NULL: no memory */
char *pool_copy(struct value_pool *pool, const char *text, size_t len);
void pool_release(struct value_pool *pool); /* wipes: secrets passed here */

/* ---- building ---- */

/*
 * Makes a list or mapping of what was gathered: copies the arrays into the
 * pool. -1 where memory is short.
 */
int value_seal(struct value_pool *pool, struct config_value *v,
    struct config_value *const *items, const char *const *names, size_t n);

/* Of two members of the same name the later one, or n where there are none;
 * after value_seal(). */
size_t value_twice(const struct config_value *map);

/* As value_get(), but finds members that are empty too. */
const struct config_value *value_member(
    const struct config_value *map, const char *name);

/* "a mapping", "a list", "a string", "a number", "a boolean", "nothing" */
const char *value_kind_name(const struct config_value *v);

/* Scalars as text; 0 or -1. */
int text_int(int64_t *out, const char *text);
int text_duration(int64_t *ns, const char *text);
int text_size(uint64_t *bytes, const char *text);
int text_bool(int *out, const char *text);

#endif
