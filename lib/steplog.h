/* SPDX-License-Identifier: MIT */
#ifndef STEPLOG_H
#define STEPLOG_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "head.h"

struct buf;
struct spool;

/*
 * The log of one job while it runs: log/jobs/ID.jsonl, one JSON object a
 * line, one write(2) a line (O_APPEND), redacted. Every line has
 *
 *   ts, level, event, request_id, delivery_id, job_id, attempt, step
 *
 * and what belongs to its event:
 *
 *   step_started    data...
 *   step_completed  duration_ms, data...
 *   step_failed     duration_ms, error{type,message}, exit_code|signal
 *   output          stream, text                (a command's, line by line)
 *   note            msg
 *   api_call        method, path, status, duration_ms, remaining
 *   about           pr{number,title,author}, api_user: for the record
 *   claimed, settled, superseded, ...           (the runner's)
 *   replayed       (an operator wants all of it once more)
 *
 * Calling sequence of the step API (design: start, complete, fail):
 * steplog_open(), step_start() gives a struct step, step_data_*() add what
 * it found, step_complete() or step_fail() end it. A step open when the log
 * is closed stays "started", which readers show as unfinished.
 *
 * Writing a log never fails a job: errors are counted in the struct.
 */

struct steplog {
	int fd;
	unsigned attempt;
	const struct job_head *head; /* borrowed */
	unsigned lost;		     /* lines that could not be written */
};

struct step {
	struct steplog *log;
	const char *name;
	int64_t started;  /* clock_mono() */
	struct buf *data; /* members collected for the closing line */
};

int steplog_open(struct steplog *log, struct spool *s,
    const struct job_head *head, unsigned attempt, struct err *err) CHECKED;
void steplog_close(struct steplog *log);

/* NULL where there is no memory: the other calls take it and do nothing.
 * `name` is borrowed until the step ends. */
struct step *step_start(struct steplog *log, const char *name);
void step_data(struct step *step, const char *key, const char *value);
void step_data_int(struct step *step, const char *key, int64_t value);
void step_data_bool(struct step *step, const char *key, int value);
/* Both free the step. */
void step_complete(struct step *step);
void step_fail(struct step *step, const struct err *err);

/* A line that is no step's beginning or end; `members` is JSON members
 * without braces ("\"a\":1") or NULL. */
void steplog_line(struct steplog *log, const char *level, const char *event,
    const char *step, const char *members);
void steplog_note(struct steplog *log, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
