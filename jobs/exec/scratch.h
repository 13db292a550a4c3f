/* SPDX-License-Identifier: MIT */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stddef.h>

#include "err.h"

/*
 * A private, empty directory for one command: its HOME and TMPDIR, the place
 * of files it is given, and its working directory where it has no other.
 *
 * Calling sequence: scratch_make(), scratch_file() for each file,
 * scratch_remove(). It is <data directory>/scratch/NAME with mode 0700, or
 * lies in /tmp where there is no data directory. What an earlier attempt that
 * was killed left under the same name is removed first. The command may fill
 * the directory with anything, see filetree.h.
 *
 * The directory itself is locked while it is in use: scratch_sweep() removes
 * those whose lock nobody holds. Kernel locks free themselves with their
 * process.
 */

#define SCRATCH_PATH_MAX 1024 /* bytes, with the NUL */

struct scratch {
	char path[SCRATCH_PATH_MAX]; /* absolute, links resolved; "": none */
	int lock;		     /* the directory, where path is set */
};

/* `data_directory` may be NULL, or not be there. */
int scratch_make(struct scratch *out, const char *data_directory,
    const char *name, struct err *err) CHECKED;

/* A new file in it with mode 0600; `path` holds SCRATCH_PATH_MAX and gets
 * its absolute name. */
int scratch_file(char *path, const struct scratch *s, const char *name,
    const void *bytes, size_t len, struct err *err) CHECKED;

int scratch_remove(struct scratch *s, struct err *err) CHECKED;

/* Removes what processes that are gone have left. Cheap where there is
 * nothing. */
int scratch_sweep(
    const char *data_directory, unsigned *removed, struct err *err) CHECKED;

#endif
