/* SPDX-License-Identifier: MIT */
#ifndef AGENT_RUN_H
#define AGENT_RUN_H

#include "err.h"

struct job;

/*
 * The issue job: from a labelled issue to a draft pull request. Called by
 * the handler of `issues` for each such event; one that does not start the
 * job is completed as `ignored` with its reason (trigger.h).
 *
 * Steps: mirror_fetch, workspace_ready, branch_created, agent_command,
 * test_command, commit, push, pull_request_created, comment_created (a job
 * that ends for good without a pull request), workspace_cleaned. Every step may
 * be repeated by a later attempt: what was pushed is recognised (branch.h),
 * the pull request and the comment are looked for first.
 */
int agent_run(struct job *job, struct err *err) CHECKED;

#endif
