/* SPDX-License-Identifier: MIT */
#ifndef GIT_MIRROR_DIR_H
#define GIT_MIRROR_DIR_H

#include "err.h"
#include "git/mirror.h"

struct git_repository;

/*
 * The inside of a mirror and the names in mirrors/owner/name, shared by
 * mirror.c (which makes generations), mirror_pack.c (which makes one of
 * another) and evict.c (which removes them). mirror.h has the layout.
 */

#define PATH_MAX_GIT 1024 /* bytes; longer data directories are refused */

#define FETCH_LOCK "fetch.lock"

struct mirror {
	char dir[PATH_MAX_GIT];	      /* mirrors/owner/name */
	char path[PATH_MAX_GIT + 32]; /* its current generation, or "" */
	int fd;			      /* of dir */
	unsigned generation;	      /* 0: none */
	struct mirror_source source;
	struct git_repository *repo; /* of path, opened when first asked */
};

/* Looks for the highest generation that is there. */
int mirror_find_current(struct mirror *mirror, struct err *err) CHECKED;

/* 0 locked, 1 somebody else has it (with LOCK_NB), -1 failed. */
int mirror_lock(struct mirror *mirror, const char *name, int how, int *fd,
    struct err *err) CHECKED;

/* fetch_into() (fetch.h) in a process of its own, for at most the source's
 * time. */
int mirror_run_fetch(const struct mirror_source *source, const char *path,
    const char *extra, struct err *err) CHECKED;

/* The current generation, opened; borrowed until the mirror's next fetch. */
int mirror_repository(struct mirror *mirror, struct git_repository **out,
    struct err *err) CHECKED;

/* "g12.git" is 12; anything else 0. */
unsigned mirror_generation(const char *name);

/* The highest generation in `dir`, 0 where there is none. */
int mirror_newest(int dir, unsigned *generation, struct err *err) CHECKED;

/* Opens gN.lease and locks it (LOCK_SH waits for an eviction to end; LOCK_EX
 * | LOCK_NB answers -1 with sys EWOULDBLOCK where a workspace leans on it).
 * A generation that was removed meanwhile is ERR_TEMP. */
int mirror_take_lease(
    int dir, unsigned generation, int how, int *fd, struct err *err) CHECKED;

#endif
