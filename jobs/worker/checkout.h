/* SPDX-License-Identifier: MIT */
#ifndef CHECKOUT_H
#define CHECKOUT_H

#include <stdint.h>
#include <time.h>

#include "err.h"
#include "git/source.h"

struct config;
struct job;
struct job_config;
struct github;
struct mirror;
struct workspace;

/*
 * A job's own files of its repository: mirror, workspace, and the steps that
 * tell of them (mirror_fetch, workspace_ready, workspace_cleaned). Used by
 * command hooks that ask for a workspace and by the issue job.
 *
 * Calling sequence: checkout_open(), checkout_fetch(), checkout_make(), the
 * work, checkout_close() on every way out. Paths in it are absolute and lead
 * through no link, as the sandbox wants them.
 */

struct checkout {
	struct job *job;
	char data[1024]; /* data directory */
	struct git_source source;
	struct github *gh; /* NULL until checkout_client() */
	struct mirror *mirror;
	struct workspace *workspace; /* NULL until checkout_make() */
	char sha[65];		     /* what is checked out */
	const char *extra;	     /* as given to checkout_fetch() */
	int fetched;		     /* the mirror may have grown */
};

/* With -1 `out` needs no closing. */
int checkout_open(
    struct checkout *out, struct job *job, struct err *err) CHECKED;

/* Makes sure that there is a client; a checkout from the mirror needs none. */
int checkout_client(struct checkout *c, struct err *err) CHECKED;

/*
 * Brings the mirror up to date, and `extra` with it (mirror.h), which is
 * borrowed until checkout_make() is over. Where `sha` is not NULL and the
 * mirror has that commit, nothing is asked of the remote.
 */
int checkout_fetch(struct checkout *c, const char *extra, const char *sha,
    struct err *err) CHECKED;

/* Checks the commit out. */
int checkout_make(struct checkout *c, const char *sha, struct err *err) CHECKED;

void checkout_close(struct checkout *c);

/* For the process that workers are forked from: where a hook asks for a
 * workspace, what they would each load is loaded already. */
void checkout_expect(const struct job_config *config);

/*
 * Removes what jobs that are gone have left in workspaces/ and scratch/, whose
 * locks nobody holds. Cheap where there is nothing; called when a worker
 * starts.
 */
void checkout_sweep(struct job *job);

/*
 * For who starts many workers, which need not all look: 1 if nothing came or
 * went in the two folders since 0 was returned, ten seconds ago at most. (What
 * was in use then may be left over by now.) `config` may be NULL.
 */
struct checkout_swept {
	int64_t at;		    /* clock_boot(); 0: never */
	struct timespec changed[2]; /* a folder each */
};

int checkout_is_swept(struct checkout_swept *last, const struct config *config);

#endif
