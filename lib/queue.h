/* SPDX-License-Identifier: MIT */
#ifndef QUEUE_H
#define QUEUE_H

#include <stdint.h>

#include "err.h"
#include "head.h"
#include "spool.h"

/*
 * The queue behind one small interface, so that a shared one (a database
 * behind the local spool) can stand in its place. Seven calls; the spool is
 * the first back end (queue_spool.c).
 *
 *              spool                             database, for comparison
 *   enqueue    slot, seen/, link to new/         INSERT .. ON CONFLICT
 *   claim      key lock, flock, new/ to run/     FOR UPDATE SKIP LOCKED
 *   beat       nothing: the lock is the lease    lease_until = now() + ..
 *   ack        run/ to done/                     state = done
 *   retry      run/ to retry/, not before        state = ready, run_at
 *   dead       run/ to dead/, seen/ forgotten    state = dead, reason
 *   stat       names counted                     count(*) by state
 *
 * Calling sequence for a job: claim, then beat at least every
 * `beat_interval` while it runs, then one of ack, retry, dead, which end the
 * claim. A claim that is dropped without them (claim_drop(), or the
 * process dies) makes the job come back.
 *
 * ack, retry and dead are durable when they return. They do not write the
 * job's record: a runner that settles in batches uses the spool's own calls.
 */

/* A job in hand. Belongs to the caller; release with claim_drop(). */
struct claim {
	struct job_head head;
	unsigned attempt;
	int fd;	    /* the spool file, locked, at offset 0 */
	int key_fd; /* the key's lock, or -1 */
};

struct queue_counts {
	uint64_t ready;	  /* may be claimed, or could if their key were free */
	uint64_t running; /* claimed */
	uint64_t waiting; /* retry: not yet */
	uint64_t held;
	uint64_t done, dead, bad;
};

struct queue;

struct queue_calls {
	int (*enqueue)(struct queue *q, struct draft *draft,
	    struct job_head *head, enum accepted *how, struct err *err);
	/* The oldest job whose key is free. 0; 1: none; -1. */
	int (*claim)(struct queue *q, struct claim *out, struct err *err);
	/* 0; 1: the claim is no longer ours, stop working; -1. */
	int (*beat)(struct queue *q, struct claim *claim, struct err *err);
	int (*ack)(struct queue *q, struct claim *claim, struct err *err);
	/* `not_before`: wall clock, ns. */
	int (*retry)(struct queue *q, struct claim *claim, int64_t not_before,
	    struct err *err);
	int (*dead)(struct queue *q, struct claim *claim, struct err *err);
	int (*stat)(struct queue *q, struct queue_counts *out, struct err *err);
};

/* A back end embeds this first in its own struct. */
struct queue {
	const struct queue_calls *calls;
	int64_t beat_interval; /* ns; 0: never needed */
};

/* The spool as a queue; the spool is borrowed. */
int queue_spool_new(
    struct queue **out, struct spool *s, struct err *err) CHECKED;
void queue_spool_free(struct queue *q);

/* Lets go of a claim: its locks are free, the job will come back. */
void claim_drop(struct claim *claim);

#endif
