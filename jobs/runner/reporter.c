/* SPDX-License-Identifier: MIT */
#include <sys/wait.h>

#include <signal.h>

#include "clock.h"
#include "config.h"
#include "log.h"
#include "outbox.h"
#include "runner/runner.h"

/* Longer than any single report may take (github/client.h): 4 tries of 15 s,
 * their pauses and the waits for GitHub's limits. Then the next one is due. */
#define SENDER_TIME (1800 * CLOCK_SECOND)

static int
note_due(void *arg, const char *name, const struct status_report *report)
{
	int64_t *first = arg;

	(void)name;
	if (report != NULL && report->result == RESULT_WAITING &&
	    report->due < *first)
		*first = report->due;
	return 0;
}

/* `due` is wall-clock time: a clock that was set back must not put a report
 * off for longer than it could ever have been. */
#define PUT_OFF_MOST (3600 * CLOCK_SECOND)

/* GitHub wants a second between two writes, and a sender that could do
 * nothing must not be started for ever. */
#define STARTS_APART CLOCK_SECOND

static void
look(struct runner *r, int64_t now)
{
	int64_t first = INT64_MAX, wait;
	struct err err;

	r->reporter.look = 0;
	r->reporter.next = 0;
	if (outbox_each(r->spool, note_due, &first, &err) == -1) {
		r->reporter.next =
		    trouble_tell(&r->reporter.trouble, now, "out/", &err);
		return;
	}
	if (first == INT64_MAX)
		return;
	wait = first - clock_wall();
	if (wait > PUT_OFF_MOST)
		wait = PUT_OFF_MOST;
	r->reporter.next = wait > 0 ? now + wait : now;
	if (r->reporter.next < r->reporter.not_before)
		r->reporter.next = r->reporter.not_before;
}

static void
start(struct runner *r, int64_t now)
{
	const struct child_setup setup = { r->options->worker,
		config_path(r->config), r->spool_path, -1 };
	struct err err;

	if (child_start_reports(&r->reporter.pid, &setup, &err) == -1) {
		r->reporter.pid = 0;
		r->reporter.next = trouble_tell(
		    &r->reporter.trouble, now, "starting a sender", &err);
		return;
	}
	r->reporter.kill_at = now + SENDER_TIME;
	r->reporter.not_before = now + STARTS_APART;
}

void
reporter_round(struct runner *r, int64_t now)
{
	struct reporter *p = &r->reporter;

	if (p->pid != 0) {
		if (now >= p->kill_at)
			kill(p->pid, SIGKILL);
		return;
	}
	if (r->stopping)
		return;
	if (p->look)
		look(r, now);
	if (p->next != 0 && now >= p->next)
		start(r, now);
}

int
reporter_ended(struct runner *r, pid_t pid, int status, int64_t now)
{
	struct reporter *p = &r->reporter;
	struct err err;

	if (pid == 0 || pid != p->pid)
		return 0;
	p->pid = 0;
	p->look = 1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE) {
		trouble_over(&p->trouble);
		return 1;
	}
	if (WIFEXITED(status))
		err_set(
		    &err, ERR_TEMP, 0, "exit status %d", WEXITSTATUS(status));
	else
		err_set(&err, ERR_TEMP, 0, "signal %d", WTERMSIG(status));
	p->not_before = trouble_tell(&p->trouble, now, "the sender", &err);
	return 1;
}

int64_t
reporter_wake(const struct runner *r)
{
	const struct reporter *p = &r->reporter;

	if (p->pid != 0)
		return p->kill_at;
	if (r->stopping || p->next == 0)
		return INT64_MAX;
	return p->next;
}
