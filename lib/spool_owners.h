/* SPDX-License-Identifier: MIT */
#ifndef SPOOL_OWNERS_H
#define SPOOL_OWNERS_H

#include <stddef.h>

#include "spool_inside.h"

/*
 * The owners that recovery has met, each asked once whether it lives. Those
 * that are dead stay so, thus no lock is kept.
 *
 * Calling sequence: a zeroed struct; owners_find() for the name in each slot's
 * and each owner file's; the caller counts the slots that stay and marks the
 * files it saw; owners_tidy() removes the files of the dead without slots;
 * owners_release(). What is found is good until the next owners_find().
 */

struct owner_known {
	char name[OWNER_LEN + 1]; /* "" in a free place */
	int dead, has_file;
	unsigned slots; /* still there after us */
};

struct owners {
	struct owner_known *table; /* by hash, half full at most */
	size_t count, cap;
};

/* Fails where there is no memory. */
int owners_find(struct owners *o, struct spool *s, const char *name,
    struct owner_known **out, struct err *err) CHECKED;
void owners_tidy(const struct owners *o, struct spool *s);
void owners_release(struct owners *o);

#endif
