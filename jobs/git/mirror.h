/* SPDX-License-Identifier: MIT */
#ifndef GIT_MIRROR_H
#define GIT_MIRROR_H

#include <stdint.h>

#include "err.h"

struct buf;
struct secret;

/*
 * Bare mirrors of repositories, kept in the data directory so that a
 * workspace costs no network:
 *
 *   mirrors/owner/name/fetch.lock    held while somebody fetches
 *   mirrors/owner/name/building/     a generation being made
 *   mirrors/owner/name/packing/      one being made of the current one
 *   mirrors/owner/name/pack.lock     held while somebody does that
 *   mirrors/owner/name/gN.git        generation N; the highest is current
 *   mirrors/owner/name/gN.lease      shared lock of each workspace on it
 *
 * A generation is only ever added to. One that turns out broken is followed
 * by the next, and removed when its last workspace is gone, so that nobody's
 * objects vanish under his feet.
 *
 * Calling sequence: mirror_open(), mirror_fetch() unless mirror_has() says
 * that the commit is there already, workspaces from mirror_path(),
 * mirror_close(). The token goes through libgit2's credential callback and
 * nowhere else: not into the URL, the configuration or an argument list.
 *
 * Locks are kernel locks and free themselves with their process.
 */

struct mirror_source {
	const char *repository;	    /* owner/name; checked */
	const char *url;	    /* https, or http to loopback, or file */
	const struct secret *token; /* NULL: no credentials */
	uint64_t max_bytes;	    /* of one fetch, received; 0: no limit */
	int64_t timeout;	    /* ns, of one fetch */
};

struct mirror;

int mirror_open(struct mirror **out, const char *data_directory,
    const struct mirror_source *source, struct err *err) CHECKED;
void mirror_close(struct mirror *mirror);

/* For the fetches to come; borrowed. */
void mirror_set_token(struct mirror *mirror, const struct secret *token);

/* The current generation's path; "" before the first fetch. */
const char *mirror_path(const struct mirror *mirror);

/* 1 if the commit and its tree are there. */
int mirror_has(struct mirror *mirror, const char *sha);

/*
 * Brings branches and tags up to date, and `extra` (a ref such as
 * "refs/pull/7/head", may be NULL) with them. Waits for another fetch of the
 * same mirror, which may make its own needless. A mirror that cannot be read
 * is built anew, once; *rebuilt then says so.
 */
int mirror_fetch(struct mirror *mirror, const char *extra, int *rebuilt,
    struct err *err) CHECKED;

/* Builds the next generation, for one whose objects have turned out bad. */
int mirror_rebuild(
    struct mirror *mirror, const char *extra, struct err *err) CHECKED;

/* The commit a ref of the mirror points to: "refs/heads/main". */
int mirror_resolve(struct mirror *mirror, const char *ref, char sha[65],
    struct err *err) CHECKED;

/* 1 and its commit, if the mirror has that branch; 0 if not. */
int mirror_branch(struct mirror *mirror, const char *branch, char sha[65]);

/* The commit's whole message, added to `out`. */
int mirror_message(struct mirror *mirror, const char *sha, struct buf *out,
    struct err *err) CHECKED;

/* A lease on the current generation: held while a workspace leans on it. */
int mirror_lease(struct mirror *mirror, int *fd, struct err *err) CHECKED;

/*
 * Each fetch adds a pack, and every look-up goes through all of them: where
 * there are more than PACKS_MAX the next generation is made, of this one's
 * objects in a single pack, without the remote. Others fetch and work
 * meanwhile; what they lean on stays until they are done. *done is 1 where
 * that was due and was done; nobody waits for somebody else who does it, and
 * after a failure nobody tries for a day.
 */
#define MIRROR_PACKS_MAX 50

int mirror_pack(struct mirror *mirror, int *done, struct err *err) CHECKED;

/*
 * Removes generations nobody needs, then whole mirrors, least recently
 * fetched first, until all together have at most max_bytes (0: no limit).
 * Those with a lease stay. *removed counts directories.
 */
int mirrors_evict(const char *data_directory, uint64_t max_bytes,
    unsigned *removed, struct err *err) CHECKED;

#endif
