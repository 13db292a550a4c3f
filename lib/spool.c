/* SPDX-License-Identifier: MIT */
/*
 * Opening a spool and looking into it: directories, names, heads. Nothing
 * here changes a job.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fsio.h"
#include "head_value.h"
#include "spool.h"
#include "spool_inside.h"

static const char *const dir_names[SPOOL_DIRS] = {
	[SPOOL_TMP] = "tmp",
	[SPOOL_NEW] = "new",
	[SPOOL_RUN] = "run",
	[SPOOL_RETRY] = "retry",
	[SPOOL_HOLD] = "hold",
	[SPOOL_DONE] = "done",
	[SPOOL_DEAD] = "dead",
	[SPOOL_BAD] = "bad",
	[SPOOL_SEEN] = "seen",
	[SPOOL_OUT] = "out",
	[SPOOL_LOG] = "log",
	[SPOOL_LOG_JOBS] = "log/jobs",
	[SPOOL_LOCK] = "lock",
	[SPOOL_CTL] = "ctl",
};

/*
 * File systems of other machines: their locks are advisory between hosts at
 * best, a rename can be seen as two steps, and an fsync may mean less than
 * it says. The numbers that linux/magic.h lacks are from statfs(2). FUSE is
 * not here: it is as often local as not, and says nothing of what is behind.
 */
static const struct {
	unsigned long magic;
	const char *name;
} refused[] = {
	{ NFS_SUPER_MAGIC, "NFS" },
	{ SMB_SUPER_MAGIC, "SMB" },
	{ 0xff534d42, "CIFS" },
	{ 0xfe534d42, "SMB2" },
	{ AFS_SUPER_MAGIC, "AFS" },
	{ 0x6b414653, "AFS" },
	{ CODA_SUPER_MAGIC, "Coda" },
	{ 0x00c36400, "Ceph" },
	{ V9FS_MAGIC, "9P" },
	{ 0x0bd00bd0, "Lustre" },
	{ 0x01161970, "GFS2" },
	{ 0x7461636f, "OCFS2" },
};

const char *
spool_dir_name(unsigned dir)
{
	return dir < SPOOL_DIRS ? dir_names[dir] : "?";
}

int
spool_fd(const struct spool *s, unsigned dir)
{
	return s->dirs[dir];
}

static int
check_file_system(int fd, const char *path, struct err *err)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) == -1)
		return err_sys(err, "statfs %.100s", path);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		if (((unsigned long)fs.f_type & 0xffffffff) == refused[i].magic)
			return err_set(err, ERR_CONF, 0,
			    "%.100s: a spool cannot lie on %s", path,
			    refused[i].name);
	}
	return 0;
}

static int
open_top(int *fd, const char *path, int create, struct err *err)
{
	int rc = create ? fs_make_dir(fd, AT_FDCWD, path, 0750, err)
			: fs_open_dir(fd, AT_FDCWD, path, err);

	if (rc == -1) {
		/* A directory that is not there is a wrong path, not a fault
		 * of the machine. */
		if (err->sys == ENOENT || err->sys == ENOTDIR)
			err->class = ERR_CONF;
		return err_prefix(err, "spool");
	}
	if (check_file_system(*fd, path, err) == -1) {
		fs_close(fd);
		return -1;
	}
	return 0;
}

static int
open_dirs(struct spool *s, int top, int create, struct err *err)
{
	for (unsigned i = 0; i < SPOOL_DIRS; i++) {
		int rc =
		    create
			? fs_make_dir(&s->dirs[i], top, dir_names[i], 0750, err)
			: fs_open_dir(&s->dirs[i], top, dir_names[i], err);

		if (rc == 0)
			continue;
		if (err->sys == ENOENT)
			err->class = ERR_CONF;
		return err_prefix(err, "not a spool");
	}
	return 0;
}

/*
 * Where the operator let the group write (two users share the spool), files
 * must let it too: the kernel lets only those link a file who may write it
 * (fs.protected_hardlinks).
 */
static int
learn_mode(struct spool *s, struct err *err)
{
	struct stat st;

	if (fstat(s->dirs[SPOOL_TMP], &st) == -1)
		return err_sys(err, "tmp");
	s->file_mode = (st.st_mode & S_IWGRP) ? 0660 : 0640;
	return 0;
}

int
spool_open(struct spool **out, const char *path, int create, struct err *err)
{
	int top = -1;
	struct spool *s = calloc(1, sizeof *s);

	if (s == NULL)
		return err_set(err, ERR_TEMP, 0, "spool: out of memory");
	for (unsigned i = 0; i < SPOOL_DIRS; i++)
		s->dirs[i] = -1;
	s->owner.fd = -1;
	s->record.fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->counting, NULL);
	pthread_cond_init(&s->stock_low, NULL);
	pthread_cond_init(&s->stock_more, NULL);

	if (open_top(&top, path, create, err) == -1)
		goto fail;
	if (open_dirs(s, top, create, err) == -1 || learn_mode(s, err) == -1 ||
	    ledger_new(&s->seen, s->dirs[SPOOL_SEEN], s->file_mode, err) == -1)
		goto fail;
	if (create && fs_sync(top, path, err) == -1)
		goto fail;
	close(top);
	*out = s;
	return 0;
fail:
	fs_close(&top);
	spool_close(s);
	return -1;
}

void
spool_close(struct spool *s)
{
	if (s == NULL)
		return;
	if (s->owner.fd != -1) {
		draft_publish_pending(s);
		stock_empty(s);
		owner_leave(s);
	}
	fs_close(&s->record.fd);
	ledger_free(s->seen);
	for (unsigned i = 0; i < SPOOL_DIRS; i++)
		fs_close(&s->dirs[i]);
	pthread_cond_destroy(&s->stock_low);
	pthread_cond_destroy(&s->stock_more);
	pthread_mutex_destroy(&s->counting);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int
spool_degraded(const struct spool *s)
{
	return atomic_load(&s->degraded);
}

static int
is_settled(unsigned state)
{
	return state == SPOOL_DONE || state == SPOOL_DEAD || state == SPOOL_BAD;
}

int
spool_name_parse(struct spool_name *out, unsigned state, const char *name)
{
	struct spool_name n = { 0 };
	const char *dot = strrchr(name, '.');
	size_t len = dot != NULL ? (size_t)(dot - name) : strlen(name);
	uint64_t attempt = 0;

	if (is_settled(state) != (dot == NULL) || len >= sizeof n.id)
		return -1;
	memcpy(n.id, name, len);
	n.id[len] = '\0';
	if (!head_job_id_valid(n.id))
		return -1;
	if (dot != NULL && (value_to_count(&attempt, dot + 1) == -1 ||
			       attempt > SPOOL_ATTEMPTS))
		return -1;
	n.attempt = (unsigned)attempt;
	*out = n;
	return 0;
}

void
spool_name_format(
    char out[SPOOL_NAME_MAX], unsigned state, const struct spool_name *name)
{
	if (is_settled(state))
		snprintf(out, SPOOL_NAME_MAX, "%s", name->id);
	else
		snprintf(out, SPOOL_NAME_MAX, "%s.%u", name->id, name->attempt);
}

int
spool_open_names(struct spool *s, unsigned dir, void **dirp, struct err *err)
{
	DIR *d;
	int fd;

	/* A descriptor of its own: reading moves its position. */
	if (fs_open_dir(&fd, s->dirs[dir], ".", err) == -1)
		return err_prefix(err, "%s", dir_names[dir]);
	d = fdopendir(fd);
	if (d == NULL) {
		err_sys(err, "%s", dir_names[dir]);
		close(fd);
		return -1;
	}
	*dirp = d;
	return 0;
}

int
spool_same_file(const struct spool *s, unsigned dir, const char *name,
    const struct stat *st)
{
	struct stat other;

	return fstatat(s->dirs[dir], name, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
	       other.st_ino == st->st_ino && other.st_dev == st->st_dev;
}

int
spool_each(struct spool *s, unsigned state,
    int (*visit)(void *arg, const struct spool_name *name), void *arg,
    struct err *err)
{
	void *d;
	struct dirent *e;
	struct spool_name name;
	int rc = 0;

	if (spool_open_names(s, state, &d, err) == -1)
		return -1;
	errno = 0;
	while (rc == 0 && (e = readdir(d)) != NULL) {
		if (spool_name_parse(&name, state, e->d_name) == 0)
			rc = visit(arg, &name);
		errno = 0;
	}
	if (rc == 0 && errno != 0)
		rc = err_sys(err, "%s", dir_names[state]);
	closedir(d);
	return rc;
}

int
spool_read_head(struct spool *s, unsigned state, const struct spool_name *name,
    struct job_head *head, struct err *err)
{
	char file[SPOOL_NAME_MAX];
	size_t body_at;
	int fd, rc;

	spool_name_format(file, state, name);
	if (fs_open_read(&fd, s->dirs[state], file, err) == -1)
		return err_prefix(err, "%s", dir_names[state]);
	rc = head_read(head, &body_at, fd, err);
	close(fd);
	return rc == -1 ? err_prefix(err, "%s/%s", dir_names[state], file) : 0;
}

int
spool_sync(struct spool *s, unsigned dir, struct err *err)
{
	int rc = dir == SPOOL_SEEN ? ledger_sync(s->seen, err)
				   : fs_sync(s->dirs[dir], dir_names[dir], err);

	if (rc == 0)
		return 0;
	atomic_store(&s->degraded, 1);
	return -1;
}
