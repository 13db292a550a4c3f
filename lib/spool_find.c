/* SPDX-License-Identifier: MIT */
/*
 * Finding a job by its ID. The attempt is part of the name in the states
 * that are not settled, so those names are guessed, from the first attempt
 * on, which is cheaper than reading directories of 100,000 names; only a job
 * tried more often than that costs a reading.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spool_inside.h"

#define GUESSES 40 /* the retry schedule has about 30 attempts a day */
#define PASSES	2  /* a job may move backward while we look forward */

/* In the order a job goes, and the live one before an old settled one. */
static const enum spool_state places[] = { SPOOL_NEW, SPOOL_RUN, SPOOL_RETRY,
	SPOOL_HOLD, SPOOL_NEW, SPOOL_RUN, SPOOL_DONE, SPOOL_DEAD, SPOOL_BAD };

#define PLACES (sizeof places / sizeof *places)

static int
is_there(struct spool *s, unsigned state, const struct spool_name *name)
{
	char file[SPOOL_NAME_MAX];

	spool_name_format(file, state, name);
	return faccessat(s->dirs[state], file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int
guess(struct spool *s, unsigned state, struct spool_name *name)
{
	unsigned last = state >= SPOOL_DONE ? 0 : GUESSES;

	for (name->attempt = 0; name->attempt <= last; name->attempt++) {
		if (is_there(s, state, name))
			return 1;
	}
	return 0;
}

/* What spool_each() looks for. */
struct wanted {
	struct spool_name *name;
};

static int
match(void *arg, const struct spool_name *name)
{
	struct wanted *w = arg;

	if (strcmp(name->id, w->name->id) != 0)
		return 0;
	*w->name = *name;
	return 1;
}

static int
search(
    struct spool *s, unsigned *state, struct spool_name *name, struct err *err)
{
	struct wanted w = { name };

	for (unsigned i = SPOOL_NEW; i <= SPOOL_HOLD; i++) {
		int rc = spool_each(s, i, match, &w, err);

		if (rc == 1)
			*state = i;
		if (rc != 0)
			return rc;
	}
	return 0;
}

int
spool_find_likely(
    struct spool *s, const char *id, unsigned *state, struct spool_name *name)
{
	struct spool_name n = { .attempt = 0 };

	snprintf(n.id, sizeof n.id, "%s", id);
	for (unsigned i = 0; i < PASSES * PLACES; i++) {
		if (!guess(s, places[i % PLACES], &n))
			continue;
		*state = places[i % PLACES];
		*name = n;
		return 1;
	}
	return 0;
}

int
spool_find(struct spool *s, const char *id, unsigned *state,
    struct spool_name *name, struct err *err)
{
	struct spool_name n = { .attempt = 0 };
	unsigned where = 0;
	int rc;

	if (!head_job_id_valid(id))
		return err_set(err, ERR_BAD, 0, "%.64s: not a job's ID", id);
	if (spool_find_likely(s, id, state, name))
		return 0;
	snprintf(n.id, sizeof n.id, "%s", id);
	rc = search(s, &where, &n, err);
	if (rc == -1)
		return -1;
	if (rc == 0)
		return err_set(err, ERR_BAD, ENOENT, "%s: no such job", id);
	*state = where;
	*name = n;
	return 0;
}
