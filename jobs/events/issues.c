/* SPDX-License-Identifier: MIT */
/*
 * issues: one that has the trigger label becomes a branch, a command's work
 * and a draft pull request. All of it is in jobs/agent/.
 */
#include "agent/run.h"
#include "events/events.h"

int
handle_issues(struct job *job, struct err *err)
{
	return agent_run(job, err);
}
