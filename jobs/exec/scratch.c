/* SPDX-License-Identifier: MIT */
#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filetree.h"
#include "fsio.h"
#include "scratch.h"

#define FOLDER "scratch"

/* The sandbox binds the path: it must not lead through a link. */
static int
resolve(struct scratch *out, const char *path, struct err *err)
{
	char real[PATH_MAX];

	if (realpath(path, real) == NULL)
		return err_sys(err, "%.100s", path);
	if (strlen(real) >= sizeof out->path - HOST_NAME_MAX)
		return err_set(
		    err, ERR_CONF, 0, "%.100s: the path is too long", path);
	memcpy(out->path, real, strlen(real) + 1);
	return 0;
}

/*
 * 0 locked, 1 held by somebody or gone, -1 failed. A directory that was
 * removed between open and flock is not the one of that name any more.
 */
static int
lock_dir(int dir, const char *name, int how, int *fd, struct err *err)
{
	struct stat ours, theirs;
	int new_fd =
	    openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (new_fd == -1)
		return errno == ENOENT ? 1 : err_sys(err, "%.100s", name);
	if (flock(new_fd, how) == -1) {
		int busy = errno == EWOULDBLOCK;

		if (!busy)
			err_sys(err, "%.100s", name);
		close(new_fd);
		return busy ? 1 : -1;
	}
	if (fstat(new_fd, &ours) == -1 ||
	    fstatat(dir, name, &theirs, AT_SYMLINK_NOFOLLOW) == -1 ||
	    ours.st_ino != theirs.st_ino) {
		close(new_fd);
		return 1;
	}
	*fd = new_fd;
	return 0;
}

/* A sweep may take a directory for left over before it is locked: again. */
static int
make_locked(int dir, const char *name, int *lock, struct err *err)
{
	int rc;

	do {
		if (filetree_remove(dir, name, err) == -1)
			return -1;
		if (mkdirat(dir, name, 0700) == -1)
			return err_sys(err, "%s/%.60s", FOLDER, name);
		rc = lock_dir(dir, name, LOCK_EX, lock, err);
	} while (rc == 1);
	return rc;
}

static int
make_in(struct scratch *out, int data, const char *data_directory,
    const char *name, struct err *err)
{
	char path[PATH_MAX];
	int dir, lock = -1, rc = -1;

	if (fs_make_dir(&dir, data, FOLDER, 0700, err) == -1)
		return -1;
	if (make_locked(dir, name, &lock, err) == -1)
		goto out;
	snprintf(path, sizeof path, "%s/%s/%s", data_directory, FOLDER, name);
	rc = resolve(out, path, err);
	if (rc == 0)
		out->lock = lock;
	else
		fs_close(&lock);
out:
	fs_close(&dir);
	return rc;
}

int
scratch_make(struct scratch *out, const char *data_directory, const char *name,
    struct err *err)
{
	char path[] = "/tmp/hookspool-XXXXXX";
	int data = -1, rc;

	if (data_directory != NULL)
		data = open(data_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (data != -1) {
		rc = make_in(out, data, data_directory, name, err);
		fs_close(&data);
		return rc;
	}
	if (data_directory != NULL && errno != ENOENT)
		return err_sys(err, "%.100s", data_directory);
	if (mkdtemp(path) == NULL)
		return err_sys(err, "%s", path);
	out->lock = -1;
	return resolve(out, path, err);
}

int
scratch_file(char *path, const struct scratch *s, const char *name,
    const void *bytes, size_t len, struct err *err)
{
	int fd, rc;

	if (snprintf(path, SCRATCH_PATH_MAX, "%s/%s", s->path, name) >=
	    SCRATCH_PATH_MAX)
		return err_set(
		    err, ERR_CONF, 0, "%s: the path is too long", name);
	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return err_sys(err, "%.100s", path);
	rc = fs_write_all(fd, bytes, len, err);
	fs_close(&fd);
	return rc;
}

int
scratch_remove(struct scratch *s, struct err *err)
{
	int rc;

	if (*s->path == '\0')
		return 0;
	rc = filetree_remove(AT_FDCWD, s->path, err);
	*s->path = '\0';
	fs_close(&s->lock);
	return rc;
}

/* ---- sweeping ---- */

/* 1 removed, 0 in use. */
static int
sweep_one(int dir, const char *name)
{
	struct err ignored;
	int lock = -1, gone;

	if (*name == '.' ||
	    lock_dir(dir, name, LOCK_EX | LOCK_NB, &lock, &ignored) != 0)
		return 0;
	gone = filetree_remove(dir, name, &ignored) == 0;
	fs_close(&lock);
	return gone;
}

int
scratch_sweep(const char *data_directory, unsigned *removed, struct err *err)
{
	char path[PATH_MAX];
	DIR *stream;
	struct dirent *entry;

	snprintf(path, sizeof path, "%s/" FOLDER, data_directory);
	stream = opendir(path);
	*removed = 0;
	if (stream == NULL)
		return errno == ENOENT ? 0 : err_sys(err, "%.100s", path);
	while ((entry = readdir(stream)) != NULL)
		*removed += (unsigned)sweep_one(dirfd(stream), entry->d_name);
	closedir(stream);
	return 0;
}
