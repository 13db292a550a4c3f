/* SPDX-License-Identifier: MIT */
#ifndef REPORT_H
#define REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * What a worker tells its runner beside its exit code, over a pipe that it
 * inherits. The pipe's number stands in the environment variable
 * HOOKSPOOL_REPORT; without it (a worker started by hand) nothing is sent.
 *
 *   reason TEXT       one sentence for the record: why it failed, or why to
 *                     try again
 *   retry-at SECONDS  with exit 111: not before this time (Unix time), such
 *                     as when a rate limit ends
 *   unreadable TEXT   with exit 100: the job's file is no job (its checksum
 *                     does not hold); it goes to bad/
 *
 * Lines may come in any order; of a kind the last counts; others are
 * ignored. At most REPORT_MAX bytes are read, after the worker's end.
 *
 * The sending side never fails: a job does not hang on its epitaph.
 */

#define REPORT_ENV "HOOKSPOOL_REPORT"
#define REPORT_MAX 4096

struct report {
	int64_t retry_at; /* wall clock ns, 0: the schedule decides */
	int unreadable;
	char reason[ERR_TEXT_MAX]; /* "" if none was given */
};

/* ---- the worker's side ---- */

void report_reason(const char *text);
void report_retry_at(int64_t wall);
void report_unreadable(const char *text);

/* ---- the runner's side ---- */

/* Takes what is in the pipe, without waiting. */
void report_read(struct report *out, int fd);

void report_parse(struct report *out, const char *text, size_t len);

#endif
