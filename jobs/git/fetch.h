/* SPDX-License-Identifier: MIT */
#ifndef GIT_FETCH_H
#define GIT_FETCH_H

#include "git/libgit2.h"

#include "err.h"

struct mirror_source;
struct secret;

/*
 * Speaking to a remote with libgit2: always in a child (git_in_child()).
 * For jobs/git alone; libgit2's types go no further.
 */

/*
 * Makes a bare repository at `path` if there is none, and fetches branches,
 * tags and `extra` into it; branches that are gone there go here too. An
 * extra of FETCH_ALL stands for every ref there is.
 */
#define FETCH_ALL "refs/*"

int fetch_into(const char *path, const struct mirror_source *source,
    const char *extra, struct err *err) CHECKED;

/* What a remote's callbacks know of one connection. */
struct remote_state {
	const struct secret *token;
	unsigned asked;	    /* how often credentials were asked for */
	uint64_t max_bytes; /* 0: no limit */
	int too_large;
	char refused[160]; /* why the remote refused a push, or "" */
};

/* Sets the callbacks that need `state` as their payload. */
void remote_callbacks(
    git_remote_callbacks *callbacks, struct remote_state *state);

/* As git_failed(), but says what our own callbacks stopped. */
int remote_failed(struct err *err, const struct remote_state *state, int code,
    const char *what);

/* 0 if the URL may be spoken to: https, file, or http to loopback; no user
 * information in it. */
int remote_check_url(const char *url, struct err *err) CHECKED;

#endif
