/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filetree.h"
#include "fsio.h"
#include "git/mirror.h"
#include "git/mirror_dir.h"

unsigned
mirror_generation(const char *name)
{
	char *end;
	unsigned long n;

	if (name[0] != 'g' || strspn(name + 1, "0123456789") == 0)
		return 0;
	n = strtoul(name + 1, &end, 10);
	return strcmp(end, ".git") == 0 && n < 1000000000 ? (unsigned)n : 0;
}

/* visit() for each entry of a directory until it answers non-zero. */
static int
each_entry(int dir, int (*visit)(void *arg, int dir, const char *name),
    void *arg, struct err *err)
{
	int fd = -1, rc = 0;
	DIR *stream;
	struct dirent *entry;

	if (fs_open_dir(&fd, dir, ".", err) == -1)
		return -1;
	stream = fdopendir(fd);
	if (stream == NULL) {
		rc = err_sys(err, "mirrors");
		fs_close(&fd);
		return rc;
	}
	while (rc == 0 && (entry = readdir(stream)) != NULL) {
		if (entry->d_name[0] != '.')
			rc = visit(arg, dir, entry->d_name);
	}
	closedir(stream);
	return rc;
}

static int
keep_newest(void *arg, int dir, const char *name)
{
	unsigned *newest = arg, n = mirror_generation(name);

	(void)dir;
	if (n > *newest)
		*newest = n;
	return 0;
}

int
mirror_newest(int dir, unsigned *generation, struct err *err)
{
	unsigned newest = 0;

	if (each_entry(dir, keep_newest, &newest, err) == -1)
		return -1;
	*generation = newest;
	return 0;
}

int
mirror_take_lease(
    int dir, unsigned generation, int how, int *fd, struct err *err)
{
	char lease[32], repo[32];
	int new_fd;

	snprintf(lease, sizeof lease, "g%u.lease", generation);
	snprintf(repo, sizeof repo, "g%u.git", generation);
	new_fd =
	    openat(dir, lease, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (new_fd == -1)
		return err_sys(err, "mirror %s", lease);
	if (flock(new_fd, how) == -1) {
		err_sys(err, "mirror %s", lease);
		fs_close(&new_fd);
		return -1;
	}
	/* An eviction we waited for has taken the repository away. */
	if (faccessat(dir, repo, F_OK, AT_SYMLINK_NOFOLLOW) == -1) {
		err_set(err, ERR_TEMP, 0, "mirror %s was just removed", repo);
		fs_close(&new_fd);
		return -1;
	}
	*fd = new_fd;
	return 0;
}

/* ---- eviction ---- */

struct generation {
	char owner[128], name[128];
	unsigned number;
	int current;  /* the newest of its mirror */
	int64_t used; /* when it was last fetched into */
	uint64_t bytes;
};

struct inventory {
	struct generation *list;
	size_t count, room;
	uint64_t bytes;
	const char *owner, *name; /* where the walk is */
	unsigned newest;
	struct err *err;
};

static int
add_generation(void *arg, int dir, const char *name)
{
	struct inventory *all = arg;
	struct generation g = { .number = mirror_generation(name) };
	struct stat st;
	struct err ignored;

	if (g.number == 0 ||
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    filetree_size(dir, name, 0, &g.bytes, &ignored) == -1)
		return 0;
	if (all->count == all->room) {
		size_t room = all->room + 64;
		struct generation *list =
		    reallocarray(all->list, room, sizeof *list);

		if (list == NULL)
			return err_set(
			    all->err, ERR_TEMP, 0, "mirrors: out of memory");
		all->list = list;
		all->room = room;
	}
	g.current = g.number == all->newest;
	g.used = st.st_mtime;
	snprintf(g.owner, sizeof g.owner, "%s", all->owner);
	snprintf(g.name, sizeof g.name, "%s", all->name);
	all->bytes += g.bytes;
	all->list[all->count++] = g;
	return 0;
}

static int
add_mirror(void *arg, int dir, const char *name)
{
	struct inventory *all = arg;
	int fd = -1, rc = 0;
	struct err ignored;

	if (fs_open_dir(&fd, dir, name, &ignored) == -1)
		return 0;
	all->name = name;
	if (mirror_newest(fd, &all->newest, &ignored) == 0)
		rc = each_entry(fd, add_generation, all, all->err);
	fs_close(&fd);
	return rc;
}

static int
add_owner(void *arg, int dir, const char *name)
{
	struct inventory *all = arg;
	int fd = -1, rc;
	struct err ignored;

	if (fs_open_dir(&fd, dir, name, &ignored) == -1)
		return 0;
	all->owner = name;
	rc = each_entry(fd, add_mirror, all, all->err);
	fs_close(&fd);
	return rc;
}

/* Superseded generations first, then the longest unused. */
static int
compare(const void *a, const void *b)
{
	const struct generation *x = a, *y = b;

	if (x->current != y->current)
		return x->current - y->current;
	return (x->used > y->used) - (x->used < y->used);
}

/* 1 removed, 0 still leant on, -1 failed. */
static int
evict(int mirrors, const struct generation *g, struct err *err)
{
	char path[300], name[32];
	int dir = -1, lease = -1, rc = 0;

	snprintf(path, sizeof path, "%s/%s", g->owner, g->name);
	if (fs_open_dir(&dir, mirrors, path, err) == -1)
		return -1;
	if (mirror_take_lease(dir, g->number, LOCK_EX | LOCK_NB, &lease, err) ==
	    0) {
		snprintf(name, sizeof name, "g%u.git", g->number);
		rc = filetree_remove(dir, name, err) == -1 ? -1 : 1;
	}
	fs_close(&lease);
	fs_close(&dir);
	return rc;
}

int
mirrors_evict(const char *data_directory, uint64_t max_bytes, unsigned *removed,
    struct err *err)
{
	struct inventory all = { .err = err };
	int mirrors = -1, rc = -1;

	*removed = 0;
	if (fs_make_below(&mirrors, data_directory, "mirrors", 0700, err) ==
		-1 ||
	    each_entry(mirrors, add_owner, &all, err) == -1)
		goto out;
	if (all.count > 0)
		qsort(all.list, all.count, sizeof *all.list, compare);
	for (size_t i = 0; i < all.count; i++) {
		int is_over = max_bytes != 0 && all.bytes > max_bytes;
		int gone;

		if (all.list[i].current && !is_over)
			break;
		gone = evict(mirrors, &all.list[i], err);
		if (gone == -1)
			goto out;
		if (gone)
			all.bytes -= all.list[i].bytes;
		*removed += (unsigned)gone;
	}
	rc = 0;
out:
	free(all.list);
	fs_close(&mirrors);
	return rc;
}
