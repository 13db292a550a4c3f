/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "hook.h"
#include "worker/history.h"
#include "worker/hook_run.h"
#include "worker/hooks.h"
#include "worker/job.h"

size_t
hooks_wanted(const struct job *job)
{
	const struct hook *hook;
	size_t n = 0;

	for (size_t i = 0; (hook = hooks_at(job->hooks, i)) != NULL; i++)
		n += hook_match(hook, &job->head, job->payload, NULL) == 1;
	return n;
}

/* What became of it in an earlier attempt decides first. */
static int
run_one(struct job *job, const struct hook *hook, const struct history *past,
    int code)
{
	char text[ERR_TEXT_MAX], step[HISTORY_NAME_MAX];
	const struct history_row *row;

	snprintf(step, sizeof step, "hook:%s", hook->name);
	row = history_of(past, step);

	switch (row != NULL ? row->past : PAST_NONE) {
	case PAST_COMPLETED:
		steplog_note(&job->log,
		    "hook %s was completed by an earlier attempt", hook->name);
		return code;
	case PAST_FAILED:
		snprintf(text, sizeof text,
		    "hook %s: failed for good in an earlier attempt",
		    hook->name);
		steplog_note(&job->log, "%s", text);
		return job_worse(job, code, EXIT_FAILED, text);
	case PAST_NONE:
		break;
	}
	return hook_run(job, hook, row != NULL ? row->tries : 0, code);
}

int
hooks_run(struct job *job, int code)
{
	struct history past = { 0 };
	const struct hook *hook;
	struct err err;

	if (job->spool != NULL && job->options->attempt_given &&
	    history_read(&past, job->spool, job->head.id, &err) == -1)
		return job_fail(job, code, &err);
	for (size_t i = 0; (hook = hooks_at(job->hooks, i)) != NULL; i++) {
		if (job_cancelled(job)) {
			code =
			    job_worse(job, code, EXIT_TRYAGAIN, "told to stop");
			break;
		}
		if (hook_match(hook, &job->head, job->payload, NULL) == 1)
			code = run_one(job, hook, &past, code);
	}
	history_release(&past);
	return code;
}
