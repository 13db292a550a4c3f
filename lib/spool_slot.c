/* SPDX-License-Identifier: MIT */
/*
 * Slots and their owners: the files in tmp/.
 *
 * A slot belongs to the process whose owner file has the same first part,
 * for as long as that process lives. Only the owner writes a slot; others
 * look at it when the owner is gone (spool_recover.c), or remove the name
 * when the job is settled.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "fsio.h"
#include "head_value.h"
#include "spool_inside.h"

#define OWNER_TRIES 16

static void
owner_file(char out[OWNER_LEN + 5], const char *owner)
{
	snprintf(out, OWNER_LEN + 5, "%s.own", owner);
}

/*
 * Makes one owner file. Between its creation and our lock somebody's
 * recovery may take it for a dead process's and remove it: then the lock
 * fails or the file has no name any more, and another name is tried. 1: try
 * again.
 */
static int
try_owner(struct spool *s, struct err *err)
{
	uint32_t random;
	char name[OWNER_LEN + 1], file[OWNER_LEN + 5];
	struct stat st;
	int fd;

	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		return err_sys(err, "getrandom");
	snprintf(name, sizeof name, "%08" PRIx32, random);
	owner_file(file, name);
	fd = openat(s->dirs[SPOOL_TMP], file,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, s->file_mode);
	if (fd == -1)
		return errno == EEXIST ? 1 : err_sys(err, "tmp/%s", file);
	if (flock(fd, LOCK_EX | LOCK_NB) == -1 || fstat(fd, &st) == -1 ||
	    st.st_nlink == 0) {
		close(fd);
		return 1;
	}
	memcpy(s->owner.name, name, sizeof name);
	s->owner.fd = fd;
	s->owner.pid = getpid();
	return 0;
}

/* Called with the lock held. */
static int
have_owner(struct spool *s, struct err *err)
{
	if (s->owner.fd != -1 && s->owner.pid == getpid())
		return 0;
	/* A forked child: the stock is the parent's, and so is the lock that
	 * our copy of the descriptor would keep alive behind its back. */
	fs_close(&s->owner.fd);
	stock_forget(s);
	s->pending_count = 0;
	for (int i = 0; i < OWNER_TRIES; i++) {
		int rc = try_owner(s, err);

		if (rc != 1)
			return rc;
	}
	return err_set(err, ERR_TEMP, 0, "tmp: no owner file could be made");
}

static int
next_name(struct spool *s, char slot[SLOT_NAME_MAX], struct err *err)
{
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = have_owner(s, err);
	if (rc == 0)
		snprintf(slot, SLOT_NAME_MAX, "%s.%" PRIu32, s->owner.name,
		    s->next_seq++);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int
fill_zero(int fd, size_t size, struct err *err)
{
	static const char zeros[16384];

	while (size > 0) {
		size_t n = size < sizeof zeros ? size : sizeof zeros;

		if (fs_write_all(fd, zeros, n, err) == -1)
			return -1;
		size -= n;
	}
	return 0;
}

int
slot_make(struct spool *s, size_t size, char slot[SLOT_NAME_MAX], int *fd,
    struct err *err)
{
	char name[SLOT_NAME_MAX] = "";
	int new_fd;

	if (next_name(s, name, err) == -1)
		return -1;
	new_fd = openat(s->dirs[SPOOL_TMP], name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, s->file_mode);
	if (new_fd == -1)
		return err_sys(err, "tmp/%s", name);
	/* Whatever the umask says; a failure shows when it matters. */
	if (s->file_mode == 0660 && fchmod(new_fd, s->file_mode) == -1)
		errno = 0;
	if (fill_zero(new_fd, size, err) == -1) {
		unlinkat(s->dirs[SPOOL_TMP], name, 0);
		close(new_fd);
		return err_prefix(err, "tmp/%s", name);
	}
	memcpy(slot, name, sizeof name);
	*fd = new_fd;
	return 0;
}

int
slot_parse(const char *name, char owner[OWNER_LEN + 1], uint32_t *seq)
{
	uint64_t n;

	if (*name == '\0' || !value_is_slot(name) ||
	    value_to_count(&n, name + OWNER_LEN + 1) == -1 || n > UINT32_MAX)
		return 0;
	memcpy(owner, name, OWNER_LEN);
	owner[OWNER_LEN] = '\0';
	*seq = (uint32_t)n;
	return 1;
}

int
owner_parse(const char *name, char owner[OWNER_LEN + 1])
{
	if (strspn(name, "0123456789abcdef") != OWNER_LEN ||
	    strcmp(name + OWNER_LEN, ".own") != 0)
		return 0;
	memcpy(owner, name, OWNER_LEN);
	owner[OWNER_LEN] = '\0';
	return 1;
}

int
owner_is_dead(struct spool *s, const char *owner, int *fd)
{
	char file[OWNER_LEN + 5];
	struct err ignored;
	int new_fd;

	owner_file(file, owner);
	if (fs_open_read(&new_fd, s->dirs[SPOOL_TMP], file, &ignored) == -1) {
		*fd = -1;
		/* Lack of descriptors is no sign of death. */
		return ignored.sys == ENOENT;
	}
	if (flock(new_fd, LOCK_EX | LOCK_NB) == -1) {
		close(new_fd);
		return 0;
	}
	*fd = new_fd;
	return 1;
}

void
owner_leave(struct spool *s)
{
	char file[OWNER_LEN + 5];

	if (s->owner.fd != -1 && s->owner.pid == getpid()) {
		owner_file(file, s->owner.name);
		unlinkat(s->dirs[SPOOL_TMP], file, 0);
	}
	fs_close(&s->owner.fd);
}

void
slot_wipe(struct spool *s, const char *slot, int fd)
{
	static const char zeros[HEAD_MAX];
	struct err ignored;

	/* The head first: without it no reader takes the file for a job, also
	 * if the name outlives us. Not for a file shorter than a head: that
	 * would be written longer for nothing, so only what is there. */
	if (fd != -1) {
		struct stat st;
		size_t n = sizeof zeros;

		if (fstat(fd, &st) == 0 && (size_t)st.st_size < n)
			n = (size_t)st.st_size;
		if (fs_pwrite_all(fd, zeros, n, 0, &ignored) == -1)
			errno = 0;
	}
	unlinkat(s->dirs[SPOOL_TMP], slot, 0);
}

int
spool_drop_slot(struct spool *s, const char *slot, struct err *err)
{
	char owner[OWNER_LEN + 1];
	uint32_t seq;

	/* The name came from a file's head: it must be a slot's and nothing
	 * else before anything is removed by it. */
	if (*slot == '\0')
		return 0;
	if (!slot_parse(slot, owner, &seq))
		return err_set(
		    err, ERR_BAD, 0, "%.40s: not a slot's name", slot);
	if (unlinkat(s->dirs[SPOOL_TMP], slot, 0) == -1 && errno != ENOENT)
		return err_sys(err, "tmp/%s", slot);
	return 0;
}
