/* SPDX-License-Identifier: MIT */
#ifndef JOB_LOG_H
#define JOB_LOG_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"

struct buf;
struct screen;
struct spool;

/*
 * Reading the step log of one job, log/jobs/ID.jsonl, while it is written
 * and after. Lines come from workers and so from strangers' programs: a
 * line that is no JSON object is shown as text.
 *
 * Calling sequence: job_log_open(), then job_log_read() again and again: it
 * hands each whole line that came since to visit(), and says whether there
 * were any. job_log_close(). The file need not be there yet.
 */

#define JOB_LOG_MAX  (4 * 1024 * 1024) /* bytes shown of a log's end */
#define JOB_LOG_LINE (1024 * 1024)     /* bytes of the longest line */

struct job_log {
	int dir;	  /* log/jobs, borrowed */
	char name[80];	  /* "ID.jsonl" */
	int fd;		  /* -1: not there yet */
	off_t at;	  /* what was read of it */
	struct buf *part; /* a line whose end is not there yet */
	int skip;	  /* the first line is cut: leave it out */
};

int job_log_open(struct job_log *log, struct spool *s, const char *id,
    struct err *err) CHECKED;
/* The number of lines, or -1. */
int job_log_read(struct job_log *log,
    void (*visit)(void *arg, const char *line, size_t len), void *arg,
    struct err *err) CHECKED;
void job_log_close(struct job_log *log);

/* Shows one line of a step log to a person. */
void job_log_print(const struct screen *s, const char *line, size_t len);

#endif
