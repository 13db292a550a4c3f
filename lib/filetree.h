/* SPDX-License-Identifier: MIT */
#ifndef FILETREE_H
#define FILETREE_H

#include <stdint.h>

#include "err.h"

/*
 * Whole directory trees whose contents are a stranger's: what a command left
 * in its scratch directory, a workspace with a hostile repository in it.
 *
 * Symbolic links are never followed and mount points never crossed; a
 * directory without permissions is opened up first; depth costs descriptors
 * only up to a bound, below which subtrees are moved up and removed from
 * there.
 */

/* Removes `name` in `dir`, whatever it is; what is not there is no error. */
int filetree_remove(int dir, const char *name, struct err *err) CHECKED;

/* Adds up the disk blocks of a tree, in bytes; each file with several names
 * once per name, each file at least 512 bytes for its entry. Stops soon after
 * there are more than `max` (0: no limit). */
int filetree_size(int dir, const char *name, uint64_t max, uint64_t *bytes,
    struct err *err) CHECKED;

#endif
