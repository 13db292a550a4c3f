/* SPDX-License-Identifier: MIT */
#ifndef OUTBOX_H
#define OUTBOX_H

#include <stdint.h>

#include "err.h"
#include "head.h"
#include "record.h"

struct spool;

/*
 * out/: what is still to be said to GitHub about a job, one small file a
 * job, named by its ID. "Key: value" lines like a spool head, replaced as a
 * whole and fsynced each time, so that after any crash it says truly how far
 * the report had come:
 *
 *   State      what the commit shall show
 *   Form       as what: a commit status, or a check run of the GitHub App's
 *   Attempted  the state a request was begun for: written before it is sent
 *   Posted     the state GitHub is known to have
 *
 * Attempted equal to State while Posted is not is the doubt that makes the
 * sender read back before it sends again; that is why each appears once.
 *
 * Calling sequence: the worker writes the pending report when it starts
 * (outbox_want()), the runner the final one when it settles the job
 * (outbox_finish()), so a job has a report only if its worker found that it
 * has something to tell; the sender (jobs/github/status.c) moves it on, under
 * outbox_lock(). A worker that begins a job whose report is final begins one
 * that was settled and is run once more: its report begins anew (Run counts
 * it). Nothing here speaks to the network.
 */

#define STATUS_CONTEXT_MAX     256
#define STATUS_TARGET_MAX      512
#define STATUS_DESCRIPTION_MAX 600 /* bytes; 140 characters of up to 4 */
#define STATUS_CHARS	       140 /* GitHub's limit for a description */
#define STATUS_WORDS_MAX       200

enum commit_state { /* "none" never reaches GitHub */
	COMMIT_NONE,
	COMMIT_PENDING,
	COMMIT_SUCCESS,
	COMMIT_FAILURE,
	COMMIT_ERROR,
};

enum report_form {   /* what GitHub is given */
	FORM_NONE,   /* not decided yet */
	FORM_STATUS, /* a commit status */
	FORM_CHECK,  /* a check run */
};

enum status_result {
	RESULT_WAITING,	   /* still to be sent */
	RESULT_REPORTED,   /* it is there */
	RESULT_REFUSED,	   /* GitHub will not have it: `words` say why */
	RESULT_EXPIRED,	   /* not accepted within a day */
	RESULT_SUPERSEDED, /* a newer job speaks for this commit */
	RESULTS,
};

struct status_report {
	char job_id[JOB_ID_MAX];
	char request_id[UUID_TEXT];
	char delivery[UUID_TEXT];
	char repository[HEAD_VALUE_MAX];
	char sha[72];
	char context[STATUS_CONTEXT_MAX];
	char target[STATUS_TARGET_MAX];		  /* "" : none */
	char description[STATUS_DESCRIPTION_MAX]; /* valid UTF-8 */
	char words[STATUS_WORDS_MAX];		  /* of the last failure */
	enum commit_state state, attempted, posted;
	enum report_form form;
	int64_t check;	  /* the check run's number at GitHub; 0: not known */
	char outcome[16]; /* job_outcome_name() once settled; "" before */
	unsigned run;	  /* 0, and one more each time it was run again */
	enum status_result result;
	unsigned tries;	  /* sends that failed for now */
	int64_t received; /* of the job: which of two is newer */
	int64_t wanted;	  /* wall; when `state` was asked for */
	int64_t due;	  /* wall; not to be sent before */
};

const char *commit_state_name(enum commit_state state);
const char *status_result_name(enum status_result result);
const char *report_form_name(enum report_form form);

/* Fills a report's names from a head; cuts and cleans the description. */
void status_report_init(struct status_report *report,
    const struct job_head *head, const char *context, const char *target,
    enum commit_state state, const char *description);

/*
 * Stores that this state is wanted, keeping what is known of earlier sends
 * of the same job; a pending one after a final one is the next run's, of
 * which nothing was sent. 0 is stored; 1 there was nothing to store.
 */
int outbox_want(struct spool *s, const struct status_report *report,
    struct err *err) CHECKED;

/*
 * The job is settled: its report, if it has one, shall say so. To be called
 * before the job's slot is dropped, any number of times.
 */
int outbox_finish(
    struct spool *s, const struct record *settled, struct err *err) CHECKED;

/* ERR_BAD where the job has no report or its file is damaged. */
int outbox_read(struct spool *s, const char *job_id,
    struct status_report *report, struct err *err) CHECKED;

/*
 * What the sender found out. If something else is wanted by now, only what
 * GitHub was sent and has is taken over, and the new wish stays; nothing at
 * all if that is the wish of another run.
 */
int outbox_update(
    struct spool *s, const struct status_report *sent, struct err *err) CHECKED;
/*
 * Operators: the report is to be sent again from the beginning (`clear` also
 * forgets what GitHub was sent and in which form, so that it is not read back
 * first; a check run is known by its number and stays one). ERR_BAD where the
 * job has none.
 */
int outbox_again(
    struct spool *s, const char *job_id, int clear, struct err *err) CHECKED;

int outbox_remove(struct spool *s, const char *job_id, struct err *err) CHECKED;

/* 1 if the job has a report. */
int outbox_has(struct spool *s, const char *job_id);

/*
 * Appends to the day's records what became of a final state: one object of
 * type RECORD_STATUS, which also tells what the job cost GitHub to its end. To
 * be called before outbox_update() stores the result, so that a crash between
 * the two repeats the line instead of losing it.
 */
int outbox_log(struct spool *s, const struct status_report *report,
    enum record_form form, struct err *err) CHECKED;

/* visit() for each report until it answers non-zero, which is returned.
 * Damaged files are passed to it as NULL with their name. */
int outbox_each(struct spool *s,
    int (*visit)(
	void *arg, const char *name, const struct status_report *report),
    void *arg, struct err *err) CHECKED;

/* How many reports in out/ have each result. */
int outbox_count(
    struct spool *s, uint64_t counts[RESULTS], struct err *err) CHECKED;

/*
 * One sender at a time for a commit and context: 0 taken, *fd holds it;
 * 1 somebody else has it; -1 failure.
 */
int outbox_lock(struct spool *s, const struct status_report *report, int *fd,
    struct err *err) CHECKED;

/*
 * Under that lock: 1 if the report's job is the newest known for its commit
 * and context (and is then remembered as that), 0 if a newer one was.
 */
int outbox_is_newest(struct spool *s, const struct status_report *report,
    struct err *err) CHECKED;

#endif
