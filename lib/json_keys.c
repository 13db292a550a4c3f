/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "json.h"
#include "json_keys.h"
#include "json_text.h"

#define SMALL	    8	/* members that are compared one by one */
#define FIRST_TABLE 64	/* slots of an object's first table */
#define FIRST_CAP   256 /* items of a stack's first allocation */

/* Offsets are short since json_check() takes no text of 2^31 bytes. */
struct member {
	uint32_t at;  /* in the text, or in `unescaped` */
	uint32_t len; /* its top bit: the key is in `unescaped` */
	uint32_t hash;
};

#define UNESCAPED (UINT32_C(1) << 31)

static uint64_t seed[2];
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

static void
make_seed(void)
{
	/* The clock is a poor second, but never seen: no kernel fails here. */
	if (getrandom(seed, sizeof seed, GRND_NONBLOCK) !=
	    (ssize_t)sizeof seed) {
		seed[0] = (uint64_t)clock_wall() * UINT64_C(0x9e3779b97f4a7c15);
		seed[1] = (uint64_t)clock_boot() * UINT64_C(0xbf58476d1ce4e5b9);
	}
	seed[1] |= 1; /* a multiplier must be odd */
}

void
keys_init(struct keys *k, const char *text)
{
	pthread_once(&seeded, make_seed);
	*k = (struct keys){ .text = text };
}

void
keys_release(struct keys *k)
{
	free(k->members.items);
	free(k->slots.items);
	free(k->unescaped.items);
}

static uint64_t
load8(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return word;
}

static uint64_t
load4(const char *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof word);
	return word;
}

static uint64_t
mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * seed[1];
	return h ^ h >> 32;
}

static uint32_t
hash_of(const char *p, size_t len)
{
	uint64_t h = seed[0] ^ len;
	size_t i = 0;

	for (; len - i > 8; i += 8)
		h = mix(h, load8(p + i));
	/* The last ones overlap, so that no copy has a varying length. */
	if (len >= 8)
		h = mix(h, load8(p + len - 8));
	else if (len >= 4)
		h = mix(h, load4(p) << 32 | load4(p + len - 4));
	else if (len > 0)
		h = mix(h, (uint64_t)(unsigned char)p[0] << 16 |
			       (uint64_t)(unsigned char)p[len / 2] << 8 |
			       (unsigned char)p[len - 1]);
	return (uint32_t)(mix(h, len) >> 16);
}

/* Room for `more` items of `size` bytes on top of a stack. */
static int
reserve(struct keys_stack *s, size_t more, size_t size)
{
	size_t cap = s->cap > 0 ? s->cap : FIRST_CAP;
	void *items;

	if (s->cap - s->len >= more)
		return 0;
	while (cap - s->len < more)
		cap *= 2;
	if ((items = realloc(s->items, cap * size)) == NULL)
		return -1;
	s->items = items;
	s->cap = cap;
	return 0;
}

void
keys_open(struct keys *k, struct keys_object *o)
{
	*o = (struct keys_object){ .first = k->members.len,
		.table = k->slots.len,
		.unescaped = k->unescaped.len };
}

void
keys_close(struct keys *k, const struct keys_object *o)
{
	k->members.len = o->first;
	k->slots.len = o->table;
	k->unescaped.len = o->unescaped;
}

static struct member *
member_at(const struct keys *k, size_t i)
{
	return (struct member *)k->members.items + i;
}

static const char *
bytes_of(const struct keys *k, const struct member *m)
{
	const char *unescaped = k->unescaped.items;

	return m->len & UNESCAPED ? unescaped + m->at : k->text + m->at;
}

const char *
keys_last(const struct keys *k, size_t *len)
{
	const struct member *last = member_at(k, k->members.len - 1);

	*len = last->len & ~UNESCAPED;
	return bytes_of(k, last);
}

static int
is_same(const struct keys *k, const struct member *a, const struct member *b)
{
	size_t len = a->len & ~UNESCAPED;

	return a->hash == b->hash && len == (b->len & ~UNESCAPED) &&
	       memcmp(bytes_of(k, a), bytes_of(k, b), len) == 0;
}

/* The slot of this key, or the free one where it belongs. */
static uint32_t *
find_slot(
    const struct keys *k, const struct keys_object *o, const struct member *key)
{
	uint32_t *table = (uint32_t *)k->slots.items + o->table;
	size_t mask = o->table_size - 1, i = key->hash & mask;

	while (table[i] != 0 &&
	       !is_same(k, member_at(k, o->first + table[i] - 1), key))
		i = (i + 1) & mask;
	return &table[i];
}

/* Makes the object's table twice as large. */
static int
enlarge(struct keys *k, struct keys_object *o)
{
	size_t count = k->members.len - o->first;
	size_t size = o->table_size > 0 ? 2 * o->table_size : FIRST_TABLE;

	k->slots.len = o->table;
	o->table_size = 0;
	if (reserve(&k->slots, size, sizeof(uint32_t)) == -1)
		return -1;
	k->slots.len += size;
	o->table_size = size;
	memset(
	    (uint32_t *)k->slots.items + o->table, 0, size * sizeof(uint32_t));
	for (size_t i = 0; i < count; i++)
		*find_slot(k, o, member_at(k, o->first + i)) =
		    (uint32_t)(i + 1);
	return 0;
}

static enum keys_answer
add_to_few(
    struct keys *k, const struct keys_object *o, const struct member *key)
{
	for (size_t i = o->first; i < k->members.len; i++) {
		if (is_same(k, member_at(k, i), key))
			return KEYS_TWICE;
	}
	return KEYS_NEW;
}

static enum keys_answer
add_to_many(struct keys *k, struct keys_object *o, const struct member *key)
{
	size_t count = k->members.len - o->first;
	uint32_t *slot;

	if (count >= JSON_MEMBERS)
		return KEYS_TOO_MANY;
	if (2 * count >= o->table_size && enlarge(k, o) == -1)
		return KEYS_NOMEM;
	slot = find_slot(k, o, key);
	if (*slot != 0)
		return KEYS_TWICE;
	*slot = (uint32_t)(count + 1);
	return KEYS_NEW;
}

/* Puts the key's unescaped form on its stack. */
static int
unescape(struct keys *k, struct member *key)
{
	char *place;

	if (reserve(&k->unescaped, key->len, 1) == -1)
		return -1;
	place = (char *)k->unescaped.items + k->unescaped.len;
	key->len = (uint32_t)json_unescape(place, k->text + key->at, key->len);
	key->at = (uint32_t)k->unescaped.len;
	k->unescaped.len += key->len;
	key->len |= UNESCAPED;
	return 0;
}

enum keys_answer
keys_add(struct keys *k, struct keys_object *o, const char *at, size_t len,
    int escaped)
{
	struct member key = { .at = (uint32_t)(at - k->text),
		.len = (uint32_t)len };
	enum keys_answer answer;

	if (reserve(&k->members, 1, sizeof key) == -1 ||
	    (escaped && unescape(k, &key) == -1))
		return KEYS_NOMEM;
	key.hash = hash_of(bytes_of(k, &key), key.len & ~UNESCAPED);
	answer = k->members.len - o->first < SMALL ? add_to_few(k, o, &key)
						   : add_to_many(k, o, &key);
	if (answer == KEYS_NEW)
		*member_at(k, k->members.len++) = key;
	return answer;
}
