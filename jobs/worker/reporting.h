/* SPDX-License-Identifier: MIT */
#ifndef REPORTING_H
#define REPORTING_H

#include "err.h"

struct job;
struct job_options;

/*
 * Commit statuses, the worker's two parts in them (outbox.h has the whole).
 *
 * reporting_begin() stores that the job's commit shall show "pending"; it
 * speaks to nobody. Whether a job reports is decided here, once: its event
 * does (EVENT_REPORTS), its commit exists, its repository is configured, and
 * there is a token or an App to report with. Not being able to store it does
 * not fail the job; the step log says so.
 *
 * reporting_send() is the program's other mode, job-worker --reports: sends
 * what waits in out/ and is due, oldest job first, and ends. 0, or -1 with
 * the first failure that concerns more than one report.
 */

void reporting_begin(struct job *job);

int reporting_send(const struct job_options *options, struct err *err) CHECKED;

#endif
