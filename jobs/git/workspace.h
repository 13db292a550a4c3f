/* SPDX-License-Identifier: MIT */
#ifndef GIT_WORKSPACE_H
#define GIT_WORKSPACE_H

#include <stdint.h>

#include "err.h"

struct mirror;

/*
 * Workspaces: a job's own checkout at an exact commit, in
 * workspaces/JOB-ID of the data directory, mode 0700.
 *
 * It copies no object: objects/info/alternates points to the mirror, on
 * which it holds a lease. Nothing in it runs by itself: hooks are off,
 * submodules are not fetched, no filter is configured (so LFS pointers stay
 * what they are). It knows no remote and no credentials. Its HEAD is detached
 * until workspace_branch().
 *
 * Calling sequence: workspace_create(), the work, workspace_remove() on
 * every way out. workspaces_sweep() removes what crashed jobs left: those
 * whose lock (workspaces/JOB-ID.lock) nobody holds.
 */

#define PUBLISH_SUFFIX ".publish" /* JOB-ID.publish, see publish.h */
#define WORK_NAME_MAX  (64 + 16)  /* a job's ID and the longest suffix */

struct workspace;

struct workspace_options {
	const char *job_id; /* names the directory; checked */
	const char *sha;    /* the commit to check out; 40 hex digits */
	uint64_t max_bytes; /* of its files, on disk; 0: no limit */
};

int workspace_create(struct workspace **out, const char *data_directory,
    struct mirror *mirror, const struct workspace_options *options,
    struct err *err) CHECKED;

/* A new local branch at the commit that is checked out, and on it. */
int workspace_branch(
    struct workspace *w, const char *name, struct err *err) CHECKED;

/* How many files of the checkout are LFS pointers. Before any command has
 * worked in it. */
unsigned workspace_lfs_pointers(const struct workspace *w);

/* Absolute; where commands work. */
const char *workspace_path(const struct workspace *w);
/* Absolute; where its objects lie, which a sandbox must show read-only. */
const char *workspace_objects(const struct workspace *w);

/* Removes the directory and lets locks and lease go; NULL is allowed. A
 * directory that cannot be removed is left to the sweep. */
void workspace_remove(struct workspace *w);

int workspaces_sweep(
    const char *data_directory, unsigned *removed, struct err *err) CHECKED;

#endif
