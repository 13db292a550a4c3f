/* SPDX-License-Identifier: MIT */
/*
 * Jobs with two names. On a file system without a journal a power cut can
 * keep both names of a rename (the directories reach the disk one by one), so
 * that a job that was done stands in new/ again. Each pair is found by its
 * inode, and the name that the job reached last stays:
 *
 *   settled before not settled; a later attempt before an earlier; run/
 *   before hold/ before new/ before retry/.
 *
 * A job with its slot's name and one more has no twin, and is not looked for
 * elsewhere. A name is removed only if both are there at that moment, so that a
 * job that moves while we look is left alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool_inodes.h"
#include "spool_inside.h"
#include "spool_recover.h"

/* Later wins; index is the state. */
static const int rank[SPOOL_STATES] = {
	[SPOOL_RETRY] = 1,
	[SPOOL_NEW] = 2,
	[SPOOL_HOLD] = 3,
	[SPOOL_RUN] = 4,
};

struct found {
	struct spool_name name;
	unsigned state;
	ino_t ino;
};

struct list {
	struct spool *spool;
	struct spool_recovered *out;
	struct found *items;
	size_t count, cap;
	unsigned state; /* being read */
	struct inodes slots;
	struct err *err;
};

unsigned
spool_settled_as(struct spool *s, const char *id, const struct stat *st)
{
	for (unsigned state = SPOOL_DONE; state <= SPOOL_BAD; state++) {
		if (spool_same_file(s, state, id, st))
			return state;
	}
	return SPOOL_STATES;
}

/* Removes a name if it is still this file's. */
static void
remove_name(
    struct list *l, unsigned state, const char *file, const struct stat *st)
{
	if (spool_same_file(l->spool, state, file, st) &&
	    unlinkat(l->spool->dirs[state], file, 0) == 0)
		l->out->removed++;
}

static int
add(struct list *l, const struct spool_name *name, ino_t ino)
{
	if (l->count == l->cap) {
		size_t cap = l->cap > 0 ? 2 * l->cap : 256;
		void *p = reallocarray(l->items, cap, sizeof *l->items);

		if (p == NULL)
			return err_set(
			    l->err, ERR_TEMP, 0, "recovery: out of memory");
		l->items = p;
		l->cap = cap;
	}
	l->items[l->count++] =
	    (struct found){ .name = *name, .state = l->state, .ino = ino };
	return 0;
}

static int
visit(void *arg, const struct spool_name *name)
{
	struct list *l = arg;
	char file[SPOOL_NAME_MAX];
	struct stat st;

	spool_name_format(file, l->state, name);
	if (fstatat(l->spool->dirs[l->state], file, &st, AT_SYMLINK_NOFOLLOW) ==
		-1 ||
	    !S_ISREG(st.st_mode) || st.st_nlink < 2)
		return 0;
	if (st.st_nlink == 2 && inodes_has(&l->slots, st.st_ino))
		return 0;
	if (spool_settled_as(l->spool, name->id, &st) != SPOOL_STATES) {
		remove_name(l, l->state, file, &st);
		return 0;
	}
	return add(l, name, st.st_ino);
}

static int
by_inode_then_rank(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	if (x->name.attempt != y->name.attempt)
		return x->name.attempt < y->name.attempt ? -1 : 1;
	return rank[x->state] - rank[y->state];
}

/* The earlier of two names of one inode goes, if the later is there. */
static void
resolve(struct list *l, const struct found *earlier, const struct found *later)
{
	char old[SPOOL_NAME_MAX], kept[SPOOL_NAME_MAX];
	struct stat st;

	spool_name_format(old, earlier->state, &earlier->name);
	spool_name_format(kept, later->state, &later->name);
	if (fstatat(l->spool->dirs[later->state], kept, &st,
		AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == earlier->ino)
		remove_name(l, earlier->state, old, &st);
}

int
spool_resolve_twins(
    struct spool *s, struct spool_recovered *out, struct err *err)
{
	struct list l = { .spool = s, .out = out, .err = err };
	int rc = inodes_read(&l.slots, s, SPOOL_TMP, err);

	for (l.state = SPOOL_NEW; rc == 0 && l.state <= SPOOL_HOLD; l.state++)
		rc = spool_each(s, l.state, visit, &l, err);
	if (rc == 0 && l.count > 1) {
		qsort(l.items, l.count, sizeof *l.items, by_inode_then_rank);
		for (size_t i = 1; i < l.count; i++) {
			if (l.items[i].ino == l.items[i - 1].ino)
				resolve(&l, &l.items[i - 1], &l.items[i]);
		}
	}
	inodes_release(&l.slots);
	free(l.items);
	return rc;
}
