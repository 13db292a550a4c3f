/* SPDX-License-Identifier: MIT */
#ifndef JOB_H
#define JOB_H

#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "head.h"
#include "record.h"
#include "runner/report.h"
#include "spool.h"

/*
 * A job in the hands of this process: claimed, its file locked, perhaps with
 * a worker, perhaps on its way to being settled. It is in one list at a
 * time, and who holds the list owns it.
 *
 * job_free() closes the descriptors: with them go the file's lock and the
 * key's, so it comes last.
 */

/* Why a worker is being stopped; the first reason stays. */
enum stop { STOP_NONE, STOP_TIMEOUT, STOP_CANCEL, STOP_SHUTDOWN };

/* Where a job goes from run/, and what its record says. */
struct verdict {
	enum spool_state to; /* DONE, DEAD, BAD; RETRY; NEW: as if never run */
	enum job_outcome outcome; /* for a settled one */
	int64_t delay;		  /* ns, for RETRY */
	int lost;		  /* its worker ended without a word */
	int blameless;		  /* NEW: this attempt does not count */
	char reason[ERR_TEXT_MAX];
};

/* How far settling has come; only forward (settle.c). */
enum settle_stage {
	SETTLE_MOVE,
	SETTLE_RECORD,
	SETTLE_DROP,
	SETTLE_OVER,
};

struct job {
	struct job *next;
	struct job_head head;
	struct spool_name name;
	enum spool_state in;  /* the directory its file is in */
	uint64_t key;	      /* backlog_hash() of the head's key */
	int fd;		      /* the file, locked; -1: none could be opened */
	uint64_t size;	      /* of head and body, bytes; 0: no head was read */
	int key_fd;	      /* the key's lock, or -1 */
	int report_fd;	      /* what the worker tells, or -1 */
	pid_t pid;	      /* 0: no worker; else also its group's number */
	int64_t started;      /* wall; 0: never started */
	int64_t began, ended; /* clock_mono() */
	int64_t completed;    /* wall, of the verdict */
	int64_t deadline, kill_at; /* clock_boot(); kill_at 0: not yet */
	enum stop stop;
	int status; /* of waitid(): see WIFEXITED() */
	struct verdict verdict;
	enum settle_stage stage;
	int gone;      /* somebody else moved it first: not ours any more */
	int keep_slot; /* something was not synced: recovery looks again */
};

/* Fatal where there is no memory. */
struct job *job_new(const struct spool_name *name, enum spool_state in);
void job_free(struct job *job);

/*
 * Opens and locks the file of a job that is not running, so that nobody else
 * begins with it. 0, also where it is nothing that can be opened (fd stays
 * -1); 1 where it is gone or somebody has it; -1.
 */
int job_lock(struct spool *s, struct job *job, struct err *err) CHECKED;

/* A head for a file whose own cannot be read: what the name tells. */
void job_head_of_name(struct job_head *head, const struct spool_name *name);

/*
 * Reads the head from the job's open file. Where it cannot be read, or is
 * another job's (then so is its slot), -1, and the head is one made of the
 * name.
 */
int job_read_head(struct job *job, struct err *err) CHECKED;

/* A line in the job's step log; `members` as for steplog_line(). Not being
 * able to write it is no reason to stop. */
void job_line(struct spool *s, const struct job *job, const char *level,
    const char *event, const char *members);

/* How often the step log says that the job's worker was lost, since it was
 * last settled. */
unsigned job_lost_count(struct spool *s, const char *id);

/* 1 if the verdict ends the job: done, dead or bad. */
int job_settles(const struct job *job);

/* What the record says of the job. */
void job_record(struct record *out, const struct job *job);

#endif
