/* SPDX-License-Identifier: MIT */
#ifndef SPOOL_RECOVER_H
#define SPOOL_RECOVER_H

#include "spool.h"

struct stat;

/*
 * The parts of recovery: spool_recover.c judges slots, spool_twins.c jobs
 * that have two names, spool_finish.c settling that was interrupted. Inside
 * the spool only.
 */

/* The settled state in which this very file is ID, or SPOOL_STATES. */
unsigned spool_settled_as(
    struct spool *s, const char *id, const struct stat *st);

/* Leaves one name to each job that has several. */
int spool_resolve_twins(
    struct spool *s, struct spool_recovered *out, struct err *err) CHECKED;

#endif
