/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fsio.h"
#include "runner/presence.h"
#include "spool.h"

#define HEARTBEAT "heartbeat"
#define SWEPT	  "swept"

static int
open_lock(struct spool *s, const char *name, int *fd, struct err *err)
{
	int new_fd = openat(spool_fd(s, SPOOL_LOCK), name,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);

	if (new_fd == -1)
		return err_sys(err, "lock/%s", name);
	*fd = new_fd;
	return 0;
}

/* 0 taken, 1 held by somebody else. */
static int
take(struct spool *s, const char *name, int how, int *fd, struct err *err)
{
	int new_fd = -1, rc;

	if (open_lock(s, name, &new_fd, err) == -1)
		return -1;
	do
		rc = flock(new_fd, how);
	while (rc == -1 && errno == EINTR);
	if (rc == 0) {
		*fd = new_fd;
		return 0;
	}
	rc = errno == EWOULDBLOCK ? 1 : err_sys(err, "lock/%s", name);
	close(new_fd);
	return rc;
}

int
presence_join(struct spool *s, int *fd, struct err *err)
{
	return take(s, "runner", LOCK_SH, fd, err);
}

int
presence_exclude(struct spool *s, int *fd, struct err *err)
{
	return take(s, "runner", LOCK_EX | LOCK_NB, fd, err);
}

int
presence_alive(struct spool *s)
{
	struct err ignored;
	int fd = -1, rc = presence_exclude(s, &fd, &ignored);

	fs_close(&fd);
	return rc == 1;
}

int
presence_drain(struct spool *s, int *fd, struct err *err)
{
	return take(s, "drain", LOCK_EX | LOCK_NB, fd, err);
}

/* Best effort: readiness says so where it cannot be written. */
static void
touch(struct spool *s, const char *name)
{
	struct err ignored;
	int fd = -1;

	if (utimensat(
		spool_fd(s, SPOOL_LOCK), name, NULL, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	if (open_lock(s, name, &fd, &ignored) == 0)
		futimens(fd, NULL);
	fs_close(&fd);
}

static long
age(struct spool *s, const char *name)
{
	struct stat st;
	int64_t seconds;

	if (fstatat(spool_fd(s, SPOOL_LOCK), name, &st, AT_SYMLINK_NOFOLLOW) ==
	    -1)
		return -1;
	seconds = clock_wall() / CLOCK_SECOND - (int64_t)st.st_mtime;
	return seconds < 0 ? 0 : (long)seconds;
}

void
presence_beat(struct spool *s)
{
	touch(s, HEARTBEAT);
}

long
presence_age(struct spool *s)
{
	return age(s, HEARTBEAT);
}

void
presence_swept(struct spool *s)
{
	touch(s, SWEPT);
}

long
presence_swept_age(struct spool *s)
{
	return age(s, SWEPT);
}
