/* SPDX-License-Identifier: MIT */
/*
 * The recorder. The linker sends every call of these functions here
 * (--wrap), also those of the library and of the runner; nothing is recorded
 * but between power_record_begin() and power_record_end(), and only what
 * happens in the spool's directories.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "power.h"

#define INODES_MAX 512

static struct power_log *rec; /* NULL: not recording */
static ino_t dir_inodes[SPOOL_DIRS];
static ino_t inodes[INODES_MAX];
static char first_names[INODES_MAX][96];

int __real_openat(int dir, const char *name, int flags, ...);
ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t at);
int __real_ftruncate(int fd, off_t size);
int __real_posix_fallocate(int fd, off_t at, off_t len);
int __real_renameat(int, const char *, int, const char *);
int __real_renameat2(int, const char *, int, const char *, unsigned);
int __real_linkat(int, const char *, int, const char *, int);
int __real_unlinkat(int dir, const char *name, int flags);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_syncfs(int fd);

int __wrap_openat(int dir, const char *name, int flags, ...);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t at);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_posix_fallocate(int fd, off_t at, off_t len);
int __wrap_renameat(int, const char *, int, const char *);
int __wrap_renameat2(int, const char *, int, const char *, unsigned);
int __wrap_linkat(int, const char *, int, const char *, int);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_syncfs(int fd);

/* ---- the log ---- */

static void *
grow(void *array, int count, size_t size)
{
	if (count % 64 != 0)
		return array;
	array = reallocarray(array, (size_t)count + 64, size);
	if (array == NULL)
		abort();
	return array;
}

__attribute__((format(printf, 3, 4))) static int
add_op(enum op_kind kind, int which, const char *fmt, ...)
{
	va_list ap;
	struct op *op;

	rec->ops = grow(rec->ops, rec->op_count, sizeof *rec->ops);
	op = &rec->ops[rec->op_count];
	op->kind = kind;
	op->which = which;
	va_start(ap, fmt);
	vsnprintf(op->text, sizeof op->text, fmt, ap);
	va_end(ap);
	return rec->op_count++;
}

static struct atom *
add_atom(enum atom_kind kind, int op, int inode)
{
	struct atom *a;

	rec->atoms = grow(rec->atoms, rec->atom_count, sizeof *rec->atoms);
	a = &rec->atoms[rec->atom_count++];
	*a = (struct atom){ .kind = kind, .op = op, .inode = inode, .dir = -1 };
	return a;
}

static void
add_name(enum atom_kind kind, int op, int inode, int dir, const char *name)
{
	struct atom *a = add_atom(kind, op, inode);

	a->dir = dir;
	snprintf(a->name, sizeof a->name, "%s", name);
}

/* ---- which file, which directory ---- */

static int
dir_of(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) == -1 || !S_ISDIR(st.st_mode))
		return -1;
	for (int i = 0; i < SPOOL_DIRS; i++) {
		if (dir_inodes[i] == st.st_ino)
			return i;
	}
	return -1;
}

static int
inode_of(const struct stat *st)
{
	for (int i = 0; i < rec->inode_count; i++) {
		if (inodes[i] == st->st_ino)
			return i;
	}
	return -1;
}

static int
inode_of_fd(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? inode_of(&st) : -1;
}

static int
inode_of_name(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? inode_of(&st)
								 : -1;
}

/* ---- the calls ---- */

static void
note_created(int fd, int dir, const char *name)
{
	struct stat st;
	int op;

	if (fstat(fd, &st) == -1 || rec->inode_count == INODES_MAX)
		abort();
	inodes[rec->inode_count] = st.st_ino;
	snprintf(first_names[rec->inode_count], sizeof *first_names, "%s/%s",
	    spool_dir_name((unsigned)dir), name);
	op = add_op(OP_CHANGE, -1, "create %s", first_names[rec->inode_count]);
	add_atom(ATOM_INODE, op, rec->inode_count);
	add_name(ATOM_ADD, op, rec->inode_count, dir, name);
	rec->inode_count++;
}

static void
note_size(int fd, off_t size)
{
	int inode = inode_of_fd(fd), op;

	if (inode == -1)
		return;
	op = add_op(OP_CHANGE, -1, "truncate %s to %jd", first_names[inode],
	    (intmax_t)size);
	add_atom(ATOM_SIZE, op, inode)->at = size;
}

int
__wrap_openat(int dir, const char *name, int flags, ...)
{
	struct stat st;
	va_list ap;
	mode_t mode = 0;
	int fd, d, there;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (rec == NULL || !(flags & O_CREAT) || (d = dir_of(dir)) == -1)
		return __real_openat(dir, name, flags, mode);
	there = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	fd = __real_openat(dir, name, flags, mode);
	if (fd != -1 && !there)
		note_created(fd, d, name);
	else if (fd != -1 && (flags & O_TRUNC))
		note_size(fd, 0);
	return fd;
}

/* One atom a sector, and one for the size if it grew. */
static void
note_write(
    int inode, const unsigned char *bytes, size_t len, off_t at, off_t old_size)
{
	int op = add_op(OP_CHANGE, -1, "write %s, %zu bytes at %jd",
	    first_names[inode], len, (intmax_t)at);

	if (at + (off_t)len > old_size)
		add_atom(ATOM_SIZE, op, inode)->at = at + (off_t)len;
	while (len > 0) {
		size_t n = POWER_SECTOR - (size_t)at % POWER_SECTOR;
		struct atom *a = add_atom(ATOM_DATA, op, inode);

		if (n > len)
			n = len;
		a->at = at;
		a->len = n;
		a->data = malloc(n);
		if (a->data == NULL)
			abort();
		memcpy(a->data, bytes, n);
		bytes += n;
		at += (off_t)n;
		len -= n;
	}
}

ssize_t
__wrap_write(int fd, const void *bytes, size_t len)
{
	int inode = rec != NULL ? inode_of_fd(fd) : -1;
	struct stat st;
	off_t at;
	ssize_t n;

	if (inode == -1)
		return __real_write(fd, bytes, len);
	if (fstat(fd, &st) == -1)
		abort();
	at =
	    fcntl(fd, F_GETFL) & O_APPEND ? st.st_size : lseek(fd, 0, SEEK_CUR);
	n = __real_write(fd, bytes, len);
	if (n > 0)
		note_write(inode, bytes, (size_t)n, at, st.st_size);
	return n;
}

ssize_t
__wrap_pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	int inode = rec != NULL ? inode_of_fd(fd) : -1;
	struct stat st;
	ssize_t n;

	if (inode == -1)
		return __real_pwrite(fd, bytes, len, at);
	if (fstat(fd, &st) == -1)
		abort();
	n = __real_pwrite(fd, bytes, len, at);
	if (n > 0)
		note_write(inode, bytes, (size_t)n, at, st.st_size);
	return n;
}

int
__wrap_ftruncate(int fd, off_t size)
{
	int rc = __real_ftruncate(fd, size);

	if (rec != NULL && rc == 0)
		note_size(fd, size);
	return rc;
}

/* Only ever from the start of a new file. */
int
__wrap_posix_fallocate(int fd, off_t at, off_t len)
{
	int rc = __real_posix_fallocate(fd, at, len);

	if (rec != NULL && rc == 0)
		note_size(fd, at + len);
	return rc;
}

/* A verdict that is carried out: the worker of this job has ended. */
static void
note_settled(int to, const char *name)
{
	if (to != SPOOL_DONE && to != SPOOL_DEAD)
		return;
	for (int i = 0; i < rec->job_count; i++) {
		struct deed *job = &rec->jobs[i];

		if (strcmp(job->head.id, name) == 0 && job->ran == POWER_NEVER)
			job->ran = rec->op_count;
	}
}

static void
note_left(int from_dir, const char *from)
{
	for (int i = 0; from_dir == SPOOL_RETRY && i < rec->job_count; i++) {
		struct deed *job = &rec->jobs[i];
		size_t len = strlen(job->head.id);

		if (strncmp(job->head.id, from, len) == 0)
			job->left = rec->op_count;
	}
}

static void
note_rename(
    int inode, int from_dir, const char *from, int to_dir, const char *to)
{
	int op = add_op(OP_CHANGE, -1, "rename %s/%s to %s/%s",
	    spool_dir_name((unsigned)from_dir), from,
	    spool_dir_name((unsigned)to_dir), to);

	if (from_dir == to_dir) {
		add_name(ATOM_RENAME, op, inode, from_dir, from);
		snprintf(rec->atoms[rec->atom_count - 1].to,
		    sizeof rec->atoms->to, "%s", to);
		return;
	}
	add_name(ATOM_ADD, op, inode, to_dir, to);
	add_name(ATOM_REMOVE, op, inode, from_dir, from);
}

int
__wrap_renameat2(
    int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	int inode = -1, f = -1, t = -1, rc;

	if (rec != NULL) {
		inode = inode_of_name(from_dir, from);
		f = dir_of(from_dir);
		t = dir_of(to_dir);
	}
	if (inode != -1) {
		note_settled(t, to);
		note_left(f, from);
	}
	rc = __real_renameat2(from_dir, from, to_dir, to, flags);
	if (rc == 0 && inode != -1)
		note_rename(inode, f, from, t, to);
	return rc;
}

int
__wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return __wrap_renameat2(from_dir, from, to_dir, to, 0);
}

int
__wrap_linkat(
    int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	int inode = rec != NULL ? inode_of_name(from_dir, from) : -1, op, d;
	int rc = __real_linkat(from_dir, from, to_dir, to, flags);

	if (rc == 0 && inode != -1) {
		d = dir_of(to_dir);
		op = add_op(OP_CHANGE, -1, "link %s to %s/%s",
		    first_names[inode], spool_dir_name((unsigned)d), to);
		add_name(ATOM_ADD, op, inode, d, to);
	}
	return rc;
}

/* Once a job's slot goes, the job is over. */
static void
note_dropped(int dir, const char *name)
{
	for (int i = 0; dir == SPOOL_TMP && i < rec->job_count; i++) {
		struct deed *job = &rec->jobs[i];

		if (strcmp(job->head.slot, name) == 0 &&
		    job->over == POWER_NEVER)
			job->over = rec->op_count;
	}
}

int
__wrap_unlinkat(int dir, const char *name, int flags)
{
	int inode = rec != NULL ? inode_of_name(dir, name) : -1, op;
	int d = inode != -1 ? dir_of(dir) : -1;
	int rc;

	if (inode != -1)
		note_dropped(d, name);
	rc = __real_unlinkat(dir, name, flags);
	if (rc == 0 && inode != -1) {
		op = add_op(OP_CHANGE, -1, "unlink %s/%s",
		    spool_dir_name((unsigned)d), name);
		add_name(ATOM_REMOVE, op, inode, d, name);
	}
	return rc;
}

/* What is in retry/ now has its name on disk. */
static void
note_retried(int dir, int fd)
{
	struct stat st;
	char name[SPOOL_NAME_MAX];

	for (int i = 0; dir == SPOOL_RETRY && i < rec->job_count; i++) {
		struct deed *job = &rec->jobs[i];

		snprintf(name, sizeof name, "%s.1", job->head.id);
		if (job->retried == POWER_NEVER &&
		    fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			job->retried = rec->op_count;
	}
}

static void
note_sync(const char *call, int fd)
{
	int inode = inode_of_fd(fd), dir = dir_of(fd);

	note_retried(dir, fd);

	if (inode != -1)
		add_op(
		    OP_SYNC_FILE, inode, "%s of %s", call, first_names[inode]);
	else if (dir != -1)
		add_op(OP_SYNC_DIR, dir, "%s of %s/", call,
		    spool_dir_name((unsigned)dir));
}

int
__wrap_fsync(int fd)
{
	int rc = __real_fsync(fd);

	if (rec != NULL && rc == 0)
		note_sync("fsync", fd);
	return rc;
}

int
__wrap_fdatasync(int fd)
{
	int rc = __real_fdatasync(fd);

	if (rec != NULL && rc == 0)
		note_sync("fdatasync", fd);
	return rc;
}

int
__wrap_syncfs(int fd)
{
	int rc = __real_syncfs(fd);

	if (rec != NULL && rc == 0)
		add_op(OP_SYNC_ALL, -1, "syncfs");
	return rc;
}

/* ---- beginning, ending ---- */

void
power_record_begin(struct power_log *log, struct spool *s)
{
	struct stat st;

	for (unsigned i = 0; i < SPOOL_DIRS; i++) {
		if (fstat(spool_fd(s, i), &st) == -1)
			abort();
		dir_inodes[i] = st.st_ino;
	}
	memset(log, 0, sizeof *log);
	rec = log;
}

void
power_record_end(void)
{
	rec = NULL;
}
