/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "filetree.h"
#include "fsio.h"
#include "git/fetch.h"
#include "git/mirror.h"
#include "git/mirror_dir.h"

#define PACKING	    "packing"
#define RETRY_AFTER (24 * 60 * 60) /* s */

/* More than a look-up should have to go through? */
static int
has_many_packs(const struct mirror *m)
{
	char path[sizeof m->path + 32];
	struct dirent *entry;
	unsigned packs = 0;
	DIR *stream;

	snprintf(path, sizeof path, "%s/objects/pack", m->path);
	stream = m->path[0] != '\0' ? opendir(path) : NULL;
	if (stream == NULL)
		return 0;
	while ((entry = readdir(stream)) != NULL) {
		size_t len = strlen(entry->d_name);

		packs +=
		    len > 5 && strcmp(entry->d_name + len - 5, ".pack") == 0;
	}
	closedir(stream);
	return packs > MIRROR_PACKS_MAX;
}

/* All refs of the current generation, and what they reach, as one pack. What
 * is fetched into it meanwhile will be fetched again. */
static int
pack(struct mirror *m, struct err *err)
{
	char path[PATH_MAX_GIT + 32], url[PATH_MAX_GIT + 48];
	struct mirror_source local = m->source;

	snprintf(path, sizeof path, "%s/" PACKING, m->dir);
	snprintf(url, sizeof url, "file://%s", m->path);
	local.url = url;
	local.token = NULL;
	local.max_bytes = 0;
	return mirror_run_fetch(&local, path, FETCH_ALL, err);
}

/* 1 in place, 0 where another generation came first, -1 failed. */
static int
put_packed(struct mirror *m, unsigned generation, struct err *err)
{
	char name[32];
	int fd = -1, rc;

	if (mirror_lock(m, FETCH_LOCK, LOCK_EX, &fd, err) == -1)
		return -1;
	rc = mirror_find_current(m, err);
	if (rc == 0 && m->generation == generation) {
		snprintf(name, sizeof name, "g%u.git", generation + 1);
		rc = renameat(m->fd, PACKING, m->fd, name) == -1
			 ? err_sys(err, "mirror %s", name)
			 : 1;
	}
	fs_close(&fd);
	return rc == 1 && mirror_find_current(m, err) == -1 ? -1 : rc;
}

/*
 * What did not work (no room, too large for the time that is given) costs
 * much and will not work after the next fetch either: a byte in the lock file
 * keeps everybody from trying for a day.
 */
static int
has_failed_lately(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size > 0 &&
	       clock_wall() / CLOCK_SECOND - st.st_mtime < RETRY_AFTER;
}

static int
note_failure(int fd, int failed, struct err *err)
{
	if (ftruncate(fd, 0) == -1)
		return err_sys(err, "pack.lock");
	return failed ? fs_pwrite_all(fd, "f", 1, 0, err) : 0;
}

int
mirror_pack(struct mirror *m, int *done, struct err *err)
{
	struct err ignored;
	unsigned generation;
	int fd = -1, rc;

	*done = 0;
	if (mirror_find_current(m, err) == -1)
		return -1;
	generation = m->generation;
	if (!has_many_packs(m))
		return 0;
	rc = mirror_lock(m, "pack.lock", LOCK_EX | LOCK_NB, &fd, err);
	if (rc != 0)
		return rc == 1 ? 0 : -1;
	if (has_failed_lately(fd))
		goto out;
	rc = filetree_remove(m->fd, PACKING, err);
	if (rc == 0)
		rc = pack(m, err);
	if (rc == 0)
		rc = put_packed(m, generation, err);
	*done = rc == 1;
	/* err tells of what came first; what cannot be removed now will be
	 * before the next try. */
	if (rc != 1 && filetree_remove(m->fd, PACKING, &ignored) == -1)
		rc = -1;
	if (note_failure(fd, rc == -1, &ignored) == -1)
		rc = rc == -1 ? -1 : 0;
out:
	fs_close(&fd);
	return rc == -1 ? -1 : 0;
}
