/* SPDX-License-Identifier: MIT */
#ifndef JOB_H
#define JOB_H

#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "head.h"
#include "steplog.h"

struct config;
struct hooks;
struct json;
struct spool;

/*
 * One job, as the worker and the handlers of its event see it.
 *
 * Calling sequence: job_open() reads the head on standard input, the
 * configuration, and opens the step log; job_run() does the work and returns
 * the exit code; job_close().
 *
 * A handler reads `head` and `payload`, writes steps to `log`, and returns 0
 * or -1 with the error whose class decides what becomes of the job: ERR_TEMP
 * means try again. It may run commands (exec/command.h) and must then pass
 * `cancel_fd` on: it becomes readable when the worker is told to stop.
 */

/* What a configuration says, read and understood. */
struct job_config {
	struct config *config;
	struct hooks *hooks;
};

struct job_options {
	const char *config; /* --config, or NULL */
	const char *spool;  /* --spool, or NULL: the configuration's */
	unsigned attempt;
	int attempt_given; /* the runner gives it, a person does not */
	int reports;	   /* --reports: no job, send what waits in out/ */
	int serve;	   /* --serve: no job yet, fork for each (serve.h) */
	struct job_config ready; /* if set it is good; it is not freed */
	struct spool *opened;	 /* if set it is --spool; it is not closed */
	int swept; /* what dead jobs left was looked for a moment ago */
};

struct job {
	const struct job_options *options;
	struct job_head head;
	struct config *config;
	struct hooks *hooks;
	int borrowed;	     /* these two are the options' */
	struct spool *spool; /* NULL: started by hand, steps go to stderr */
	struct steplog log;
	int cancel_fd;
	char *file; /* the spool file, mapped */
	size_t file_len, body_at;
	struct buf form;  /* a form's payload, decoded */
	const char *text; /* the payload's JSON; in `file` or `form` */
	size_t text_len;
	struct json *payload;
	char reason[ERR_TEXT_MAX]; /* why it failed first, for the runner */
};

/* 0; or -1 with the error, and `job` as far as it came (job_close() it). */
int job_open(struct job *job, const struct job_options *options, int cancel_fd,
    struct err *err) CHECKED;
int job_run(struct job *job);
void job_close(struct job *job);

/* From the descriptor `copy`, or with -1 from the file. */
int job_config_load(struct job_config *out, int copy, const char *path,
    struct err *err) CHECKED;
void job_config_free(struct job_config *c);

/* 1 if the worker was told to stop. */
int job_cancelled(const struct job *job);

/* Keeps the first reason of the worst code; returns the worse of both. */
int job_worse(struct job *job, int code, int other, const char *reason);

/* The same for a failure; a permission that is missing is waited for. */
int job_fail(struct job *job, int code, struct err *err);

#endif
