/* SPDX-License-Identifier: MIT */
/*
 * Which generations there are. The directory's listing is the truth, read
 * again when its modification time says that names came or went; so whoever
 * has the lock knows of a generation that another process began or removed,
 * also of one that an operator removed.
 *
 * A generation is good as soon as it has its name: what a file lacks reads as
 * zeros. Space is allocated when it is made, for an entry that finds none
 * is a delivery refused. Nothing is flushed here: an entry need not be on
 * disk before the slot of its job goes, and ledger_sync() comes before that.
 *
 * Only regular files with one name are used. Another name could be that of
 * somebody's file outside.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fsio.h"
#include "ledger_parts.h"

#define PREFIX	   "ledger."
#define NAME_TRIES 8
#define DIGITS	   15
#define LAST	   999999999999999u /* the largest number of so many digits */

/* A change within this time of the last may leave the same mtime. */
#define MTIME_GRAIN (20 * CLOCK_MSEC)

static void
format_name(char out[LEDGER_NAME], const struct generation *g)
{
	snprintf(out, LEDGER_NAME, PREFIX "%" PRIu64 ".%" PRIu32, g->number,
	    g->pages);
}

/* Without zeros in front. */
static const char *
parse_number(const char *p, uint64_t *out)
{
	size_t digits = strspn(p, "0123456789");

	if (digits == 0 || digits > DIGITS || *p == '0')
		return NULL;
	*out = strtoull(p, NULL, 10);
	return p + digits;
}

static int
parse_name(struct generation *out, const char *name)
{
	uint64_t number, pages;
	const char *p;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return 0;
	p = parse_number(name + strlen(PREFIX), &number);
	if (p == NULL || *p++ != '.')
		return 0;
	p = parse_number(p, &pages);
	if (p == NULL || *p != '\0' || pages > LEDGER_LARGEST)
		return 0;
	*out = (struct generation){
		.number = number, .pages = (uint32_t)pages, .fd = -1
	};
	return 1;
}

int
ledger_is_name(const char *name)
{
	struct generation g;

	return parse_name(&g, name);
}

/* ---- listing ---- */

/* Keeps the newest of what is listed, oldest first. */
static void
insert(struct generation *files, unsigned *count, const struct generation *g)
{
	unsigned i;

	if (*count == LEDGER_FILES) {
		if (g->number <= files[0].number)
			return;
		memmove(files, files + 1, (LEDGER_FILES - 1) * sizeof *files);
		--*count;
	}
	for (i = *count; i > 0 && files[i - 1].number > g->number; i--)
		files[i] = files[i - 1];
	files[i] = *g;
	++*count;
}

static int
read_names(struct ledger *l, struct generation *files, unsigned *count,
    struct err *err)
{
	struct generation g;
	struct dirent *e;
	int fd, failed;
	DIR *d;

	if (fs_open_dir(&fd, l->dir, ".", err) == -1)
		return err_prefix(err, "seen");
	d = fdopendir(fd);
	if (d == NULL) {
		err_sys(err, "seen");
		close(fd);
		return -1;
	}
	errno = 0;
	while ((e = readdir(d)) != NULL) {
		if (parse_name(&g, e->d_name))
			insert(files, count, &g);
		errno = 0;
	}
	failed = errno != 0 ? err_sys(err, "seen") : 0;
	closedir(d);
	return failed;
}

/* Who may only read can still look. */
int
ledger_open_file(struct ledger *l, struct generation *g, struct err *err)
{
	char name[LEDGER_NAME];
	struct stat st;
	int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, fd;

	format_name(name, g);
	fd = openat(l->dir, name, O_RDWR | flags);
	if (fd == -1 && (errno == EACCES || errno == EROFS))
		fd = openat(l->dir, name, O_RDONLY | flags);
	if (fd == -1)
		return errno == ENOENT || errno == ELOOP || errno == EISDIR ||
			       errno == ENXIO
			   ? 1
			   : err_sys(err, "seen/%s", name);
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_nlink != 1) {
		close(fd);
		return 1;
	}
	g->fd = fd;
	g->ino = st.st_ino;
	g->dirty = 1;
	return 0;
}

/* The same file as before keeps its descriptor. */
static int
take_over(struct ledger *l, struct generation *g)
{
	char name[LEDGER_NAME];
	struct stat st;

	format_name(name, g);
	for (unsigned i = 0; i < l->count; i++) {
		struct generation *old = &l->files[i];

		if (old->number != g->number || old->pages != g->pages ||
		    fstatat(l->dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		    st.st_ino != old->ino || st.st_nlink != 1)
			continue;
		*g = *old;
		old->fd = -1;
		return 1;
	}
	return 0;
}

void
ledger_drop_files(struct ledger *l)
{
	for (unsigned i = 0; i < l->count; i++)
		fs_close(&l->files[i].fd);
	l->count = 0;
}

static int
list(struct ledger *l, struct err *err)
{
	struct generation found[LEDGER_FILES] = { 0 };
	unsigned count = 0, kept = 0;
	int rc = 0;

	if (read_names(l, found, &count, err) == -1)
		return -1;
	pthread_rwlock_wrlock(&l->swap);
	for (unsigned i = 0; rc != -1 && i < count; i++) {
		rc = take_over(l, &found[i])
			 ? 0
			 : ledger_open_file(l, &found[i], err);
		if (rc == 0)
			found[kept++] = found[i];
	}
	ledger_drop_files(l);
	memcpy(l->files, found, kept * sizeof *found);
	l->count = kept;
	pthread_rwlock_unlock(&l->swap);
	return rc == -1 ? -1 : 0;
}

int
ledger_refresh(struct ledger *l, struct err *err)
{
	struct stat st;
	int64_t changed;

	if (fstat(l->dir, &st) == -1)
		return err_sys(err, "seen");
	if (st.st_mtim.tv_sec == l->listed.tv_sec &&
	    st.st_mtim.tv_nsec == l->listed.tv_nsec)
		return 0;
	l->listed.tv_nsec = -1;
	if (list(l, err) == -1)
		return -1;
	changed = clock_ns(&st.st_mtim);
	/* Not if it is too fresh to be told from the next change. */
	if (clock_wall() - changed >= MTIME_GRAIN)
		l->listed = st.st_mtim;
	return 0;
}

/* ---- the next one ---- */

static int
create_file(struct ledger *l, struct generation *g, struct err *err)
{
	char name[LEDGER_NAME];

	for (int i = 0; i < NAME_TRIES; i++, g->number++) {
		/* Nobody would see it, and take everything anew. */
		if (g->number > LAST)
			return err_set(
			    err, ERR_TEMP, 0, "seen: no number is left");
		format_name(name, g);
		g->fd = openat(l->dir, name,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    l->mode);
		if (g->fd != -1)
			return 0;
		if (errno != EEXIST) /* planted there, or it is no file */
			break;
	}
	return err_sys(err, "seen/%s", name);
}

static int
make_file(struct ledger *l, struct generation *g, struct err *err)
{
	char name[LEDGER_NAME];
	struct stat st;
	int rc;

	if (create_file(l, g, err) == -1)
		return -1;
	/* Whatever the umask says; a failure shows when it matters. */
	if (l->mode == 0660 && fchmod(g->fd, l->mode) == -1)
		errno = 0;
	do
		rc = posix_fallocate(g->fd, 0, (off_t)g->pages * LEDGER_PAGE);
	while (rc == EINTR);
	if (rc == 0 && fstat(g->fd, &st) == -1)
		rc = errno;
	if (rc == 0) {
		g->ino = st.st_ino;
		return 0;
	}
	format_name(name, g);
	unlinkat(l->dir, name, 0);
	fs_close(&g->fd);
	errno = rc;
	return err_sys(err, "seen/%s", name);
}

int
ledger_grow(struct ledger *l, struct err *err)
{
	struct generation g = {
		.number = 1, .pages = LEDGER_FIRST, .fd = -1, .dirty = 1
	};

	if (l->count > 0) {
		const struct generation *newest = &l->files[l->count - 1];

		g.number = newest->number + 1;
		g.pages = newest->pages * LEDGER_GROWTH;
		if (newest->pages > LEDGER_LARGEST / LEDGER_GROWTH)
			g.pages = LEDGER_LARGEST;
	}
	if (make_file(l, &g, err) == -1)
		return -1;
	pthread_rwlock_wrlock(&l->swap);
	if (l->count == LEDGER_FILES)
		fs_close(&l->files[0].fd);
	insert(l->files, &l->count, &g);
	pthread_rwlock_unlock(&l->swap);
	return 0;
}

unsigned
ledger_remove(struct ledger *l, uint64_t last)
{
	char name[LEDGER_NAME];
	unsigned removed = 0;

	for (unsigned i = 0; i < l->count; i++) {
		if (l->files[i].number > last)
			break;
		format_name(name, &l->files[i]);
		removed += unlinkat(l->dir, name, 0) == 0;
	}
	return removed;
}
