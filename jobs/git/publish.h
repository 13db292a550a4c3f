/* SPDX-License-Identifier: MIT */
#ifndef GIT_PUBLISH_H
#define GIT_PUBLISH_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct mirror;
struct mirror_source;

/*
 * From a workspace in which a command has worked to a commit on a branch of
 * the remote.
 *
 * The workspace's own .git is the command's: it may have been turned into
 * anything, so nothing of it is read. What counts is the files. They are
 * compared with the commit the workspace was made at, in a repository of our
 * own (workspaces/JOB-ID.publish, objects from the mirror), and committed
 * and pushed from there. Commits that the command made itself are so
 * flattened into one.
 *
 * Calling sequence: publish_open(), publish_changes() to look and to judge
 * (guard.h), publish_commit(), publish_push(), publish_close().
 */

struct change {
	char kind;	       /* 'A' added, 'M' modified, 'D' deleted,
				* 'T' type changed */
	const char *path;      /* UTF-8 not guaranteed */
	size_t added, removed; /* lines; 0 for binary files */
	unsigned mode;	       /* git's, of the new side; 0 if deleted */
	int is_binary;
};

struct publication;

struct publish_options {
	const char *job_id;
	const char *workspace; /* its path */
	const char *base;      /* SHA it was checked out at */
};

struct publish_author {
	const char *name, *email;
};

int publish_open(struct publication **out, const char *data_directory,
    struct mirror *mirror, const struct publish_options *options,
    struct err *err) CHECKED;

/* What differs from the base; borrowed until publish_close(). Ignored files
 * (.gitignore) do not count. */
int publish_changes(struct publication *p, const struct change **changes,
    size_t *count, struct err *err) CHECKED;

/* One commit on `parent` (usually the base, or the branch's remote head)
 * with all changes; its SHA goes to `sha`. */
int publish_commit(struct publication *p, const char *parent,
    const struct publish_author *author, const char *message, char sha[65],
    struct err *err) CHECKED;

/*
 * Pushes the commit to a branch, never by force. ERR_PERM with the remote's
 * words where it refuses; ERR_TEMP where the branch has moved on, for the work
 * can be done anew on its new head.
 */
int publish_push(struct publication *p, const struct mirror_source *remote,
    const char *sha, const char *branch, struct err *err) CHECKED;

void publish_close(struct publication *p);

#endif
