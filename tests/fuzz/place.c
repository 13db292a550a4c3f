/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "place.h"
#include "spool.h"

static char path[64];
static struct spool *spool;

static int
remove_one(const char *name, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(name);
}

static void
remove_place(void)
{
	spool_close(spool);
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct spool *
place_spool(void)
{
	char name[80];
	struct err err;

	if (spool != NULL)
		return spool;
	snprintf(path, sizeof path, "%s/hookspool-fuzz-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(path) == NULL)
		abort();
	snprintf(name, sizeof name, "%s/spool", path);
	if (spool_open(&spool, name, 1, &err) == -1 ||
	    atexit(remove_place) != 0)
		abort();
	return spool;
}

const char *
place_path(void)
{
	place_spool();
	return path;
}

static void
write_file(
    unsigned dir, const char *name, int flags, const void *bytes, size_t size)
{
	int fd = openat(spool_fd(place_spool(), dir), name,
	    O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

	if (fd == -1 || write(fd, bytes, size) != (ssize_t)size)
		abort();
	close(fd);
}

void
place_write(unsigned dir, const char *name, const void *bytes, size_t size)
{
	write_file(dir, name, O_TRUNC, bytes, size);
}

void
place_add(unsigned dir, const char *name, const void *bytes, size_t size)
{
	write_file(dir, name, O_APPEND, bytes, size);
}

void
place_empty(unsigned dir)
{
	int fd = openat(spool_fd(place_spool(), dir), ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fdopendir(fd);

	if (d == NULL)
		abort();
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		if (strstr(e->d_name, ".own") == NULL)
			unlinkat(fd, e->d_name, 0);
	}
	closedir(d);
}
