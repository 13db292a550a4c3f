/* SPDX-License-Identifier: MIT */
#ifndef GITHUB_STATUS_H
#define GITHUB_STATUS_H

#include <stdint.h>

#include "clock.h"
#include "err.h"

struct config;
struct status_report;
struct spool;
struct steplog;

/*
 * Sends one report of the outbox so that it appears exactly once: as a check
 * run where the GitHub App can write one (way.h), else as a commit status.
 *
 *   1. lock the commit and context; a newer job of theirs: superseded
 *   2. Attempted is State already: read the commit's statuses or check runs
 *      back, and stop if ours (context, state, target_url; external_id) is
 *      there
 *   3. store Attempted = State (fsync), send, store Posted = State (fsync)
 *
 * A kill between any two of these leaves a file from which the same steps
 * find the truth. The target_url carries the job's ID; without one (no
 * public-url configured) the description, which tells the duration, has to do.
 *
 * Whatever comes out, the report's file says it; the caller's job is not
 * affected. An older job's check run that is still open is closed, never
 * made. 0: nothing more to do for now (reported, refused, superseded,
 * expired). 1: somebody else is sending for this commit, come back. -1 with
 * ERR_TEMP: `due` says when to try again.
 *
 * With `weed` nothing is sent: the job is noted as the newest of its commit,
 * or its report superseded. Done to all that wait, the newest first, before
 * any is sent, it spares a call for each that would be overwritten.
 */

#define STATUS_GIVE_UP                                                         \
	(INT64_C(24) * 3600 * CLOCK_SECOND) /* after `wanted`                  \
					     */

int status_send(struct spool *s, const struct config *config,
    const char *job_id, int weed, struct steplog *log, struct err *err) CHECKED;

#endif
