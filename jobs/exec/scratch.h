/* SPDX-License-Identifier: MIT */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stddef.h>

#include "err.h"

/*
 * A private, empty directory for one command: its HOME and TMPDIR, the place
 * of files it is given, and its working directory where it has no other.
 *
 * Calling sequence: scratch_make() or scratch_take(), scratch_file() for each
 * file, scratch_remove(). It is <data directory>/scratch/NAME with mode 0700,
 * or lies in /tmp where there is no data directory. What an earlier attempt
 * that was killed left under the same name is removed first. The command may
 * fill the directory with anything, see filetree.h.
 *
 * To make and remove a directory is dear on some file systems. scratch_take()
 * has a few, scratch/0 to scratch/63, that stay: the first that is free, or a
 * new one. One that a command left as it found it (empty, with its mode,
 * owner and flags, without attributes or ACLs) is used again, which is looked
 * at before and after; any other goes. Not for a command behind walls of its
 * own (strict): it could keep a descriptor of the directory alive in another.
 *
 * The directory itself is locked while it is in use: scratch_sweep() removes
 * those whose lock nobody holds. Kernel locks free themselves with their
 * process.
 */

#define SCRATCH_PATH_MAX 1024 /* bytes, with the NUL */

struct scratch {
	char path[SCRATCH_PATH_MAX]; /* absolute, links resolved; "": none */
	int lock;		     /* the directory, where path is set */
	int kept;  /* by scratch_take(), to be used again; may be set to 0 */
	int flags; /* then: as chattr(1) sets them */
	char file[64]; /* the last of scratch_file() */
};

/* `data_directory` may be NULL, or not be there. */
int scratch_make(struct scratch *out, const char *data_directory,
    const char *name, struct err *err) CHECKED;

/* Where none is to be had, as scratch_make(). */
int scratch_take(struct scratch *out, const char *data_directory,
    const char *name, struct err *err) CHECKED;

/* A new file in it with mode 0600; `path` holds SCRATCH_PATH_MAX and gets
 * its absolute name. */
int scratch_file(char *path, struct scratch *s, const char *name,
    const void *bytes, size_t len, struct err *err) CHECKED;

int scratch_remove(struct scratch *s, struct err *err) CHECKED;

/* Removes what processes that are gone have left, but for what is to be used
 * again. Cheap where there is nothing. */
int scratch_sweep(
    const char *data_directory, unsigned *removed, struct err *err) CHECKED;

#endif
