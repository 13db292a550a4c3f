/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filetree.h"
#include "fsio.h"

#define DEPTH_MAX 128 /* directories open at once */

struct walk {
	int top; /* where deep subtrees are moved to */
	dev_t dev;
	unsigned moved; /* numbers their names there */
	struct err *err;
};

static int
is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Opens a directory of our own file system, if need be against its mode. */
static int
open_dir(int dir, const char *name, dev_t dev)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir, name, flags);
	struct stat st;

	if (fd == -1 && errno == EACCES && fchmodat(dir, name, 0700, 0) == 0)
		fd = openat(dir, name, flags);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1)
		fs_close(&fd); /* errno stays */
	else if (st.st_dev != dev) {
		fs_close(&fd);
		errno = EXDEV;
	}
	return fd;
}

static int remove_at(struct walk *w, int dir, const char *name, int depth);

/* Without write and search permission nothing inside could be unlinked. */
static int
remove_contents(struct walk *w, int fd, int depth)
{
	DIR *stream;
	struct dirent *entry;
	int rc = 0;

	fchmod(fd, 0700);
	stream = fdopendir(fd);
	if (stream == NULL) {
		close(fd);
		return err_sys(w->err, "opendir");
	}
	while (rc == 0 && (entry = readdir(stream)) != NULL) {
		if (!is_dot(entry->d_name))
			rc = remove_at(w, fd, entry->d_name, depth + 1);
	}
	closedir(stream);
	return rc;
}

static void
deep_name(char out[40], unsigned i)
{
	snprintf(out, 40, ".deep-%ld-%u", (long)getpid(), i);
}

/* Too deep for more descriptors: to the top, for filetree_remove()'s loop. */
static int
move_up(struct walk *w, int dir, const char *name)
{
	char deep[40];

	deep_name(deep, w->moved);
	if (renameat(dir, name, w->top, deep) == -1)
		return err_sys(w->err, "%.100s", name);
	w->moved++;
	return 0;
}

static int
remove_at(struct walk *w, int dir, const char *name, int depth)
{
	int fd;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_sys(w->err, "%.100s", name);
	if (depth > DEPTH_MAX)
		return move_up(w, dir, name);
	fd = open_dir(dir, name, w->dev);
	if (fd == -1)
		return err_sys(w->err, "%.100s", name);
	if (remove_contents(w, fd, depth) == -1)
		return -1;
	if (unlinkat(dir, name, AT_REMOVEDIR) == -1 && errno != ENOENT)
		return err_sys(w->err, "%.100s", name);
	return 0;
}

int
filetree_remove(int dir, const char *name, struct err *err)
{
	struct walk w = { .top = dir, .err = err };
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : err_sys(err, "%.100s", name);
	w.dev = st.st_dev;
	if (remove_at(&w, dir, name, 0) == -1)
		return -1;
	for (unsigned i = 0; i < w.moved; i++) {
		char deep[40];

		deep_name(deep, i);
		if (remove_at(&w, dir, deep, 0) == -1)
			return -1;
	}
	return 0;
}

/* ---- adding up ---- */

#define ENTRY_COST 512 /* bytes; also of a file that has no block */

struct sum {
	dev_t dev;
	uint64_t bytes, max;
};

static int add_size(struct sum *sum, int dir, const char *name, int depth);

static int
is_enough(const struct sum *sum)
{
	return sum->max != 0 && sum->bytes > sum->max;
}

static int
add_contents(struct sum *sum, int fd, int depth)
{
	DIR *stream = fdopendir(fd);
	struct dirent *entry;

	if (stream == NULL) {
		close(fd);
		return -1;
	}
	while (!is_enough(sum) && (entry = readdir(stream)) != NULL) {
		/* What vanishes meanwhile has no size. */
		if (!is_dot(entry->d_name))
			add_size(sum, fd, entry->d_name, depth + 1);
	}
	closedir(stream);
	return 0;
}

static int
add_size(struct sum *sum, int dir, const char *name, int depth)
{
	struct stat st;
	uint64_t own;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	if (st.st_dev != sum->dev)
		return 0;
	own = (uint64_t)st.st_blocks * 512;
	sum->bytes += own > ENTRY_COST ? own : ENTRY_COST;
	if (!S_ISDIR(st.st_mode) || depth > DEPTH_MAX)
		return 0;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	return add_contents(sum, fd, depth);
}

int
filetree_size(
    int dir, const char *name, uint64_t max, uint64_t *bytes, struct err *err)
{
	struct sum sum = { .max = max };
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return err_sys(err, "%.100s", name);
	sum.dev = st.st_dev;
	if (add_size(&sum, dir, name, 0) == -1)
		return err_sys(err, "%.100s", name);
	*bytes = sum.bytes;
	return 0;
}
