/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdlib.h>

#include "spool_inodes.h"
#include "spool_inside.h"

static int
add(struct inodes *set, ino_t inode)
{
	if (set->count == set->cap) {
		size_t cap = set->cap > 0 ? 2 * set->cap : 1024;
		void *more = reallocarray(set->list, cap, sizeof *set->list);

		if (more == NULL)
			return -1;
		set->list = more;
		set->cap = cap;
	}
	set->list[set->count++] = inode;
	return 0;
}

int
inodes_read(struct inodes *set, struct spool *s, unsigned dir, struct err *err)
{
	struct dirent *e;
	void *d;
	int rc = 0;

	if (spool_open_names(s, dir, &d, err) == -1)
		return -1;
	while (rc == 0 && (e = readdir(d)) != NULL) {
		if (*e->d_name != '.')
			rc = add(set, e->d_ino);
	}
	closedir(d);
	set->sorted = 0;
	if (rc == -1)
		return err_set(err, ERR_TEMP, 0, "recovery: out of memory");
	return 0;
}

int
inodes_read_waiting(struct inodes *set, struct spool *s, struct err *err)
{
	for (unsigned state = SPOOL_NEW; state <= SPOOL_HOLD; state++) {
		if (inodes_read(set, s, state, err) == -1)
			return -1;
	}
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	const ino_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int
inodes_has(struct inodes *set, ino_t inode)
{
	if (set->count == 0)
		return 0;
	if (!set->sorted)
		qsort(set->list, set->count, sizeof *set->list, by_number);
	set->sorted = 1;
	return bsearch(&inode, set->list, set->count, sizeof *set->list,
		   by_number) != NULL;
}

void
inodes_release(struct inodes *set)
{
	free(set->list);
	*set = (struct inodes){ 0 };
}
