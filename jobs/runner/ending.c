/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "runner/ending.h"

enum how {
	ENDED_DONE,
	ENDED_FAILED,
	ENDED_UNREADABLE,
	ENDED_AGAIN,
	ENDED_LOST,
	ENDED_TIMED_OUT,
	ENDED_CANCELLED,
	ENDED_SHUT_DOWN,
	ENDED_NO_WORKER,
};

/* An empty reason: the worker's own is all there is to say. */
static const struct {
	enum spool_state to;
	enum job_outcome outcome;
	const char *reason; /* where the worker gave none */
} rows[] = {
	[ENDED_DONE] = { SPOOL_DONE, JOB_SUCCEEDED, "" },
	[ENDED_FAILED] = { SPOOL_DEAD, JOB_FAILED, "failed for good" },
	[ENDED_UNREADABLE] = { SPOOL_BAD, JOB_QUARANTINED, "unreadable" },
	[ENDED_AGAIN] = { SPOOL_RETRY, JOB_FAILED, "asked to be tried again" },
	[ENDED_LOST] = { SPOOL_RETRY, JOB_LOST, "" },
	[ENDED_TIMED_OUT] = { SPOOL_DEAD, JOB_TIMED_OUT,
	    "stopped at its deadline" },
	[ENDED_CANCELLED] = { SPOOL_DEAD, JOB_CANCELLED,
	    "cancelled by an operator" },
	[ENDED_SHUT_DOWN] = { SPOOL_NEW, JOB_FAILED, "the runner stopped" },
	[ENDED_NO_WORKER] = { SPOOL_NEW, JOB_FAILED,
	    "the worker could not be started" },
};

static const enum how stopped[] = {
	[STOP_TIMEOUT] = ENDED_TIMED_OUT,
	[STOP_CANCEL] = ENDED_CANCELLED,
	[STOP_SHUTDOWN] = ENDED_SHUT_DOWN,
};

static const struct {
	int code;
	enum how how;
} codes[] = {
	{ EXIT_FAILED, ENDED_FAILED },
	{ EXIT_TRYAGAIN, ENDED_AGAIN },
	{ ENDING_NO_WORKER, ENDED_NO_WORKER },
};

int
ending_is_loss(int status)
{
	if (!WIFEXITED(status))
		return 1;
	if (WEXITSTATUS(status) == EXIT_DONE)
		return 0;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		if (codes[i].code == WEXITSTATUS(status))
			return 0;
	}
	return 1;
}

static enum how
how_it_ended(const struct ending *e)
{
	int code = WIFEXITED(e->status) ? WEXITSTATUS(e->status) : -1;

	/* Whoever got to the end in spite of our signal has got there. */
	if (code == EXIT_DONE)
		return ENDED_DONE;
	if (e->stop != STOP_NONE)
		return stopped[e->stop];
	if (code == EXIT_FAILED && e->report->unreadable)
		return ENDED_UNREADABLE;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		if (codes[i].code == code)
			return codes[i].how;
	}
	return ENDED_LOST;
}

static void
explain_loss(struct verdict *v, const struct ending *e)
{
	const char *word = "ended with exit code";
	int n = WEXITSTATUS(e->status);

	if (WIFSIGNALED(e->status)) {
		word = "was killed by signal";
		n = WTERMSIG(e->status);
	}
	snprintf(v->reason, sizeof v->reason, "the worker %s %d", word, n);
}

static void
explain(struct verdict *v, const struct ending *e, enum how how)
{
	int ours = e->stop != STOP_NONE && how != ENDED_DONE;

	if (*e->report->reason != '\0' && !ours)
		snprintf(v->reason, sizeof v->reason, "%s", e->report->reason);
	else if (how == ENDED_LOST)
		explain_loss(v, e);
	else
		snprintf(v->reason, sizeof v->reason, "%s", rows[how].reason);
}

static void
give_up(struct verdict *v, unsigned attempts)
{
	char why[ERR_TEXT_MAX];

	memcpy(why, v->reason, sizeof why);
	v->to = SPOOL_DEAD;
	snprintf(v->reason, sizeof v->reason,
	    "given up after %u attempts: %.150s", attempts, why);
}

static int64_t
delay_of(const struct ending *e)
{
	if (e->report->retry_at != 0)
		return schedule_clamp(
		    e->schedule, e->report->retry_at - e->now);
	return schedule_delay(e->schedule, e->attempts, e->random);
}

void
ending_judge(struct verdict *out, const struct ending *e)
{
	enum how how = how_it_ended(e);

	memset(out, 0, sizeof *out);
	out->to = rows[how].to;
	out->outcome = rows[how].outcome;
	out->lost = how == ENDED_LOST;
	out->blameless = out->to == SPOOL_NEW;
	explain(out, e, how);
	if (out->to != SPOOL_RETRY)
		return;
	out->delay = delay_of(e);
	if (e->attempts >= SPOOL_ATTEMPTS ||
	    (out->lost && e->lost >= ENDING_LOST_MAX) ||
	    schedule_spent(
		e->schedule, e->attempts, e->now - e->received, e->retry_for))
		give_up(out, e->attempts);
}

void
ending_orphan(struct verdict *out, unsigned attempts, unsigned lost)
{
	memset(out, 0, sizeof *out);
	out->to = SPOOL_NEW;
	out->outcome = JOB_LOST;
	out->lost = 1;
	snprintf(out->reason, sizeof out->reason,
	    "the worker vanished with its runner");
	if (lost >= ENDING_LOST_MAX || attempts >= SPOOL_ATTEMPTS)
		give_up(out, attempts);
}
