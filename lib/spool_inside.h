/* SPDX-License-Identifier: MIT */
#ifndef SPOOL_INSIDE_H
#define SPOOL_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "head.h"
#include "ledger.h"
#include "spool.h"

/*
 * What the spool's own files share: the struct behind spool.h and the calls
 * between spool_*.c. Nobody else includes this.
 *
 * Owners. A process that makes slots has an owner file tmp/XXXXXXXX.own and
 * keeps an flock on it; its slots are tmp/XXXXXXXX.N. The kernel frees the
 * lock when the process dies, which is how recovery knows that nobody works
 * on a slot any more. The owner is made when the first slot is, and made
 * again in a forked child.
 *
 * Locks: `lock` guards everything in the struct that is not atomic and not
 * constant after spool_open(). It is held for memory work only, except while
 * an owner or the day's record file is made (once a day or so).
 */

#define OWNER_LEN    8 /* hex digits of an owner's name */
#define SLOT_CLASSES 2
#define STOCK_MAX    1024 /* slots of a class kept ready */
#define SLOT_BODY_AT 2048 /* of a body that was streamed */
#define PENDING_MAX  64	  /* jobs durable, not yet in new/ */

/* Sizes of ready-made files: a push is about 8 kB, a pull_request 22 kB. */
extern const size_t slot_sizes[SLOT_CLASSES];

struct owner {
	char name[OWNER_LEN + 1];
	int fd;	   /* of the owner file, locked; -1: none */
	pid_t pid; /* whose it is: a forked child makes its own */
};

struct stock {
	uint32_t ready[STOCK_MAX]; /* a stack of the N of their names */
	unsigned count, wanted;
	int ran_out; /* more were asked for than there were */
};

/* A job whose slot is durable, but that could not be linked to new/. */
struct pending {
	char slot[SLOT_NAME_MAX], id[JOB_ID_MAX];
};

/* What spool_has_room() last counted. */
struct room {
	int64_t next;	       /* when to count again; 0: never counted */
	struct timespec mtime; /* of new/ then */
	uint64_t files, bytes;
};

struct spool {
	int dirs[SPOOL_DIRS];
	mode_t file_mode; /* 0640, or 0660 where the group may write */
	pthread_mutex_t lock;
	pthread_mutex_t counting; /* held by who counts new/ */
	pthread_cond_t stock_low, stock_more;
	int stock_woken, stock_filling;
	struct owner owner;
	uint32_t next_seq;
	struct stock stock[SLOT_CLASSES];
	struct pending pending[PENDING_MAX];
	atomic_uint pending_count;
	struct ledger *seen;
	struct room room;
	atomic_uint_fast64_t accepted_files, accepted_bytes; /* since counted */
	atomic_int degraded;
	struct {
		int fd; /* -1: none open */
		char day[16];
	} record;
};

/* ---- spool.c ---- */

/* Opens a directory of the spool for reading its names. */
int spool_open_names(
    struct spool *s, unsigned dir, void **dirp, struct err *err) CHECKED;

/* 1 if `st` is the same file as dirs[dir]/name, without following links. */
int spool_same_file(const struct spool *s, unsigned dir, const char *name,
    const struct stat *st);

/* ---- spool_find.c ---- */

/* spool_find() without reading a directory: 1 if found. */
int spool_find_likely(
    struct spool *s, const char *id, unsigned *state, struct spool_name *name);

/* ---- spool_slot.c: owners and slots ---- */

/* Opens a new slot of this process for writing; size > 0: zero-filled. Not
 * synced. `slot` gets its name. */
int slot_make(struct spool *s, size_t size, char slot[SLOT_NAME_MAX], int *fd,
    struct err *err) CHECKED;

/* 1 and *seq if `name` is a slot's; `owner` gets its owner. */
int slot_parse(const char *name, char owner[OWNER_LEN + 1], uint32_t *seq);

/* 1 if `name` is an owner's file; `owner` gets its name. */
int owner_parse(const char *name, char owner[OWNER_LEN + 1]);

/* 1 if the owner's lock is free or its file is not there; *fd then holds the
 * lock (-1 where there is no file). */
int owner_is_dead(struct spool *s, const char *owner, int *fd);

/* Ends the owner: its slots are then nobody's. */
void owner_leave(struct spool *s);

/* Makes the slot's contents nothing, then removes the name: a slot that no
 * job came of. Never fails: what is left is swept. */
void slot_wipe(struct spool *s, const char *slot, int fd);

/* ---- spool_stock.c ---- */

/*
 * Takes a ready slot for `size` bytes: 1, `slot` and *fd (the caller's), or
 * 0 if there is none. Waits a moment for one where some are being made.
 */
int stock_take(struct spool *s, size_t size, char slot[SLOT_NAME_MAX], int *fd);

/* Gives all ready slots back to the file system. */
void stock_empty(struct spool *s);

/* Forgets a parent's, whose they stay. Called with the lock held. */
void stock_forget(struct spool *s);

/* ---- spool_seen.c ---- */

enum seen_kind {
	SEEN_BODY,
	SEEN_DELIVERY, /* of a hook; in the page of the next */
	SEEN_ID, /* whoever has it may use the ID made of the delivery alone */
	SEEN_KINDS,
};

struct seen_keys {
	struct ledger_key key[SEEN_KINDS];
	unsigned count; /* SEEN_ID for a job with the other ID, which has none*/
	uint64_t since; /* what seen_look() needs not to be asked again */
};

int seen_keys(struct seen_keys *out, const struct job_head *head,
    struct err *err) CHECKED;

/*
 * Looks without claiming; ACCEPTED_NEW if neither delivery nor body is there.
 * Then *taken is 1 if another hook has the plain ID.
 */
enum accepted seen_look(struct spool *s, struct seen_keys *keys, int *taken);

/*
 * Claims all of them at once; *how says who was first. 1 where another hook
 * has the plain ID, or -1: nothing is claimed.
 */
int seen_claim(struct spool *s, const struct seen_keys *keys,
    enum accepted *how, struct err *err) CHECKED;

/*
 * Whether all entries of many jobs are there, a batch at a time. Calling
 * sequence:
 * a zeroed struct; seen_batch_add() for each job, and when it says 1, and at
 * the end, seen_batch_ask(), which calls missing() with the tags of those
 * whose entries are not all there, and empties the batch; what is not 0 ends
 * it and is returned. seen_batch_release() in any case.
 */
#define SEEN_BATCH 32768 /* jobs; 5 MB */

struct seen_asked {
	size_t tag;
	unsigned keys;
};

struct seen_batch {
	struct ledger_key *keys; /* of all jobs, in their order */
	struct seen_asked *jobs;
	uint32_t count, key_count;
};

int seen_batch_add(struct seen_batch *b, const struct job_head *head,
    size_t tag, struct err *err) CHECKED;
int seen_batch_ask(struct seen_batch *b, struct spool *s,
    int (*missing)(void *arg, size_t tag, struct err *err), void *arg,
    struct err *err) CHECKED;
void seen_batch_release(struct seen_batch *b);

/* Makes the entries that are missing (recovery). */
int seen_restore(
    struct spool *s, const struct job_head *head, struct err *err) CHECKED;

/* Sweeping: generations older than `before`, but for `least` deliveries. */
int seen_age(struct spool *s, int64_t before, uint64_t least, unsigned *removed,
    struct err *err) CHECKED;

/* ---- spool_draft.c ---- */

/* Links a durable slot to new/ID.0. 1 where the name is taken. */
int draft_publish(
    struct spool *s, const char *slot, const char *id, struct err *err) CHECKED;

/* Tries the pending ones again. */
void draft_publish_pending(struct spool *s);

#endif
