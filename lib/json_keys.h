/* SPDX-License-Identifier: MIT */
#ifndef JSON_KEYS_H
#define JSON_KEYS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Inside JSON only: the keys of the objects now open, and whether one was
 * there before. Keys are compared unescaped.
 *
 * Objects close in the reverse order of opening, so everything is a stack:
 * the members of all open objects in one array, their hash tables in
 * another, and the unescaped form of keys with escapes in a third. Only the
 * innermost object can get a member, and it is on top of all three. Memory
 * is bounded by the text (a member takes at least 5 of its bytes) and by
 * JSON_MEMBERS times the objects that are open.
 *
 * The hash is seeded once a process, so that nobody outside can choose keys
 * that collide.
 */

struct keys_stack {
	void *items;
	size_t len, cap; /* in items */
};

struct keys {
	const char *text;
	struct keys_stack members;   /* struct member */
	struct keys_stack slots;     /* uint32_t: 1 + index of a member, or 0 */
	struct keys_stack unescaped; /* char */
};

/* One open object: where its parts begin. */
struct keys_object {
	size_t first, table, table_size, unescaped;
};

enum keys_answer {
	KEYS_NEW,
	KEYS_TWICE,
	KEYS_TOO_MANY,
	KEYS_NOMEM,
};

void keys_init(struct keys *k, const char *text);
void keys_release(struct keys *k);

void keys_open(struct keys *k, struct keys_object *o);
/* The key's text without its quotes; `escaped` if it has a backslash. */
enum keys_answer keys_add(struct keys *k, struct keys_object *o, const char *at,
    size_t len, int escaped) __attribute__((warn_unused_result));
/* The key that was added last, unescaped; borrowed until the next. */
const char *keys_last(const struct keys *k, size_t *len);
void keys_close(struct keys *k, const struct keys_object *o);

#endif
