/* SPDX-License-Identifier: MIT */
#ifndef RECORD_H
#define RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "head.h"

struct buf;
struct spool;

/*
 * The record of a settled job: one JSON object in log/webhooks_DAY.json, in
 * the form the reference server's users know (type webhook_summary), with
 * our members beside it. Made from the head and the job's step log, so that
 * a job whose worker died has one too.
 *
 *   type, hook_id (the delivery), event_type, action, sender, level, status,
 *   repository, repository_full_name, pr{number,title,author}, api_user,
 *   timing{started_at,completed_at,duration_ms},
 *   workflow_steps{NAME:{timestamp,status,duration_ms,error,data...}},
 *   token_spend, initial_rate_limit, final_rate_limit, success, error,
 *   summary; and lowest_rate_limit, job_id, request_id, delivery_id, state,
 * reason, attempts, received_at, queued_ms, status_report ("pending" or null).
 *
 * Beside them stand lines of other types, which readers pass over unless
 * they ask for them: RECORD_STATUS says what became of a job's commit status
 * (outbox_log(), lib/outbox.h).
 */

#define RECORD_JOB    "webhook_summary"
#define RECORD_STATUS "status_report"

/* Terminal states, by their names in the job API. */
enum job_outcome {
	JOB_SUCCEEDED,
	JOB_FAILED,
	JOB_TIMED_OUT,
	JOB_CANCELLED,
	JOB_LOST,
	JOB_QUARANTINED,
};

const char *job_outcome_name(enum job_outcome outcome);

struct record {
	const struct job_head *head;
	enum job_outcome outcome;
	const char *reason; /* one sentence, or NULL */
	unsigned attempts;  /* how often it was started */
	int64_t started;    /* wall, of the last attempt; 0: never */
	int64_t completed;  /* wall */
	int64_t duration;   /* ns, clock_mono() */
};

enum record_form { RECORD_LINES, RECORD_PRETTY };

/* Appends the record to today's file with one write(2) under the file's
 * lock. The caller syncs with record_sync() once for many. */
int record_append(struct spool *s, const struct record *record,
    enum record_form form, struct err *err) CHECKED;
int record_sync(struct spool *s, struct err *err) CHECKED;

/* 1 if a record of this job, completed at or after `since`, is there. */
int record_exists(struct spool *s, const char *job_id, int64_t since,
    struct err *err) CHECKED;

/*
 * What a job cost GitHub so far, by its step log: the calls of all attempts,
 * and those of its commit status, some of which come after the record is
 * written. RECORD_STATUS has it too.
 */
struct job_spend {
	int64_t calls;
	int64_t lowest_remaining; /* of any token's limit; -1: not told */
};

int record_spend(struct spool *s, const char *job_id, struct job_spend *out,
    struct err *err) CHECKED;

/* ---- reading ---- */

/*
 * Reads the records of all days, oldest or newest day first, both forms,
 * skipping what is torn. For each record calls visit() with its text, which
 * is borrowed; a non-zero answer ends it and is returned.
 */
struct record_filter {
	const char *delivery, *event, *status, *job_id;
	const char *repository; /* whatever its case */
	int64_t number;		/* 0: any */
	int64_t since, until;	/* wall; 0: open */
	const char *type;	/* NULL: records of jobs */
	const char *holds;	/* text that stands in each, to search faster */
	/* The beginning of the delivery's or the job's UUID, in lower case: a
	 * hint for the index; visit() is offered others too. NULL: none. */
	const char *uuid;
	int newest_first;
};

int record_each(struct spool *s, const struct record_filter *filter,
    int (*visit)(void *arg, const char *text, size_t len), void *arg,
    struct err *err) CHECKED;

#endif
