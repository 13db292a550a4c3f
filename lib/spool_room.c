/* SPDX-License-Identifier: MIT */
/*
 * Whether new/ may take one more job.
 *
 * Files are counted by reading the names of new/, at most once a second, more
 * seldom where that takes long (100,000 names: 40 ms), and only if the
 * directory changed since; what this process accepted meanwhile is added. One
 * thread counts, the others go by the last count. Bytes are exact for up to
 * SAMPLE files; of more, every n-th file is looked at and the sum is scaled,
 * since asking for the size of 100,000 files each second would cost more than
 * accepting does. The hard limit is the free space of the file system, which is
 * asked for each time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/statvfs.h>

#include "clock.h"
#include "spool_inside.h"

#define SAMPLE	512
#define MAX_AGE CLOCK_SECOND
#define SHARE	100 /* counting takes one part in so many of the time */
/* A change within this time of the last may leave the same mtime. */
#define MTIME_GRAIN (20 * CLOCK_MSEC)

static void
add_size(struct spool *s, const char *name, uint64_t *bytes, uint64_t *looked)
{
	struct stat st;

	if (fstatat(s->dirs[SPOOL_NEW], name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return; /* claimed meanwhile */
	*bytes += (uint64_t)st.st_size;
	++*looked;
}

static int
read_directory(struct spool *s, struct room *room, struct err *err)
{
	void *d;
	struct dirent *e;
	uint64_t files = 0, bytes = 0, looked = 0;
	uint64_t every = room->files / SAMPLE + 1; /* by the last count */

	if (spool_open_names(s, SPOOL_NEW, &d, err) == -1)
		return -1;
	errno = 0;
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		if (files % every == 0)
			add_size(s, e->d_name, &bytes, &looked);
		files++;
	}
	closedir(d);
	if (errno != 0 && errno != ENOENT)
		return err_sys(err, "new");
	room->files = files;
	room->bytes = looked > 0 ? bytes / looked * files : 0;
	if (looked == files)
		room->bytes = bytes;
	return 0;
}

/* Called with the counting lock held; `room` is the last count. */
static int
count(struct spool *s, struct room *room, struct err *err)
{
	struct stat st;
	int64_t now = clock_mono(), changed;

	if (fstat(s->dirs[SPOOL_NEW], &st) == -1)
		return err_sys(err, "new");
	changed = clock_ns(&st.st_mtim);
	if (room->next == 0 || st.st_mtim.tv_sec != room->mtime.tv_sec ||
	    st.st_mtim.tv_nsec != room->mtime.tv_nsec) {
		atomic_store(&s->accepted_files, 0);
		atomic_store(&s->accepted_bytes, 0);
		if (read_directory(s, room, err) == -1)
			return -1;
		room->mtime = st.st_mtim;
		/* Too fresh to be told from the next change. */
		if (clock_wall() - changed < MTIME_GRAIN)
			room->mtime.tv_nsec = -1;
	}
	room->next = (clock_mono() - now) * SHARE;
	if (room->next < MAX_AGE)
		room->next = MAX_AGE;
	room->next += now;
	return 0;
}

static void
read_room(struct spool *s, struct room *room)
{
	pthread_mutex_lock(&s->lock);
	*room = s->room;
	pthread_mutex_unlock(&s->lock);
}

/* The last count, or a new one if it is time and nobody is at it. The first
 * of all is waited for. */
static int
know_room(struct spool *s, struct room *room, struct err *err)
{
	int rc = 0;

	read_room(s, room);
	if (room->next != 0 && clock_mono() < room->next)
		return 0;
	if (room->next == 0)
		pthread_mutex_lock(&s->counting);
	else if (pthread_mutex_trylock(&s->counting) != 0)
		return 0;
	read_room(s, room);
	if (clock_mono() >= room->next)
		rc = count(s, room, err);
	if (rc == 0) {
		pthread_mutex_lock(&s->lock);
		s->room = *room;
		pthread_mutex_unlock(&s->lock);
	}
	pthread_mutex_unlock(&s->counting);
	return rc;
}

static int
check_file_system(
    struct spool *s, const struct spool_limits *limits, struct err *err)
{
	struct statvfs fs;
	uint64_t free_bytes;

	if (fstatvfs(s->dirs[SPOOL_NEW], &fs) == -1)
		return err_sys(err, "statvfs");
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (free_bytes < limits->min_free_bytes)
		return err_set(err, ERR_TEMP, 0,
		    "min-free-bytes: %" PRIu64 " bytes are free", free_bytes);
	/* btrfs and others without a table of inodes say 0 of 0. */
	if (fs.f_files != 0 && fs.f_favail < limits->min_free_inodes)
		return err_set(err, ERR_TEMP, 0,
		    "min-free-inodes: %ju are free", (uintmax_t)fs.f_favail);
	return 0;
}

int
spool_has_room(
    struct spool *s, const struct spool_limits *limits, struct err *err)
{
	struct room room;
	uint64_t files, bytes;

	if (know_room(s, &room, err) == -1)
		return -1;
	files = room.files + atomic_load(&s->accepted_files);
	bytes = room.bytes + atomic_load(&s->accepted_bytes);
	if (limits->max_files != 0 && files >= limits->max_files)
		return err_set(err, ERR_TEMP, 0,
		    "max-queued-files: %" PRIu64 " are queued", files);
	if (limits->max_bytes != 0 && bytes >= limits->max_bytes)
		return err_set(err, ERR_TEMP, 0,
		    "max-queued-bytes: %" PRIu64 " are queued", bytes);
	return check_file_system(s, limits, err);
}
