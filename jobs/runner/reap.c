/* SPDX-License-Identifier: MIT */
/*
 * From a worker's end to a settled job. A job is judged only when nothing of
 * what its worker started is alive any more: its successor must not meet a
 * predecessor's processes.
 */
#include <sys/random.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "clock.h"
#include "config.h"
#include "fsio.h"
#include "log.h"
#include "runner/ending.h"
#include "runner/runner.h"

/* Killed processes die at once, or hang in the kernel for who knows how
 * long; then the job goes on without them. */
#define STRAYS_TIME (5 * CLOCK_SECOND)
#define KILL_AGAIN  CLOCK_SECOND
#define GATHER_MOST 16 /* ended jobs: each has three descriptors */
#define GATHER_MIN  (5 * CLOCK_MSEC)
#define GATHER_MAX  (50 * CLOCK_MSEC)
#define BATCH                                                                  \
	64 /* jobs never started that are settled at once: each                \
	      has a descriptor */

/* ---- workers ---- */

static struct job *
unlink_running(struct runner *r, pid_t pid)
{
	for (struct job **p = &r->running; *p != NULL; p = &(*p)->next) {
		struct job *job = *p;

		if (job->pid != pid)
			continue;
		*p = job->next;
		r->n_running--;
		return job;
	}
	return NULL;
}

static uint32_t
random_number(void)
{
	uint32_t n = 0;

	if (getrandom(&n, sizeof n, GRND_NONBLOCK) != (ssize_t)sizeof n)
		n = (uint32_t)clock_mono();
	return n;
}

static void
judge(struct runner *r, struct job *job)
{
	struct report report;
	struct ending e = { .status = job->status,
		.stop = job->stop,
		.report = &report,
		.attempts = job->name.attempt + 1,
		.received = job->head.received,
		.now = clock_wall(),
		.retry_for = r->settings.retry_for,
		.schedule = &r->options->schedule,
		.random = random_number() };

	report_read(&report, job->report_fd);
	if (job->stop == STOP_NONE && ending_is_loss(job->status))
		e.lost = job_lost_count(r->spool, job->name.id) + 1;
	ending_judge(&job->verdict, &e);
	if (WIFEXITED(job->status) &&
	    WEXITSTATUS(job->status) == ENDING_NO_WORKER) {
		struct err err;

		err_set(&err, ERR_TEMP, 0, "%s", job->verdict.reason);
		r->claim_at = trouble_tell(
		    &r->claiming, clock_boot(), "starting a worker", &err);
	} else {
		trouble_over(&r->claiming);
	}
	settle_add(&r->settler, job);
	/* There is room for another of its kind. */
	backlog_unpark(r->backlog);
}

static void
judge_ended(struct runner *r)
{
	r->strays_until = 0;
	while (r->ended != NULL) {
		struct job *job = r->ended;

		r->ended = job->next;
		r->n_ended--;
		judge(r, job);
	}
}

void
reap_later(struct runner *r, struct job *job)
{
	job->ended = clock_mono();
	job->next = r->ended;
	r->ended = job;
	r->n_ended++;
}

void
reap_children(struct runner *r, int64_t now)
{
	pid_t pid, spared[2];
	unsigned strays;
	int status;

	while (child_reap(&pid, &status)) {
		struct job *job;

		if (reporter_ended(r, pid, status, now) ||
		    forker_ended(&r->forker, pid, status, now))
			continue;
		job = unlink_running(r, pid);
		if (job == NULL)
			continue;
		job->status = status;
		reap_later(r, job);
	}
	if (r->ended == NULL)
		return;
	if (r->strays_until == 0)
		r->strays_until = now + STRAYS_TIME;
	spared[0] = r->reporter.pid;
	spared[1] = r->forker.pid;
	strays = child_strays(r->running, spared);
	if (strays != 0 && now < r->strays_until)
		return;
	if (strays != 0)
		log_event(LOG_WARN_, "strays",
		    "%u processes of ended jobs do not die", strays);
	judge_ended(r);
}

void
reap_deadlines(struct runner *r, int64_t now)
{
	int64_t kill_at = now + r->settings.stop_grace;

	for (struct job *job = r->running; job != NULL; job = job->next) {
		if (r->stopping && now >= r->stop_at)
			child_stop(job, STOP_SHUTDOWN, kill_at);
		if (job->stop == STOP_NONE && now >= job->deadline) {
			log_job(LOG_WARN_, &job->head, job->name.attempt,
			    "deadline", "its time is over");
			child_stop(job, STOP_TIMEOUT, kill_at);
		}
		if (job->stop != STOP_NONE && now >= job->kill_at) {
			child_kill(job);
			job->kill_at = now + KILL_AGAIN;
		}
	}
}

/* ---- settling ---- */

void
reap_judged(struct runner *r, unsigned state, const struct spool_name *name,
    const struct verdict *verdict)
{
	struct job *job = job_new(name, (enum spool_state)state);

	job->verdict = *verdict;
	job->next = r->judged;
	r->judged = job;
	r->n_judged++;
	backlog_remove(r->backlog, name->id);
}

/* Gives some of those that were never started to the settler. */
static void
take_judged(struct runner *r, int64_t now)
{
	for (int i = 0; i < BATCH && r->judged != NULL; i++) {
		struct job *job = r->judged;
		struct err err;
		int rc = job_lock(r->spool, job, &err);

		/* Unreadable for good: it is settled by its name. */
		if (rc == 0 && job_read_head(job, &err) == -1 &&
		    err.class == ERR_TEMP)
			rc = -1;
		if (rc == -1) {
			fs_close(&job->fd);
			r->settle_at =
			    trouble_tell(&r->settling, now, "settling", &err);
			return;
		}
		r->judged = job->next;
		r->n_judged--;
		if (rc == 1) {
			job_free(job); /* somebody was first */
			continue;
		}
		settle_add(&r->settler, job);
	}
}

static void
log_over(const struct job *job)
{
	const struct verdict *v = &job->verdict;
	enum log_level level =
	    v->to == SPOOL_DONE || v->to == SPOOL_NEW ? LOG_INFO_ : LOG_WARN_;
	const char *event = v->to == SPOOL_RETRY ? "retrying"
			    : v->to == SPOOL_NEW ? "requeued"
						 : "settled";

	log_job(level, &job->head, job->name.attempt, event, "%s%s%s",
	    job_settles(job) ? job_outcome_name(v->outcome) : event,
	    *v->reason == '\0' ? "" : ": ", v->reason);
}

/* What was moved to where it waits is known before its key is free. */
static void
wait_again(struct runner *r, const struct job *job)
{
	const struct verdict *v = &job->verdict;
	struct waiting w;

	if (v->to != SPOOL_RETRY && v->to != SPOOL_NEW)
		return;
	scan_fill(
	    &w, &job->head, v->to, job->name.attempt + (v->blameless ? 0 : 1));
	if (v->to == SPOOL_RETRY)
		w.due += v->delay;
	scan_put(&r->scan, &w);
}

static void
end_job(struct runner *r, struct job *job)
{
	struct err ignored;

	if (job->gone) {
		if (scan_job(&r->scan, &job->name, &ignored) == -1)
			r->look = 1;
	} else {
		log_over(job);
		wait_again(r, job);
	}
	if (job->key_fd != -1)
		backlog_release(r->backlog, job->key);
	job_free(job);
}

static int64_t
gather_time(const struct runner *r)
{
	if (r->settle_took < GATHER_MIN)
		return GATHER_MIN;
	return r->settle_took < GATHER_MAX ? r->settle_took : GATHER_MAX;
}

/*
 * A batch costs three flushes, however large. So while all that may run does
 * and more could, what ended waits a moment for others, as long as the last
 * batch took: in a queue that long nobody sees it. Never where there is
 * nothing else to do.
 */
static int
has_time(struct runner *r, int64_t now)
{
	unsigned count = 0;

	for (const struct job *job = r->settler.jobs; job != NULL;
	     job = job->next)
		count++;
	if (r->settler.jobs == NULL || count >= GATHER_MOST ||
	    r->judged != NULL || r->stopping ||
	    r->n_running < r->settings.concurrency ||
	    backlog_wake(r->backlog) > now)
		return 0;
	if (r->settle_by == 0)
		r->settle_by = now + gather_time(r);
	return now < r->settle_by;
}

void
reap_settle(struct runner *r, int64_t now)
{
	struct job *over = NULL;
	struct err err;
	int64_t began;

	if (now < r->settle_at || has_time(r, now))
		return;
	r->settle_at = r->settle_by = 0;
	take_judged(r, now);
	if (r->settler.jobs == NULL)
		return;
	began = clock_boot();
	if (settle_run(&r->settler, &over, &err) == -1) {
		r->settle_at =
		    trouble_tell(&r->settling, now, "settling", &err);
		/* What cannot be settled must not pile up. */
		r->claim_at = r->settle_at;
	} else {
		trouble_over(&r->settling);
	}
	r->settle_took = clock_boot() - began;
	while (over != NULL) {
		struct job *job = over;

		over = job->next;
		end_job(r, job);
	}
}
