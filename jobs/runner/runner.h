/* SPDX-License-Identifier: MIT */
#ifndef RUNNER_H
#define RUNNER_H

#include <stdint.h>

#include "err.h"
#include "runner/backlog.h"
#include "runner/child.h"
#include "runner/forker.h"
#include "runner/job.h"
#include "runner/kinds.h"
#include "runner/order.h"
#include "runner/reporter.h"
#include "runner/scan.h"
#include "runner/schedule.h"
#include "runner/settle.h"
#include "runner/trouble.h"
#include "runner/watch.h"
#include "spool.h"

struct config;
struct config_watch;

/*
 * The runner: one thread, one loop. Each round it takes what has happened
 * (signals, inotify, dead children), moves what is due, and sleeps until
 * the next known moment; an idle one wakes every 30 s to look at the
 * directories' times, touch its heartbeat and tell the service manager that
 * it lives.
 *
 *   runner.c   setting up, the loop, what to wait for
 *   claim.c    from the backlog to a worker
 *   reap.c     from a dead worker to a verdict, and settling
 *   upkeep.c   what is done by the clock: looking, recovering, sweeping
 *   reporter.c who sends commit statuses, and when
 *   forker.c   a worker that is ready and forks for each job
 *   requests.c operators' requests
 *   order.c    what waits, for who lists it
 *
 * A job's struct is in exactly one of the lists running (its worker lives),
 * ended (the worker is dead, strays of it may live), judged (never started,
 * but there is a verdict) and the settler's.
 *
 * Fatal are only the things without which it cannot begin: options,
 * configuration, spool, its journal. Later trouble (a full disk, no more
 * processes) is logged once, waited for with growing patience, and the jobs
 * stay where they are.
 */

struct runner_options {
	const char *config;	  /* path */
	const char *spool;	  /* path, or NULL: from the configuration */
	const char *worker;	  /* path of job-worker */
	int other_worker;	  /* --worker: perhaps not ours */
	struct schedule schedule; /* of retries */
	int drain;		  /* end when nothing is left in new/ */
};

/* What the configuration says, read once when it is loaded. */
struct settings {
	unsigned concurrency;
	int64_t stop_grace, retry_for;
	enum record_form form;
	struct spool_sweep sweep;
	struct kinds kinds;
};

struct runner {
	const struct runner_options *options;
	struct config *config;
	struct config_watch *config_watch;
	int config_fd; /* config_copy() of it, for the workers */
	struct settings settings;
	char spool_path[4096];
	struct spool *spool;
	int presence, drain, signals; /* descriptors, -1: none */
	struct backlog *backlog;
	struct scan scan;
	struct watch watch;
	struct settler settler;
	struct sweeper *sweeper; /* a pass under way, or NULL */
	struct reporter reporter;
	struct forker forker;
	struct order order;

	struct job *running, *ended, *judged;
	unsigned n_running, n_ended, n_judged;
	int64_t strays_until; /* when to stop waiting for strays; 0: none */

	int stopping;	    /* no more claims; a runner's last state */
	int64_t stop_at;    /* when its workers are told, clock_boot() */
	int64_t give_up_at; /* when it ends whatever cannot be written */

	int hurry, look, requests; /* something happened: see upkeep.c */
	int64_t next_look, next_orphans, next_recovery, next_sweep, last_beat;
	int64_t last_watchdog;

	size_t foreign;		     /* names in new/ that were told of */
	int64_t claim_at, settle_at; /* not before; after trouble */
	int64_t settle_by;	     /* what waits for company; 0: nothing */
	int64_t settle_took;	     /* ns, the last batch */
	struct trouble claiming, settling, keeping; /* what does not work now */
	char status[80];			    /* the last STATUS= */
};

/* Runs until it is told to stop, or until drained; 0, or -1 if it could not
 * begin. */
int runner_run(const struct runner_options *options, struct err *err) CHECKED;

/* ---- between the files of the runner ---- */

/* Reads the configuration again if it is another one. */
void runner_reload(struct runner *r);

/* claim.c: starts what can be started. */
void claim_jobs(struct runner *r, int64_t now);

/* reap.c: collects dead workers, passes verdicts, settles. */
void reap_children(struct runner *r, int64_t now);
void reap_deadlines(struct runner *r, int64_t now);
void reap_settle(struct runner *r, int64_t now);

/* The job's worker is dead, with job->status; what it left may live. */
void reap_later(struct runner *r, struct job *job);

/* Gives a job that was never started to the settler, when there is time. */
void reap_judged(struct runner *r, unsigned state,
    const struct spool_name *name, const struct verdict *verdict);

/* upkeep.c. Recovery comes before anything that drops slots: from them it
 * makes what a power cut took. */
int upkeep_recover(
    struct runner *r, struct heads *heads, struct err *err) CHECKED;
/* `heads`: what recovery has read just now. */
int upkeep_begin(
    struct runner *r, struct heads *heads, struct err *err) CHECKED;
void upkeep_events(struct runner *r);
void upkeep_round(struct runner *r, int64_t now);
int64_t upkeep_wake(const struct runner *r, int64_t now);
void upkeep_end(struct runner *r);

/* requests.c: performs what lies in ctl/. */
void requests_perform(struct runner *r, int64_t now);

#endif
