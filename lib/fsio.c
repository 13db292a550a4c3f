/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "fsio.h"

#define READ_STEP 65536 /* bytes asked of the kernel at once */

int
fs_open_read(int *fd, int dir, const char *name, struct err *err)
{
	struct stat st;
	/* O_NONBLOCK: a planted FIFO must not hold us in open(). */
	int new_fd =
	    openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (new_fd == -1 && (errno == ELOOP || errno == ENXIO))
		return err_set(
		    err, ERR_BAD, errno, "%.100s: not a regular file", name);
	if (new_fd == -1)
		return err_sys(err, "%.100s", name);
	if (fstat(new_fd, &st) == -1) {
		err_sys(err, "%.100s", name);
		close(new_fd);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		close(new_fd);
		return err_set(
		    err, ERR_BAD, 0, "%.100s: not a regular file", name);
	}
	*fd = new_fd;
	return 0;
}

int
fs_open_dir(int *fd, int dir, const char *name, struct err *err)
{
	int new_fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (new_fd == -1)
		return err_sys(err, "%.100s", name);
	*fd = new_fd;
	return 0;
}

int
fs_make_dir(int *fd, int dir, const char *name, mode_t mode, struct err *err)
{
	if (mkdirat(dir, name, mode) == -1 && errno != EEXIST)
		return err_sys(err, "%.100s", name);
	return fs_open_dir(fd, dir, name, err);
}

int
fs_make_below(
    int *fd, const char *base, const char *path, mode_t mode, struct err *err)
{
	const char *rest = path;
	char name[NAME_MAX + 1];
	int at = -1, next;

	if (fs_open_dir(&at, AT_FDCWD, base, err) == -1)
		return -1;
	while (*rest != '\0') {
		size_t len = strcspn(rest, "/");

		if (len >= sizeof name) {
			err_set(err, ERR_BAD, 0, "%.100s: name too long", path);
			goto fail;
		}
		memcpy(name, rest, len);
		name[len] = '\0';
		if (fs_make_dir(&next, at, name, mode, err) == -1)
			goto fail;
		fs_close(&at);
		at = next;
		rest += len + strspn(rest + len, "/");
	}
	*fd = at;
	return 0;
fail:
	fs_close(&at);
	return -1;
}

int
fs_write_all(int fd, const void *bytes, size_t len, struct err *err)
{
	const char *p = bytes;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(err, "write");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
fs_pwrite_all(int fd, const void *bytes, size_t len, off_t at, struct err *err)
{
	const char *p = bytes;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(err, "write");
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int
fs_pread_full(
    int fd, void *bytes, size_t len, off_t at, size_t *got, struct err *err)
{
	char *p = bytes;
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, p + done, len - done, at + (off_t)done);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(err, "read");
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*got = done;
	return 0;
}

/* One byte past the maximum is enough to know that it is exceeded. */
static int
read_rest(struct buf *b, int fd, struct err *err)
{
	for (;;) {
		size_t left = b->max - b->len;
		size_t want = left < READ_STEP ? left : READ_STEP;
		char *room = buf_room(b, want), extra;
		ssize_t n;

		if (room == NULL)
			return buf_check(b, "file", err);
		n = left > 0 ? read(fd, room, want) : read(fd, &extra, 1);
		if (n == 0)
			return 0;
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(err, "read");
		if (left == 0) {
			b->state = BUF_FULL;
			return buf_check(b, "file", err);
		}
		room[n] = '\0';
		b->len += (size_t)n;
	}
}

int
fs_read_file(struct buf *b, int dir, const char *name, struct err *err)
{
	int fd = -1, rc;

	if (fs_open_read(&fd, dir, name, err) == -1)
		return -1;
	rc = read_rest(b, fd, err);
	fs_close(&fd);
	return rc == -1 ? err_prefix(err, "%.100s", name) : 0;
}

int
fs_sync(int fd, const char *what, struct err *err)
{
	return fsync(fd) == -1 ? err_sys(err, "fsync %.100s", what) : 0;
}

static int
write_new(int dir, const char *name, const void *bytes, size_t len, mode_t mode,
    struct err *err)
{
	int fd = openat(dir, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd == -1)
		return err_sys(err, "%.100s", name);
	if (fs_write_all(fd, bytes, len, err) == 0 &&
	    fs_sync(fd, name, err) == 0)
		return fs_close_written(&fd, name, err);
	fs_close(&fd);
	return -1;
}

int
fs_replace(int dir, const char *name, const void *bytes, size_t len,
    mode_t mode, struct err *err)
{
	char temp[300];

	/* A name for each thread, so that two may replace one file at once. */
	snprintf(temp, sizeof temp, ".%.230s.%ld", name, (long)gettid());
	if (write_new(dir, temp, bytes, len, mode, err) == -1)
		goto fail;
	if (renameat(dir, temp, dir, name) == -1) {
		err_sys(err, "rename to %.100s", name);
		goto fail;
	}
	return fs_sync(dir, name, err);
fail:
	unlinkat(dir, temp, 0);
	return -1;
}

void
fs_close(int *fd)
{
	int saved = errno;

	if (*fd != -1)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int
fs_close_written(int *fd, const char *what, struct err *err)
{
	int old = *fd;

	*fd = -1;
	if (close(old) == 0 || errno == EINTR)
		return 0;
	return err_sys(err, "close %.100s", what);
}

static int
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

int
fs_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_nlink == b->st_nlink && a->st_dev == b->st_dev &&
	       a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       same_time(&a->st_mtim, &b->st_mtim) &&
	       same_time(&a->st_ctim, &b->st_ctim);
}
