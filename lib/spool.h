/* SPDX-License-Identifier: MIT */
#ifndef SPOOL_H
#define SPOOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "head.h"

/*
 * The spool: a directory a state, a file a job. This header is the whole of
 * it: accepting (the responder), moving (the runner), finding (everybody).
 * docs/spool.5 describes the same for operators.
 *
 *   tmp/   S1  slots: files made ready, being written, or written. A complete
 *              slot (head, length and checksum hold) is an accepted job's
 *              first and durable name until the job is settled.
 *   new/   S2  ID.n, waits for its n-th attempt (from 0)
 *   run/   S3  ID.n and a lock on the file: a worker lives
 *          S4  ID.n and no lock: its worker died
 *   retry/ S5  ID.n, not before the file's mtime
 *   hold/  S6  ID.n, an operator holds it
 *   done/ dead/ bad/   S7  ID: settled, no attempt in the name
 *   seen/      deliveries and bodies that were accepted (spool_seen.c)
 *   out/       outbox of status reports and other callbacks
 *   log/       records webhooks_DAY.json; log/jobs/ID.jsonl steps of a job
 *   lock/      lock/keys: one byte range a running key; lock/runner and so on
 *   ctl/       requests of operators to the runner
 *
 * Why a job cannot be lost: its slot's name and contents are on disk before
 * anybody is told 2xx, and the slot's name is removed only after the name in
 * done/ dead/ or bad/ is on disk. The names in between (new, run, retry,
 * hold) are links to the same file; a power cut may undo those moves, and
 * spool_recover() makes them again. Nothing relies on rename being atomic
 * across a power cut.
 *
 * A struct spool is shared by the threads of a process. Each function says
 * in spool_*.c what is true after a crash between any two of its calls.
 */

enum spool_state {
	SPOOL_TMP,
	SPOOL_NEW,
	SPOOL_RUN,
	SPOOL_RETRY,
	SPOOL_HOLD,
	SPOOL_DONE,
	SPOOL_DEAD,
	SPOOL_BAD,
	SPOOL_STATES,
};

enum spool_dir {
	/* the first SPOOL_STATES are the states */
	SPOOL_SEEN = SPOOL_STATES,
	SPOOL_OUT,
	SPOOL_LOG,
	SPOOL_LOG_JOBS,
	SPOOL_LOCK,
	SPOOL_CTL,
	SPOOL_DIRS,
};

#define SPOOL_NAME_MAX 80 /* "ID.n" with its NUL */
#define SPOOL_ATTEMPTS 999

/* 25 MB is the largest payload GitHub sends (docs.github.com, "Webhook
 * events and payloads"); the slack is for form encoding, which can triple
 * every byte that needs escaping but is seldom used for large bodies. */
#define SPOOL_BODY_MAX (26u * 1024 * 1024)

struct spool;

/* Name of the directory: "new", "log/jobs" ... */
const char *spool_dir_name(unsigned dir);

/*
 * Opens the spool at `path`; with `create` makes what is missing (0750).
 * ERR_CONF where it is no spool or lies on a file system whose locks or
 * renames cannot be relied on (NFS and other network file systems).
 */
int spool_open(
    struct spool **out, const char *path, int create, struct err *err) CHECKED;
void spool_close(struct spool *s);

/* The descriptor of a directory, borrowed. */
int spool_fd(const struct spool *s, unsigned dir);

/* ---- limits of new/ ---- */

struct spool_limits {
	uint64_t max_files;	 /* jobs in new/ */
	uint64_t max_bytes;	 /* bytes of the files in new/ */
	uint64_t min_free_bytes; /* on the file system, 0: not checked */
	uint64_t min_free_inodes;
};

/*
 * ERR_TEMP with the limit's name where a new job would exceed one. What is
 * counted is one second old at most, or a hundred times as old as counting
 * takes; what this process accepted since is added.
 */
int spool_has_room(struct spool *s, const struct spool_limits *limits,
    struct err *err) CHECKED;

/* ---- accepting: spool_draft_*() ---- */

struct draft; /* one body on its way in; used by one thread */

enum accepted {
	ACCEPTED_NEW,
	ACCEPTED_DUPLICATE_DELIVERY,
	ACCEPTED_DUPLICATE_BODY,
};

/*
 * Calling sequence: spool_draft_new(), draft_write() until the body is
 * whole, draft_body() to look at it, then draft_commit() or nothing, and
 * draft_free() in any case. A draft may be used again after draft_reset().
 *
 * Bodies of up to DRAFT_MEMORY bytes stay in memory until the commit; larger
 * ones stream to a file in tmp/ as they come.
 */
#define DRAFT_MEMORY 65536

int spool_draft_new(
    struct draft **out, struct spool *s, struct err *err) CHECKED;
int draft_write(
    struct draft *d, const void *bytes, size_t len, struct err *err) CHECKED;
uint64_t draft_length(const struct draft *d);

/* The body so far: memory, or the file mapped; borrowed until the next call.*/
int draft_body(
    struct draft *d, const char **body, size_t *len, struct err *err) CHECKED;

/*
 * Makes the job durable and visible. Fills in the head's received, slot,
 * length and sha256; the caller has filled the rest. On return 0 *how says
 * whether it is a new job or one that was seen before (nothing is kept).
 * On -1 nobody may be told 2xx: ERR_TEMP.
 */
int draft_commit(struct draft *d, struct job_head *head, enum accepted *how,
    struct err *err) CHECKED;
int draft_reset(struct draft *d, struct err *err) CHECKED;
void draft_free(struct draft *d);

/*
 * Keeps `count` ready-made slots for this process, and more once these were
 * not enough; makes missing ones, in batches, and returns. Called again and
 * again by one thread of its own.
 * Without it every accept takes the longer way (a file made on the spot).
 */
int spool_stock(struct spool *s, unsigned count, struct err *err) CHECKED;

/* Blocks until slots are missing, or `timeout_ms` passed, or
 * spool_stock_wake() was called. */
void spool_stock_wait(struct spool *s, int timeout_ms);
void spool_stock_wake(struct spool *s);

/* 1 after an fsync or close failed in this process: /health says degraded. */
int spool_degraded(const struct spool *s);

/* ---- recovery ---- */

struct spool_recovered {
	unsigned published; /* complete slots without a job: now in new/ */
	unsigned removed;   /* torn slots, duplicates, second names */
};

/*
 * Brings the spool into a legal state after any crash: publishes complete
 * slots whose owner is gone and whose job is nowhere, removes torn ones,
 * makes missing seen/ entries, leaves one name to each job. Costs time in
 * proportion to the jobs not yet settled. May run while responders and
 * runners work; responder and runner both call it when they start, the
 * responder before it accepts, the runner also when a responder may have
 * died (every minute or so).
 *
 * It leaves to the runner: run/ files without a lock (spool_orphan()), and
 * settled jobs whose slot is still there (spool_finish()).
 *
 * `visit` (NULL: none) is told of nearly every job in new/, run/, retry/ and
 * hold/, by its inode, what its head says: it had to be read anyway.
 */
typedef void spool_waits(void *arg, ino_t ino, const struct job_head *head);
int spool_recover(struct spool *s, struct spool_recovered *out,
    spool_waits *visit, void *arg, struct err *err) CHECKED;

/*
 * Settling that was interrupted: for each settled job whose slot is still
 * there and whose lock is free calls visit() (NULL: none), which writes the
 * record if it is missing; 0: the slot is then dropped, else that is returned
 * and ends it. The runner calls this when it starts, after spool_recover(),
 * which has made lost seen/ entries from the slots that go here. Who settles
 * holds the job's lock until the slot is dropped, so living runners are left
 * alone.
 */
int spool_finish(struct spool *s,
    int (*visit)(void *arg, unsigned state, const struct job_head *head),
    void *arg, struct err *err) CHECKED;

/* ---- looking: names, not contents ---- */

struct spool_name {
	char id[JOB_ID_MAX];
	unsigned attempt; /* 0 in settled states */
};

/* "ID.n" or, for settled states, "ID"; 0, or -1 if it is no job's name. */
int spool_name_parse(struct spool_name *out, unsigned state, const char *name);
void spool_name_format(
    char out[SPOOL_NAME_MAX], unsigned state, const struct spool_name *name);

/* Calls visit() for each job file of a state until it returns non-zero,
 * which spool_each() then returns; -1 with *err on failure. */
int spool_each(struct spool *s, unsigned state,
    int (*visit)(void *arg, const struct spool_name *name), void *arg,
    struct err *err) CHECKED;

/* Finds the job in any state but tmp/; ERR_BAD if it is nowhere. */
int spool_find(struct spool *s, const char *id, unsigned *state,
    struct spool_name *name, struct err *err) CHECKED;

/* Opens a job's file for reading and reads its head. */
int spool_read_head(struct spool *s, unsigned state,
    const struct spool_name *name, struct job_head *head,
    struct err *err) CHECKED;

/* ---- moving: one table of legal moves in spool_move.c ---- */

/*
 * Moves a job from one state to another under `to_name`. A move that the
 * table does not have is a bug and aborts. Returns 0; 1 where the file was
 * no longer there (another process was first); -1 on failure.
 */
int spool_move(struct spool *s, unsigned from, const struct spool_name *name,
    unsigned to, const struct spool_name *to_name, struct err *err) CHECKED;

/* What a legal move means, in words; NULL for one that is not. */
const char *spool_move_guarantee(unsigned from, unsigned to);

/*
 * run/ID.n to retry/ID.n+1, not before `not_before` (wall clock, ns), which
 * becomes the file's mtime. 0, 1 where it is gone, -1. Only the file's owner
 * may set a time, so responder and runner should be one user (spool.5).
 */
int spool_retry(struct spool *s, const struct spool_name *name,
    int64_t not_before, struct err *err) CHECKED;

/* When retry/ID.n may go back to new/; 1 where it is gone. */
int spool_not_before(struct spool *s, const struct spool_name *name,
    int64_t *wall, struct err *err) CHECKED;

/*
 * done/ID or dead/ID to new/ID.attempt: an operator's replay. Gives the job
 * its slot and its seen/ entries back first. 0, 1 where it is gone, -1
 * (ERR_BAD where the same delivery waits or runs already).
 */
int spool_rearm(struct spool *s, unsigned from, const struct spool_name *name,
    unsigned attempt, struct err *err) CHECKED;

/* Removes a settled file for good, its slot (if any) durably before it. */
int spool_retire(
    struct spool *s, unsigned state, const char *id, struct err *err) CHECKED;

/*
 * Opens new/ID.n, takes its lock without waiting, then renames it to run/.
 * *fd is the locked descriptor at offset 0 (it becomes the worker's fd 0).
 * 1 where another claimer was first.
 */
int spool_claim(struct spool *s, const struct spool_name *name, int *fd,
    struct err *err) CHECKED;

/* 1 if run/ID.n is not locked (S4); *fd then holds the lock. 0 if locked or
 * gone. */
int spool_orphan(struct spool *s, const struct spool_name *name, int *fd,
    struct err *err) CHECKED;

/* fsync of a state's directory, or of what is in seen/; call once for many
 * moves into it. */
int spool_sync(struct spool *s, unsigned dir, struct err *err) CHECKED;

/* After a durable settle: removes the slot's name (head.slot) from tmp/. */
int spool_drop_slot(struct spool *s, const char *slot, struct err *err) CHECKED;

/* Cuts the file to `size` bytes (the body's end), if it is longer: the zero
 * bytes of a ready-made slot. A convenience, never needed; best after the
 * move to a settled state, when nothing waits. */
void spool_trim(struct spool *s, unsigned state, const struct spool_name *name,
    uint64_t size);

/* ---- the key's lock ---- */

/*
 * Takes the byte range of `key` in lock/keys on a descriptor of its own,
 * which the worker inherits: the kernel frees it with the last holder.
 * 0 taken; 1 held by someone else; -1 failure.
 */
int spool_lock_key(
    struct spool *s, const char *key, int *fd, struct err *err) CHECKED;

/* ---- seen/ ---- */

/* Removes the delivery and the body of a job from seen/, so that a
 * redelivery is accepted again (a dead job's). */
int spool_forget(
    struct spool *s, const struct job_head *head, struct err *err) CHECKED;

/* How many deliveries are remembered. */
int spool_count_seen(
    struct spool *s, uint64_t *deliveries, struct err *err) CHECKED;

/* ---- sweeping, in slices ---- */

struct spool_sweep {
	int64_t tmp_age;	/* ns; abandoned slots older than this go */
	int64_t seen_age;	/* ns; 8 days unless configured */
	uint64_t seen_min;	/* entries that stay whatever their age */
	int64_t settled_age;	/* ns; done/ dead/ bad/ and step logs */
	uint64_t settled_bytes; /* of done/, 0: no limit; oldest go first */
	int64_t log_age;	/* ns; log/webhooks_DAY.json */
	uint64_t log_bytes;	/* of log/, 0: no limit */
	unsigned slice;		/* directory entries looked at a call */
};

struct sweeper; /* where the last slice ended */

int spool_sweeper_new(
    struct sweeper **out, struct spool *s, struct err *err) CHECKED;

/* One slice; *removed counts files; 1 while the pass is not over, 0 at its
 * end, -1 on failure. */
int spool_sweep(struct sweeper *w, const struct spool_sweep *limits,
    unsigned *removed, struct err *err) CHECKED;
void spool_sweeper_free(struct sweeper *w);

#endif
