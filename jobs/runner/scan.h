/* SPDX-License-Identifier: MIT */
#ifndef SCAN_H
#define SCAN_H

#include <time.h>

#include "err.h"
#include "runner/backlog.h"
#include "runner/heads.h"
#include "spool.h"

/*
 * From directories to the backlog: reads names in new/ and retry/ and the
 * heads of those that are not known yet. Bodies are never read.
 *
 * scan_all() looks at everything, or, where a directory's mtime says that
 * nothing can have changed, at nothing. scan_name() looks at one name.
 *
 * What it finds beside jobs it tells through struct scan_tell: a job made
 * moot by a newer one; a name from which no job can be read (a torn head, a
 * symbolic link, a FIFO, a directory). A file younger than SCAN_YOUNG may
 * still be being copied there by somebody who does not know that files are
 * to be moved in: it is left for the next look, and `again` is set. Names
 * that no job can have are left alone and counted.
 */

#define SCAN_YOUNG (2 * CLOCK_SECOND)

struct scan_tell {
	void (*moot)(void *arg, const char *id, const char *by);
	void (*bad)(void *arg, unsigned state, const struct spool_name *name,
	    const struct err *why);
	void *arg;
};

struct scan {
	struct spool *spool;
	struct backlog *backlog;
	struct scan_tell tell;
	unsigned number; /* of the current look; see backlog_see() */
	struct timespec mtime[SPOOL_STATES]; /* of a look that saw all */
	size_t foreign;	     /* names that no job can have, at the last look */
	int again;	     /* something must be looked at again soon */
	int64_t longest;     /* wait in retry/ that is believed, ns */
	struct heads *heads; /* read already; NULL: none */
};

void scan_init(struct scan *out, struct spool *s, struct backlog *b,
    int64_t longest, const struct scan_tell *tell);

/* With `force` also directories that seem unchanged. */
int scan_all(struct scan *sc, int force, struct err *err) CHECKED;

/* One name that is said to be in `state` (NEW or RETRY). */
int scan_name(
    struct scan *sc, unsigned state, const char *name, struct err *err) CHECKED;

/* What the backlog keeps of a job that waits in `state`; due at once. */
void scan_fill(struct waiting *out, const struct job_head *head, unsigned state,
    unsigned attempt);

/* Puts a job and tells what it makes moot. */
void scan_put(struct scan *sc, const struct waiting *w);

/* Where the job is now, if it waits: puts it into the backlog or takes it
 * out. 1 if it is in new/ under this very name. */
int scan_job(
    struct scan *sc, const struct spool_name *name, struct err *err) CHECKED;

#endif
