/* SPDX-License-Identifier: MIT */
#ifndef GIT_MIRROR_DIR_H
#define GIT_MIRROR_DIR_H

#include "err.h"

struct git_repository;
struct mirror;

/*
 * The names inside mirrors/owner/name, shared by mirror.c (which makes
 * generations) and evict.c (which removes them). mirror.h has the layout.
 */

#define PATH_MAX_GIT 1024 /* bytes; longer data directories are refused */

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
