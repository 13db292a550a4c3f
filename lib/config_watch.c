/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "fsio.h"

/*
 * inotify only says when to look; what decides is the signature. The
 * directory is watched, not the file: editors and package managers replace
 * the file by another. Where the name is a symbolic link, each directory
 * that the chain of links passes through is watched too, for Kubernetes
 * switches a link in the middle ("..data") and leaves both ends alone.
 */

#define LINKS_MAX 16 /* symbolic links that are followed, at most */
#define WATCHED                                                                \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |            \
	    IN_DELETE | IN_ATTRIB)

struct config_watch {
	char *path;
	int fd;		  /* inotify, or -1 */
	struct stat seen; /* st_nlink 0: the file was not there */
};

static struct stat
look(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		memset(&st, 0, sizeof st);
	return st;
}

/* Watches the directory that `path` stands in; a name without one is ".". */
static void
watch_parent(const struct config_watch *w, const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int len = slash != NULL ? (int)(slash - path) : 1;

	snprintf(dir, sizeof dir, "%.*s", len, slash != NULL ? path : ".");
	/* What cannot be watched is still seen by those who ask in time. */
	(void)inotify_add_watch(w->fd, len > 0 ? dir : "/", WATCHED);
}

/* The first symbolic link in `path`, put in the place of its name. */
static int
follow_one(char path[PATH_MAX])
{
	char target[PATH_MAX], rest[PATH_MAX], head[PATH_MAX];

	for (size_t i = 1; i <= strlen(path); i++) {
		ssize_t n;
		const char *slash;

		if (path[i] != '/' && path[i] != '\0')
			continue;
		snprintf(head, sizeof head, "%.*s", (int)i, path);
		n = readlink(head, target, sizeof target - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		snprintf(rest, sizeof rest, "%s", path + i);
		slash = strrchr(head, '/');
		if (target[0] == '/' || slash == NULL)
			n = snprintf(path, PATH_MAX, "%s%s", target, rest);
		else
			n = snprintf(path, PATH_MAX, "%.*s/%s%s",
			    (int)(slash - head), head, target, rest);
		return n < PATH_MAX;
	}
	return 0;
}

/*
 * Each step of the chain of links; also after a change, since the links may
 * lead elsewhere now. A directory that is watched already stays so.
 */
static void
watch_chain(const struct config_watch *w)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s", w->path);
	watch_parent(w, path);
	for (int i = 0; i < LINKS_MAX && follow_one(path); i++)
		watch_parent(w, path);
}

int
config_watch_new(struct config_watch **out, const char *path, struct err *err)
{
	struct config_watch *w = calloc(1, sizeof *w);

	if (w != NULL)
		w->path = strdup(path);
	if (w == NULL || w->path == NULL) {
		free(w);
		return err_set(err, ERR_TEMP, 0, "out of memory");
	}
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd != -1)
		watch_chain(w);
	w->seen = look(path);
	*out = w;
	return 0;
}

int
config_watch_fd(const struct config_watch *w)
{
	return w->fd;
}

static void
drain(const struct config_watch *w)
{
	char events[4096];
	ssize_t n;

	do
		n = read(w->fd, events, sizeof events);
	while (n > 0 || (n == -1 && errno == EINTR));
}

int
config_changed(struct config_watch *w)
{
	struct stat now;

	/* First the events, then the file: what comes between is told. */
	if (w->fd != -1)
		drain(w);
	now = look(w->path);
	if (fs_unchanged(&now, &w->seen))
		return 0;
	w->seen = now;
	if (w->fd != -1)
		watch_chain(w);
	return 1;
}

void
config_watch_free(struct config_watch *w)
{
	if (w == NULL)
		return;
	if (w->fd != -1)
		close(w->fd);
	free(w->path);
	free(w);
}
