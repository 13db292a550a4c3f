/* SPDX-License-Identifier: MIT */
#ifndef POWER_JOB_H
#define POWER_JOB_H

#include "power.h"

/*
 * The protocols whose calls are recorded, and the deliveries they are
 * recorded with.
 */

enum { RUNNER_NONE, RUNNER_BATCH, RUNNER_EACH };

struct power_protocol {
	const char *name;
	int jobs;
	size_t length;	  /* of a body */
	unsigned stock;	  /* ready slots */
	int runner;	  /* recorded too: behind all accepts, or behind each */
	const char *plan; /* of the stub worker */
};

/* The one that this process is at. */
extern const struct power_protocol *power_protocol;
extern char power_worker[]; /* path of the stub worker */

/* The n-th delivery's head, and accepting it. From POWER_REPLAY on: the same
 * bodies under other deliveries. */
#define POWER_REPLAY 100
void power_head(struct job_head *head, unsigned n);
int power_send(struct spool *s, unsigned n, struct job_head *head,
    enum accepted *how, struct err *err) CHECKED;

/* ---- power_search.c ---- */

struct search {
	const struct power_log *log;
	const char *home;
	unsigned shard, shards;
	unsigned wanted; /* disks */
	int first_only;	 /* one violation is enough, and is not told */
	int first_cut;
	unsigned disks, violations;
	int exhausted;
};

/* Where the cuts begin: behind the accepts, where the runner is recorded. */
int power_first_cut(const struct power_log *log);

/* TOP/SHARD with a configuration and the stub worker's plan. */
void power_make_home(char out[200], const char *top, unsigned shard);

/* For a child: nothing is left running when the gate ends. */
void power_die_with_parent(void);

/* The shards side by side; adds up disks and violations. */
void power_search(struct search *sum, const char *top);

#endif
