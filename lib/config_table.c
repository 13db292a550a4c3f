/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config_table.h"
#include "err.h"

#define KEYS_MAX 512 /* rows of all areas; more is a bug */
#define MARKS	 7   /* bits of enum config_mark */
#define NO_KEY	 UINT16_MAX

const struct config_area *const config_areas[] = { &config_area_server,
	&config_area_hooks, &config_area_github, &config_area_repository,
	&config_area_checks, &config_area_workspace, &config_area_legacy,
	NULL };

/*
 * What the rows imply, worked out once: which row is a member of which, and
 * two orders to search in.
 */
static struct {
	const struct config_key *keys[KEYS_MAX];
	const char *last[KEYS_MAX];
	uint16_t parent[KEYS_MAX];
	uint16_t by_name[KEYS_MAX];	 /* by the whole name */
	uint16_t by_member[KEYS_MAX];	 /* by parent, then last part */
	unsigned char members[KEYS_MAX]; /* it has some */
	const struct config_key *marked[MARKS][KEYS_MAX];
	size_t nmarked[MARKS];
	size_t count;
} table;
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static int
order_names(const void *a, const void *b)
{
	return strcmp(table.keys[*(const uint16_t *)a]->name,
	    table.keys[*(const uint16_t *)b]->name);
}

static int
order_members(const void *a, const void *b)
{
	uint16_t i = *(const uint16_t *)a, j = *(const uint16_t *)b;

	if (table.parent[i] != table.parent[j])
		return table.parent[i] < table.parent[j] ? -1 : 1;
	return strcmp(table.last[i], table.last[j]);
}

/* Compares the first `len` bytes of a name with a whole name. */
static int
compare_name(const char *name, size_t len, const char *whole)
{
	int c = strncmp(name, whole, len);

	return c != 0 ? c : -(whole[len] != '\0');
}

static uint16_t
find_name(const char *name, size_t len)
{
	size_t low = 0, high = table.count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		uint16_t i = table.by_name[mid];
		int c = compare_name(name, len, table.keys[i]->name);

		if (c == 0)
			return i;
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NO_KEY;
}

/* Splits the last part off: "." before a name, "[]" as it stands. */
static size_t
split_last(const char *name, const char **last)
{
	size_t len = strlen(name);

	if (len > 2 && strcmp(name + len - 2, "[]") == 0) {
		*last = name + len - 2;
		return len - 2;
	}
	for (size_t i = len; i > 0; i--) {
		if (name[i - 1] == '.') {
			*last = name + i;
			return i - 1;
		}
	}
	*last = name;
	return 0;
}

static void
index_marks(const struct config_key *key)
{
	for (unsigned bit = 0; bit < MARKS; bit++) {
		if (key->marks & 1u << bit)
			table.marked[bit][table.nmarked[bit]++] = key;
	}
}

static void
index_table(void)
{
	for (size_t a = 0; config_areas[a] != NULL; a++) {
		for (size_t i = 0; i < config_areas[a]->count; i++) {
			if (table.count == KEYS_MAX)
				BUG("too many configuration keys");
			table.keys[table.count++] = &config_areas[a]->keys[i];
			index_marks(&config_areas[a]->keys[i]);
		}
	}
	for (size_t i = 0; i < table.count; i++)
		table.by_name[i] = table.by_member[i] = (uint16_t)i;
	qsort(table.by_name, table.count, sizeof *table.by_name, order_names);
	for (size_t i = 0; i < table.count; i++) {
		size_t len = split_last(table.keys[i]->name, &table.last[i]);

		table.parent[i] = NO_KEY;
		if (len == 0)
			continue;
		table.parent[i] = find_name(table.keys[i]->name, len);
		if (table.parent[i] == NO_KEY)
			BUG("a configuration key without its parent");
		table.members[table.parent[i]] = 1;
	}
	qsort(table.by_member, table.count, sizeof *table.by_member,
	    order_members);
}

static void
need_index(void)
{
	pthread_once(&table_once, index_table);
}

size_t
config_keys(void)
{
	need_index();
	return table.count;
}

const struct config_key *
config_key_at(size_t i)
{
	need_index();
	return i < table.count ? table.keys[i] : NULL;
}

const struct config_key *
config_key_find(const char *name)
{
	uint16_t i;

	need_index();
	i = find_name(name, strlen(name));
	return i != NO_KEY ? table.keys[i] : NULL;
}

size_t
config_key_index(const struct config_key *key)
{
	size_t before = 0;

	for (size_t a = 0; config_areas[a] != NULL; a++) {
		const struct config_key *first = config_areas[a]->keys;

		if (key >= first && key < first + config_areas[a]->count)
			return before + (size_t)(key - first);
		before += config_areas[a]->count;
	}
	/* A copy that somebody made of a row. */
	return find_name(key->name, strlen(key->name));
}

static uint16_t
index_of(const struct config_key *key)
{
	need_index();
	return key != NULL ? (uint16_t)config_key_index(key) : NO_KEY;
}

static const struct config_key *
find_member(uint16_t parent, const char *name)
{
	size_t low = 0, high = table.count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		uint16_t i = table.by_member[mid];
		int c = parent != table.parent[i]
			    ? (parent < table.parent[i] ? -1 : 1)
			    : strcmp(name, table.last[i]);

		if (c == 0)
			return table.keys[i];
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const struct config_key *
config_key_member(const struct config_key *parent, const char *name)
{
	uint16_t p = index_of(parent);
	const struct config_key *key = find_member(p, name);

	if (key == NULL && p != NO_KEY && strcmp(name, "[]") != 0)
		key = find_member(p, "*");
	return key;
}

const struct config_key *
config_key_parent(const struct config_key *key)
{
	uint16_t parent = table.parent[index_of(key)];

	return parent != NO_KEY ? table.keys[parent] : NULL;
}

int
config_key_has_members(const struct config_key *key)
{
	return table.members[index_of(key)];
}

size_t
config_keys_marked(const struct config_key *const **rows, enum config_mark mark)
{
	unsigned bit = (unsigned)__builtin_ctz((unsigned)mark);

	need_index();
	*rows = table.marked[bit];
	return table.nmarked[bit];
}

const char *
config_key_last(const struct config_key *key)
{
	return table.last[index_of(key)];
}

unsigned
config_key_scopes(const struct config_key *key)
{
	while (key != NULL && key->scopes == 0)
		key = config_key_parent(key);
	return key != NULL ? key->scopes : 0;
}

/* ---- the nearest key, for a message ---- */

#define NEAR_MAX 64 /* bytes of a name that are compared */

static size_t
smallest(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's distance of two words, one row at a time. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[NEAR_MAX + 1], n = strnlen(b, NEAR_MAX);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0' && i <= NEAR_MAX; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t same = corner + (a[i - 1] != b[j - 1]);

			corner = row[j];
			row[j] = smallest(row[j] + 1, row[j - 1] + 1, same);
		}
	}
	return row[n];
}

const char *
config_key_nearest(
    const struct config_key *parent, const char *name, unsigned scope)
{
	uint16_t p = index_of(parent);
	size_t best = strlen(name) / 3 + 2;
	const char *nearest = NULL;

	for (size_t i = 0; i < table.count; i++) {
		size_t d;

		if (table.parent[i] != p || table.last[i][0] == '*' ||
		    !(config_key_scopes(table.keys[i]) & scope))
			continue;
		d = distance(name, table.last[i]);
		if (d < best) {
			best = d;
			nearest = table.last[i];
		}
	}
	return nearest;
}
