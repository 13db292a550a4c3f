/* SPDX-License-Identifier: MIT */
#ifndef GIT_UNPACK_H
#define GIT_UNPACK_H

#include <stdint.h>

#include "git/libgit2.h"

#include "err.h"

/*
 * A commit's files, written into a directory that is empty but for .git, and
 * the index that says so. For jobs/git alone.
 *
 * libgit2's own checkout has to expect files that are there already. Here
 * there are none, so each file costs opening, writing, looking and closing,
 * relative to its directory, and nothing else: half the time. Where the
 * commit's attributes change a file on its way out (line ends, $Id$) it is
 * libgit2's checkout that does the work.
 *
 * The tree is a stranger's. Directories are made and entered without
 * following a link, nothing that is there is ever opened, names that would
 * lead out or into .git are refused, and the limit counts while it is
 * written, so that a small repository which unpacks to millions of files
 * stops early.
 *
 * Fails with ERR_BAD for what the commit holds, with ERR_PERM for objects
 * that cannot be read, with ERR_TEMP for want of room.
 */

struct unpack {
	git_repository *objects; /* where they are; borrowed */
	const char *path;	 /* of the directory, absolute */
	int dir;		 /* the directory, open */
	uint64_t max_bytes;	 /* on disk; 0: no limit */
};

int unpack_commit(
    const struct unpack *u, const char *sha, struct err *err) CHECKED;

#endif
