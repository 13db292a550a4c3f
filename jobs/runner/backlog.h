/* SPDX-License-Identifier: MIT */
#ifndef BACKLOG_H
#define BACKLOG_H

#include <stddef.h>
#include <stdint.h>

#include "head.h"

/*
 * The jobs that wait, as the runner remembers them: an index over the names
 * in new/ and retry/, so that nothing scans a directory to find the next
 * job. The directories are the truth; the runner tells the backlog what it
 * sees there, and a name that turns out to be gone is simply removed.
 *
 * Order. The jobs of one key stand in a line by the time they were received
 * (then by ID), and only the first of a line can be next. While a job of the
 * key runs the key is busy and its line stands still; so it does while the
 * first waits in retry/ for its time. Among the keys that could go on, the
 * one whose first job is oldest goes first. A held job is not in the
 * backlog: it lets the others of its key pass, which is what the operator
 * who held it wanted.
 *
 * Superseding. A job with a `kind` makes an older one of the same key and
 * kind moot; backlog_put() hands that one out. So a line holds at most one
 * of a kind, and looking for it costs little.
 *
 * Calling sequence: backlog_new(), backlog_put() and backlog_remove() as
 * names come and go, backlog_next() to learn what may be claimed, then
 * backlog_take() for the one that was, backlog_release() when its key is
 * free again. Pointers handed out are valid until the next call that changes
 * the backlog. Memory that runs out is fatal: the process can be restarted,
 * the jobs are on disk.
 *
 * Cost: logarithmic in the number of keys; a job put out of order walks its
 * key's line from the end, so put many in order of time.
 */

struct backlog;

enum waits { WAITS_NEW, WAITS_RETRY };

struct waiting {
	char id[JOB_ID_MAX];
	unsigned attempt;
	enum waits in;	  /* the directory */
	uint64_t key;	  /* hash of the head's key */
	uint64_t kind;	  /* hash of event and action if newer ones make it
			     moot, else 0 */
	uint64_t event;	  /* hash of the event's name */
	int64_t received; /* wall, from the head */
	int64_t due;	  /* clock_boot(), for WAITS_RETRY */
	unsigned seen;	  /* number of the scan that last saw it */
};

struct backlog *backlog_new(void);
void backlog_free(struct backlog *b);

/* FNV-1a with 64 bits. Two keys of one hash run one after the other, which
 * is slow but not wrong. */
uint64_t backlog_hash(const char *text);

/*
 * Adds the job, or replaces what was known of it. If that makes another one
 * moot, its ID is copied to `moot` and 1 returned; it stays in the backlog.
 */
int backlog_put(
    struct backlog *b, const struct waiting *w, char moot[JOB_ID_MAX]);

const struct waiting *backlog_find(const struct backlog *b, const char *id);

/* Marks the job as seen by a scan; NULL if it is unknown. */
const struct waiting *backlog_see(
    struct backlog *b, const char *id, unsigned scan);

/* Takes the job out; nothing if it is not there. */
void backlog_remove(struct backlog *b, const char *id);

/* Removes all of a directory that the scan did not see; returns how many. */
size_t backlog_forget_unseen(struct backlog *b, enum waits in, unsigned scan);

/* The job to claim now, or NULL. One that waits in retry/ is handed out when
 * its time has come: move it to new/ and put it again. */
const struct waiting *backlog_next(struct backlog *b, int64_t now);

/* When backlog_next() may have more to say: clock_boot(), 0 for now,
 * INT64_MAX for not before something changes. */
int64_t backlog_wake(const struct backlog *b);

/* Takes the job out and makes its key busy until backlog_release(). */
void backlog_take(struct backlog *b, const char *id);
void backlog_release(struct backlog *b, uint64_t key);

/*
 * Puts the key aside: somebody else holds it. Each time in a row it is for
 * twice as long, from 100 ms up to 5 s; backlog_hurry() ends the wait of
 * all such keys.
 */
void backlog_aside(struct backlog *b, uint64_t key, int64_t now);
void backlog_hurry(struct backlog *b);

/*
 * Parks the key: its first job is of an event of which enough run already.
 * backlog_unpark() ends that for all keys, and so does, for this one, any
 * change of its line.
 */
void backlog_park(struct backlog *b, uint64_t key);
void backlog_unpark(struct backlog *b);

size_t backlog_count(const struct backlog *b, enum waits in);

/* Another number after each change of what waits. */
unsigned long backlog_changes(const struct backlog *b);

/* The oldest of a directory, oldest first; how many. Looks at little more
 * than those and one of each key. */
size_t backlog_oldest(const struct backlog *b, enum waits in,
    const struct waiting **out, size_t max);

#endif
