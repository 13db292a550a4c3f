/* SPDX-License-Identifier: MIT */
#ifndef PLACE_H
#define PLACE_H

#include <stddef.h>

struct spool;

/*
 * A spool for a fuzz target that needs one: made when first asked for, in a
 * directory of its own (in memory where there is /dev/shm), removed when the
 * program ends. What does not work aborts.
 */

struct spool *place_spool(void);

/* The directory that the spool is in. */
const char *place_path(void);

/* Makes a file of a directory of the spool anew, or adds to it. */
void place_write(
    unsigned dir, const char *name, const void *bytes, size_t size);
void place_add(unsigned dir, const char *name, const void *bytes, size_t size);

/* Removes the files of a directory, but for owners' in tmp/. */
void place_empty(unsigned dir);

#endif
