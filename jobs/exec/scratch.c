/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filetree.h"
#include "fsio.h"
#include "scratch.h"

#define FOLDER "scratch"

/* The sandbox binds the path: it must not lead through a link. */
static int
resolve(struct scratch *out, const char *path, struct err *err)
{
	char real[PATH_MAX];

	if (realpath(path, real) == NULL)
		return err_sys(err, "%.100s", path);
	if (strlen(real) >= sizeof out->path - HOST_NAME_MAX)
		return err_set(
		    err, ERR_CONF, 0, "%.100s: the path is too long", path);
	memcpy(out->path, real, strlen(real) + 1);
	return 0;
}

static int
make_in(struct scratch *out, int data, const char *data_directory,
    const char *name, struct err *err)
{
	char path[PATH_MAX];
	int dir, rc = -1;

	if (fs_make_dir(&dir, data, FOLDER, 0700, err) == -1)
		return -1;
	if (filetree_remove(dir, name, err) == -1)
		goto out;
	if (mkdirat(dir, name, 0700) == -1) {
		(void)err_sys(err, "%s/%.60s", FOLDER, name);
		goto out;
	}
	snprintf(path, sizeof path, "%s/%s/%s", data_directory, FOLDER, name);
	rc = resolve(out, path, err);
out:
	fs_close(&dir);
	return rc;
}

int
scratch_make(struct scratch *out, const char *data_directory, const char *name,
    struct err *err)
{
	char path[] = "/tmp/hookspool-XXXXXX";
	int data = -1, rc;

	if (data_directory != NULL)
		data = open(data_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (data != -1) {
		rc = make_in(out, data, data_directory, name, err);
		fs_close(&data);
		return rc;
	}
	if (data_directory != NULL && errno != ENOENT)
		return err_sys(err, "%.100s", data_directory);
	if (mkdtemp(path) == NULL)
		return err_sys(err, "%s", path);
	return resolve(out, path, err);
}

int
scratch_file(char *path, const struct scratch *s, const char *name,
    const void *bytes, size_t len, struct err *err)
{
	int fd, rc;

	if (snprintf(path, SCRATCH_PATH_MAX, "%s/%s", s->path, name) >=
	    SCRATCH_PATH_MAX)
		return err_set(
		    err, ERR_CONF, 0, "%s: the path is too long", name);
	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return err_sys(err, "%.100s", path);
	rc = fs_write_all(fd, bytes, len, err);
	fs_close(&fd);
	return rc;
}

int
scratch_remove(struct scratch *s, struct err *err)
{
	int rc;

	if (*s->path == '\0')
		return 0;
	rc = filetree_remove(AT_FDCWD, s->path, err);
	*s->path = '\0';
	return rc;
}
