/* SPDX-License-Identifier: MIT */
#include "spool_owners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fsio.h"

/* An owner's place in the table, or the free one where it would be. Its
 * name is a random number already. */
static struct owner_known *
place_of(struct owner_known *table, size_t size, const char *name)
{
	size_t i = strtoul(name, NULL, 16) & (size - 1);

	while (table[i].name[0] != '\0' && strcmp(table[i].name, name) != 0)
		i = (i + 1) & (size - 1);
	return &table[i];
}

static int
grow(struct owners *o, struct err *err)
{
	size_t size = o->cap > 0 ? 2 * o->cap : 64;
	struct owner_known *table = calloc(size, sizeof *table);

	if (table == NULL)
		return err_set(err, ERR_TEMP, 0, "recovery: out of memory");
	for (size_t i = 0; i < o->cap; i++) {
		struct owner_known *known = &o->table[i];

		if (known->name[0] != '\0')
			*place_of(table, size, known->name) = *known;
	}
	free(o->table);
	o->table = table;
	o->cap = size;
	return 0;
}

int
owners_find(struct owners *o, struct spool *s, const char *name,
    struct owner_known **out, struct err *err)
{
	struct owner_known *known;
	int lock;

	if (2 * o->count >= o->cap && grow(o, err) == -1)
		return -1;
	known = place_of(o->table, o->cap, name);
	if (known->name[0] == '\0') {
		o->count++;
		memcpy(known->name, name, sizeof known->name);
		known->dead = owner_is_dead(s, name, &lock);
		if (known->dead)
			fs_close(&lock);
	}
	*out = known;
	return 0;
}

void
owners_tidy(const struct owners *o, struct spool *s)
{
	for (size_t i = 0; i < o->cap; i++) {
		const struct owner_known *known = &o->table[i];
		char file[OWNER_LEN + sizeof ".own"];

		if (!known->has_file || !known->dead || known->slots > 0)
			continue;
		snprintf(file, sizeof file, "%s.own", known->name);
		unlinkat(s->dirs[SPOOL_TMP], file, 0);
	}
}

void
owners_release(struct owners *o)
{
	free(o->table);
	*o = (struct owners){ 0 };
}
