/* SPDX-License-Identifier: MIT */
#ifndef CTL_H
#define CTL_H

#include "err.h"
#include "record.h"

struct settler;
struct spool;

/*
 * What an operator may ask for: cancel, retry, hold, release, drop. One
 * table in ctl.c says in which states a verb is allowed and where it moves
 * the job; anything else is refused with the reason.
 *
 * A job that runs belongs to its runner, so a request is left as a file
 * ctl/VERB.ID, which the runner performs and unlinks. Where no runner lives,
 * the asker performs it itself with the same function.
 *
 * Calling sequence: ctl_submit() does either (the command line tool).
 * ctl_request() only ever leaves the file (the viewer, which may write
 * nothing else). The runner calls ctl_parse() on each name it finds and then
 * ctl_perform().
 *
 * Fails: ERR_BAD where there is no such job or its state does not allow the
 * verb; ERR_TEMP where the spool cannot be written.
 */

enum ctl_verb {
	CTL_CANCEL,  /* queued: to dead/, outcome cancelled; running: TERM */
	CTL_RETRY,   /* waiting, held or dead: to new/ at once */
	CTL_HOLD,    /* queued or waiting: aside, until released */
	CTL_RELEASE, /* held: to new/ */
	CTL_DROP,    /* settled: the file is removed, its record stays */
	CTL_VERBS,
};

enum ctl_answer {
	CTL_PERFORMED, /* it is so now */
	CTL_REQUESTED, /* a runner will see to it within seconds */
	CTL_RUNNING,   /* ctl_perform() only: the job has a living worker */
};

/* "cancel" and so on. */
const char *ctl_verb_name(enum ctl_verb verb);

/* The verb of that name; 0, or -1. */
int ctl_verb_find(enum ctl_verb *out, const char *name) CHECKED;

/* Performs it where no runner lives, else leaves a request. */
int ctl_submit(struct spool *s, enum ctl_verb verb, const char *id,
    enum record_form form, enum ctl_answer *answer, struct err *err) CHECKED;

/* Leaves ctl/VERB.ID; the same request twice is one. */
int ctl_request(struct spool *s, enum ctl_verb verb, const char *id,
    struct err *err) CHECKED;

/* Reads the name of a request; 0, or -1 if it is none. */
int ctl_parse(enum ctl_verb *verb, const char **id, const char *name) CHECKED;

/* Moves the job and, where that settles it, writes its record. What cannot
 * be written now stays with the settler. */
int ctl_perform(struct settler *t, enum ctl_verb verb, const char *id,
    enum ctl_answer *answer, struct err *err) CHECKED;

#endif
