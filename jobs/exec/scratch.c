/* SPDX-License-Identifier: MIT */
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filetree.h"
#include "fsio.h"
#include "scratch.h"

#define FOLDER	  "scratch"
#define KEPT_MAX  64
#define KEPT_SIZE 65536 /* bytes of the directory itself */

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

/* ---- those that are used again ---- */

static int
has_names(int fd)
{
	char bytes[1024] __attribute__((aligned(__alignof__(struct dirent64))));
	ssize_t len;
	int found = 0;

	if (lseek(fd, 0, SEEK_SET) == -1)
		return 1;
	while (!found && (len = getdents64(fd, bytes, sizeof bytes)) != 0) {
		if (len == -1)
			return 1;
		for (ssize_t at = 0; at < len;) {
			const struct dirent64 *entry =
			    (const void *)(bytes + at);

			found |= strcmp(entry->d_name, ".") != 0 &&
				 strcmp(entry->d_name, "..") != 0;
			at += entry->d_reclen;
		}
	}
	return found;
}

/* What chattr(1) sets; a file system that knows none has none. */
static int
flags_of(int fd)
{
	int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == -1)
		return 0;
	return flags & ~(FS_EXTENT_FL | FS_INDEX_FL);
}

/* 1 if it is as a new one would be. One that held so many names that it has
 * grown for good is slow. */
static int
is_as_new(int fd, int flags)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0700 &&
	       st.st_uid == geteuid() && st.st_size <= KEPT_SIZE &&
	       flistxattr(fd, NULL, 0) <= 0 && flags_of(fd) == flags &&
	       !has_names(fd);
}

/* 0 where new ones inherit what is_as_new() does not want: labels (SELinux),
 * ACLs, the group. */
static int
can_have_kept(int dir)
{
	struct stat st;

	return fstat(dir, &st) == 0 && (st.st_mode & S_ISGID) == 0 &&
	       flistxattr(dir, NULL, 0) <= 0;
}

/* Not through a link, nor to what is mounted there. */
static int
open_kept(int dir, const char *name)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
					 O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV };

	return (int)syscall(SYS_openat2, dir, name, &how, sizeof how);
}

/* -1 where it is in use, or not to be had. */
static int
lock_kept(int dir, const char *name)
{
	int fd = open_kept(dir, name);

	if (fd == -1 &&
	    ((errno == ENOENT && mkdirat(dir, name, 0700) == 0) ||
		/* Shut by a command that was killed. */
		(errno == EACCES && fchmodat(dir, name, 0700, 0) == 0)))
		fd = open_kept(dir, name);
	if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == -1)
		fs_close(&fd);
	return fd;
}

/* Somebody may have taken the directory away before it was locked. */
static int
is_in_place(int dir, const char *name, int fd)
{
	struct stat ours, theirs;

	return fstat(fd, &ours) == 0 &&
	       fstatat(dir, name, &theirs, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

/* What its last user could not tidy up, because it was killed, goes. */
static int
take_one(int dir, const char *name, int flags)
{
	for (int again = 0; again < 2; again++) {
		struct err ignored;
		int fd = lock_kept(dir, name);

		if (fd == -1)
			return -1;
		if (is_in_place(dir, name, fd)) {
			if (is_as_new(fd, flags))
				return fd;
			again += filetree_remove(dir, name, &ignored) == -1;
		}
		fs_close(&fd);
	}
	return -1;
}

/* 0 where none is free or can be used. */
static int
take_kept(struct scratch *out, const char *data_directory)
{
	char path[PATH_MAX], name[12];
	struct err ignored;
	int dir, fd = -1, rc = -1, flags, most;

	snprintf(path, sizeof path, "%s/" FOLDER, data_directory);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return 0;
	flags = flags_of(dir); /* which new ones inherit */
	most = can_have_kept(dir) ? KEPT_MAX : 0;
	for (int i = 0; fd == -1 && i < most; i++) {
		snprintf(name, sizeof name, "%d", i);
		fd = take_one(dir, name, flags);
	}
	fs_close(&dir);
	if (fd == -1)
		return 0;
	snprintf(path, sizeof path, "%s/" FOLDER "/%s", data_directory, name);
	rc = resolve(out, path, &ignored);
	if (rc == -1) {
		fs_close(&fd);
		return 0;
	}
	out->lock = fd;
	out->kept = 1;
	out->flags = flags;
	return 1;
}

int
scratch_take(struct scratch *out, const char *data_directory, const char *name,
    struct err *err)
{
	if (data_directory != NULL && take_kept(out, data_directory))
		return 0;
	return scratch_make(out, data_directory, name, err);
}

int
scratch_file(char *path, struct scratch *s, const char *name, const void *bytes,
    size_t len, struct err *err)
{
	int fd, rc;

	if (snprintf(path, SCRATCH_PATH_MAX, "%s/%s", s->path, name) >=
	    SCRATCH_PATH_MAX)
		return err_set(
		    err, ERR_CONF, 0, "%s: the path is too long", name);
	snprintf(s->file, sizeof s->file, "%s", name);
	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return err_sys(err, "%.100s", path);
	rc = fs_write_all(fd, bytes, len, err);
	fs_close(&fd);
	return rc;
}

/* 1 if it can stay. */
static int
can_keep(const struct scratch *s)
{
	if (!s->kept)
		return 0;
	if (*s->file != '\0')
		(void)unlinkat(s->lock, s->file, 0);
	return is_as_new(s->lock, s->flags) &&
	       is_in_place(AT_FDCWD, s->path, s->lock);
}

int
scratch_remove(struct scratch *s, struct err *err)
{
	int rc;

	if (*s->path == '\0')
		return 0;
	rc = can_keep(s) ? 0 : filetree_remove(AT_FDCWD, s->path, err);
	*s->path = '\0';
	fs_close(&s->lock);
	return rc;
}

/* ---- sweeping ---- */

/* No job's: those have a hyphen. */
static int
is_kept_name(const char *name)
{
	return name[strspn(name, "0123456789")] == '\0';
}

/* 1 removed, 0 in use or to be used again. */
static int
sweep_one(int dir, const char *name)
{
	struct err ignored;
	int lock = -1, gone;

	if (*name == '.' ||
	    lock_dir(dir, name, LOCK_EX | LOCK_NB, &lock, &ignored) != 0)
		return 0;
	gone = !(is_kept_name(name) && is_as_new(lock, flags_of(dir))) &&
	       filetree_remove(dir, name, &ignored) == 0;
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
