/* SPDX-License-Identifier: MIT */
#ifndef AGENT_ACTIVE_H
#define AGENT_ACTIVE_H

#include <stdint.h>

#include "err.h"
#include "head.h"

/*
 * Which job worked on an issue last, and until when: one small file an issue
 * in cache/issue-jobs/ of the data directory.
 *
 * Jobs of one issue run one after another (they have one key). An event
 * that came while another job for its issue was queued or running asks for
 * what that job does anyway: when its turn comes, the other's end is later
 * than its own arrival, and it is told so with the other's name. GitHub sends
 * two such events when an issue is opened with a label. An event that comes
 * after the end starts a new job.
 *
 * The file is a convenience: where it is lost, an issue is worked on once
 * more.
 */

/* 1 and the other's ID in `by` if one was active when `head` was received.
 * What cannot be read is 0. */
int active_job(char by[JOB_ID_MAX], const char *data_directory,
    const struct job_head *head);

/* The job has ended now (clock_wall()). */
int active_ended(const char *data_directory, const struct job_head *head,
    struct err *err) CHECKED;

#endif
