/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "buf.h"
#include "cli/doctor.h"
#include "cli/screen.h"
#include "clock.h"
#include "spool.h"

/* Checks of the spool's directories and the disk below them. */

#define FSYNC_RUNS 7
#define FSYNC_SLOW (50 * CLOCK_MSEC)

/* statfs(2) has these numbers; <linux/magic.h> lacks some. */
#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#define ZFS_MAGIC      0x2fc12fc1
#define CIFS_MAGIC     0xff534d42
#define FUSE_MAGIC     0x65735546
#define BCACHEFS_MAGIC 0xca451a4e

static const struct {
	unsigned long type;
	const char *name;
	enum verdict verdict;
	const char *why; /* and what to do, behind a line feed */
} file_systems[] = {
	{ EXT4_SUPER_MAGIC, "ext4", VERDICT_OK, "" },
	{ XFS_SUPER_MAGIC, "xfs", VERDICT_OK, "" },
	{ BTRFS_SUPER_MAGIC, "btrfs", VERDICT_OK, "" },
	{ F2FS_SUPER_MAGIC, "f2fs", VERDICT_OK, "" },
	{ ZFS_MAGIC, "zfs", VERDICT_OK, "" },
	{ BCACHEFS_MAGIC, "bcachefs", VERDICT_OK, "" },
	{ OVERLAYFS_SUPER_MAGIC, "overlayfs", VERDICT_WARN,
	    "lost with its container\nmount a volume for the data directory" },
	{ TMPFS_MAGIC, "tmpfs", VERDICT_WARN,
	    "lost at the next start\nput the data directory on a disk" },
	{ RAMFS_MAGIC, "ramfs", VERDICT_WARN,
	    "lost at the next start\nput the data directory on a disk" },
	{ NFS_SUPER_MAGIC, "nfs", VERDICT_FAIL,
	    "locks and renames cannot be relied on\nuse a local disk" },
	{ SMB_SUPER_MAGIC, "smb", VERDICT_FAIL,
	    "locks and renames cannot be relied on\nuse a local disk" },
	{ CIFS_MAGIC, "cifs", VERDICT_FAIL,
	    "locks and renames cannot be relied on\nuse a local disk" },
	{ FUSE_MAGIC, "fuse", VERDICT_WARN,
	    "whether fsync holds depends on its server\nuse a local disk" },
};

static int check_directory(
    struct doctor *d, unsigned dir, uid_t owner, struct finding *f);
static int measure(int dir, int64_t *ns, struct err *err);
static int by_time(const void *a, const void *b);

void
doctor_spool(struct doctor *d, struct finding *f)
{
	if (d->cli->spool != NULL)
		finding_ok(f, "%s", d->cli->spool_path);
	else if (d->spool_err.class == ERR_NONE)
		finding_skip(f, "the configuration does not load");
	else
		finding_fail(f,
		    "%s\nhookspool setup makes one; run this as its owner",
		    d->spool_err.text);
}

void
doctor_directories(struct doctor *d, struct finding *f)
{
	struct stat st;

	if (fstat(spool_fd(d->cli->spool, SPOOL_NEW), &st) == -1) {
		finding_fail(f, "new/: %s\nmend the disk", strerror(errno));
		return;
	}
	finding_ok(f, "%d, owned by user %u, not open to others", SPOOL_DIRS,
	    (unsigned)st.st_uid);
	for (unsigned i = 0; i < SPOOL_DIRS; i++) {
		if (check_directory(d, i, st.st_uid, f) == -1)
			return;
	}
}

static int
check_directory(struct doctor *d, unsigned dir, uid_t owner, struct finding *f)
{
	const char *name = spool_dir_name(dir);
	struct stat st;

	if (fstat(spool_fd(d->cli->spool, dir), &st) == -1) {
		finding_fail(
		    f, "%s/: %s\nmend the disk", name, strerror(errno));
		return -1;
	}
	if (st.st_mode & S_IWOTH) {
		finding_fail(f,
		    "%s/: everybody may write into it (mode %04o)\n"
		    "chmod o-rwx %s/%s",
		    name, (unsigned)(st.st_mode & 07777), d->cli->spool_path,
		    name);
		return -1;
	}
	if (faccessat(spool_fd(d->cli->spool, dir), ".", R_OK | W_OK | X_OK,
		AT_EACCESS) == -1) {
		finding_fail(f,
		    "%s/: user %u may not use it: %s\nrun this as the owner "
		    "of the spool, or mend the owner",
		    name, (unsigned)geteuid(), strerror(errno));
		return -1;
	}
	if (st.st_uid != owner || (st.st_mode & S_IRWXO))
		finding_warn(f,
		    "%s/: owned by user %u, mode %04o\n"
		    "all of the spool belongs to one user, mode 0750",
		    name, (unsigned)st.st_uid, (unsigned)(st.st_mode & 07777));
	return 0;
}

void
doctor_file_system(struct doctor *d, struct finding *f)
{
	struct statfs fs;

	if (fstatfs(spool_fd(d->cli->spool, SPOOL_TMP), &fs) == -1) {
		finding_fail(f, "%s\nmend the disk", strerror(errno));
		return;
	}
	for (size_t i = 0; i < sizeof file_systems / sizeof *file_systems;
	     i++) {
		if ((unsigned long)fs.f_type != file_systems[i].type)
			continue;
		if (file_systems[i].verdict == VERDICT_OK)
			finding_ok(f, "%s", file_systems[i].name);
		else if (file_systems[i].verdict == VERDICT_WARN)
			finding_warn(f, "%s: %s", file_systems[i].name,
			    file_systems[i].why);
		else
			finding_fail(f, "%s: %s", file_systems[i].name,
			    file_systems[i].why);
		return;
	}
	finding_warn(f, "type %#lx is not known here\nuse ext4, xfs or btrfs",
	    (unsigned long)fs.f_type);
}

/* As an accepted event costs it: a file, then its directory. */
void
doctor_fsync(struct doctor *d, struct finding *f)
{
	int64_t times[FSYNC_RUNS], median;
	struct err err = { 0 };
	struct buf text;
	int dir = open(d->cli->spool_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir == -1)
		err_sys(&err, "%s", d->cli->spool_path);
	for (size_t i = 0; i < FSYNC_RUNS && err.class == ERR_NONE; i++) {
		if (measure(dir, &times[i], &err) == -1)
			break;
	}
	if (dir != -1)
		close(dir);
	if (err.class != ERR_NONE) {
		finding_fail(
		    f, "%s\nmend the disk or its permissions", err.text);
		return;
	}
	qsort(times, FSYNC_RUNS, sizeof *times, by_time);
	median = times[FSYNC_RUNS / 2];
	buf_init(&text, 64);
	screen_duration(&text, median);
	if (median > FSYNC_SLOW)
		finding_warn(f,
		    "a file and its directory take %s (median of %d)\n"
		    "every event waits for that once: use a faster disk",
		    text.data, FSYNC_RUNS);
	else
		finding_ok(f, "a file and its directory take %s (median of %d)",
		    text.data, FSYNC_RUNS);
	buf_release(&text);
}

static int
measure(int dir, int64_t *ns, struct err *err)
{
	static const char block[4096];
	char name[40];
	int64_t start = clock_mono();
	int fd, rc = 0;

	snprintf(name, sizeof name, ".doctor-%ld", (long)getpid());
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return err_sys(err, "a test file in the spool");
	if (write(fd, block, sizeof block) != sizeof block || fsync(fd) == -1 ||
	    fsync(dir) == -1)
		rc = err_sys(err, "fsync");
	*ns = clock_mono() - start;
	close(fd);
	unlinkat(dir, name, 0);
	return rc;
}

static int
by_time(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void
doctor_space(struct doctor *d, struct finding *f)
{
	const struct config *config = d->cli->config;
	uint64_t bytes = 256u << 20, inodes = 10000, free_bytes;
	struct buf text, least;
	struct statvfs fs;

	if (fstatvfs(spool_fd(d->cli->spool, SPOOL_TMP), &fs) == -1) {
		finding_fail(f, "%s\nmend the disk", strerror(errno));
		return;
	}
	if (config != NULL) {
		bytes = config_size(config, NULL, "limits.min-free-bytes");
		inodes = (uint64_t)config_int(
		    config, NULL, "limits.min-free-inodes");
	}
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	buf_init(&text, 64);
	buf_init(&least, 64);
	screen_size(&text, free_bytes);
	screen_size(&least, bytes);
	/* btrfs counts no inodes: f_files is 0. */
	if (free_bytes < bytes || (fs.f_files != 0 && fs.f_favail < inodes))
		finding_fail(f,
		    "%s and %ju inodes free: events are answered 503\n"
		    "make room: %s and %" PRIu64 " inodes must stay free",
		    text.data, (uintmax_t)fs.f_favail, least.data, inodes);
	else if (free_bytes < 4 * bytes ||
		 (fs.f_files != 0 && fs.f_favail < 4 * inodes))
		finding_warn(f,
		    "%s and %ju inodes free\n"
		    "below %s or %" PRIu64 " inodes no event is accepted",
		    text.data, (uintmax_t)fs.f_favail, least.data, inodes);
	else
		finding_ok(f, "%s and %ju inodes free", text.data,
		    (uintmax_t)fs.f_favail);
	buf_release(&least);
	buf_release(&text);
}
