/* SPDX-License-Identifier: MIT */
/*
 * From the backlog to a worker. The order of the steps is what keeps jobs of
 * one key in order also when several runners work on one spool:
 *
 *   1 lock the key             nobody else starts or settles a job of it
 *   2 hear what has happened   whatever another runner did to the key before
 *                              it let go is in our inotify queue by now
 *   3 still the key's first?   if not, let go and choose again
 *   4 claim                    lock the file, rename it to run/
 *   5 start the worker         it inherits both locks
 *
 * After a crash behind 4 the job is in run/ without a lock: the next look
 * for orphans finds it.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "log.h"
#include "runner/runner.h"

enum step {
	STEP_NEXT, /* go on with the next job */
	STEP_STOP, /* wait: descriptors, memory, processes are short */
};

static enum step
stop_for(struct runner *r, int64_t now, const char *what, struct err *err)
{
	r->claim_at = trouble_tell(&r->claiming, now, what, err);
	return STEP_STOP;
}

/* It is not where we thought, or somebody has it. */
static enum step
look_again(
    struct runner *r, const struct spool_name *name, uint64_t key, int64_t now)
{
	struct err err;
	int rc = scan_job(&r->scan, name, &err);

	if (rc == -1)
		return stop_for(r, now, "looking for a job", &err);
	if (rc == 1)
		backlog_aside(r->backlog, key, now);
	return STEP_NEXT;
}

/* Its time has come: from retry/ to new/, where it is claimed from. */
static enum step
return_to_new(struct runner *r, const struct waiting *w, int64_t now)
{
	struct spool_name name = { .attempt = w->attempt };
	struct waiting again = *w;
	struct err err;
	int rc;

	memcpy(name.id, w->id, sizeof name.id);
	rc = spool_move(r->spool, SPOOL_RETRY, &name, SPOOL_NEW, &name, &err);
	if (rc == -1)
		return stop_for(r, now, "ending a wait", &err);
	if (rc == 1)
		return look_again(r, &name, w->key, now);
	again.in = WAITS_NEW;
	scan_put(&r->scan, &again);
	return STEP_NEXT;
}

static int64_t
time_of(const struct runner *r, const struct job_head *head)
{
	struct kind kind =
	    kinds_of(&r->settings.kinds, backlog_hash(head->event));

	return kind.time_out != 0 ? kind.time_out
				  : config_duration(r->config, head->repository,
					"job-timeout");
}

static enum step
start(struct runner *r, struct job *job, int64_t now)
{
	const struct child_setup setup = { r->options->worker,
		config_path(r->config), r->spool_path, r->config_fd };
	struct err err;

	job->started = clock_wall();
	job->began = clock_mono();
	/* Its own time-outs are finer; ours is for a worker that hangs, and
	 * leaves it the grace it would be given. */
	job->deadline = now + time_of(r, &job->head) + r->settings.stop_grace;
	job_line(r->spool, job, "info", "claimed", NULL);
	if (forker_start(&r->forker, job, &setup, now, &err) == -1) {
		job->verdict =
		    (struct verdict){ .to = SPOOL_NEW, .blameless = 1 };
		job->ended = job->began;
		settle_add(&r->settler, job);
		return stop_for(r, now, "starting a worker", &err);
	}
	if (job->pid == 0) {
		/* Ended before we knew its number: see forker.h. */
		reap_later(r, job);
		return STEP_STOP;
	}
	log_job(LOG_INFO_, &job->head, job->name.attempt, "claimed",
	    "%s %s%s%s, attempt %u, pid %d", job->head.repository,
	    job->head.event, *job->head.action == '\0' ? "" : " ",
	    job->head.action, job->name.attempt + 1, (int)job->pid);
	job->next = r->running;
	r->running = job;
	r->n_running++;
	return STEP_NEXT;
}

/* It could not be read this time, which says nothing about it. Where it cannot
 * go back either it is an orphan, and found as one. */
static enum step
give_back(struct runner *r, const struct spool_name *name, struct job *job,
    int64_t now, struct err *why)
{
	struct err later;

	if (spool_move(r->spool, SPOOL_RUN, name, SPOOL_NEW, name, &later) ==
	    -1)
		r->look = 1;
	job_free(job);
	return stop_for(r, now, "reading a job", why);
}

/* The job stands in run/ too, and whoever works there has this key: so nobody
 * does, and looking for orphans makes room. The others go on meanwhile. */
static enum step
ask_for_orphans(struct runner *r, uint64_t key, int64_t now)
{
	r->next_orphans = now;
	backlog_aside(r->backlog, key, now);
	return STEP_NEXT;
}

/* Steps 2 to 5; the key's lock is ours and goes with the job. */
static enum step
claim_locked(struct runner *r, const struct spool_name *name, uint64_t key,
    struct job *job, int64_t now)
{
	const struct waiting *w;
	struct err err;
	int rc;

	upkeep_events(r);
	w = backlog_next(r->backlog, now);
	if (w == NULL || strcmp(w->id, name->id) != 0 || w->in != WAITS_NEW ||
	    w->attempt != name->attempt) {
		job_free(job);
		return STEP_NEXT;
	}
	rc = spool_claim(r->spool, name, &job->fd, &err);
	if (rc != 0) {
		job_free(job);
		if (rc == 1)
			return look_again(r, name, key, now);
		if (err.sys == EEXIST)
			return ask_for_orphans(r, key, now);
		return stop_for(r, now, "claiming", &err);
	}
	job->in = SPOOL_RUN;
	/* The file that is locked counts, should it be another by now. */
	rc = job_read_head(job, &err);
	if (rc == -1 && err.class == ERR_TEMP)
		return give_back(r, name, job, now, &err);
	if (rc == -1) {
		job->verdict.to = SPOOL_BAD;
		job->verdict.outcome = JOB_QUARANTINED;
		memcpy(job->verdict.reason, err.text, sizeof err.text);
		backlog_remove(r->backlog, name->id);
		settle_add(&r->settler, job);
		return STEP_NEXT;
	}
	backlog_take(r->backlog, name->id);
	return start(r, job, now);
}

static enum step
claim(struct runner *r, const struct waiting *w, int64_t now)
{
	struct spool_name name = { .attempt = w->attempt };
	uint64_t key = w->key;
	struct job_head head;
	struct job *job;
	struct err err;
	int rc, key_fd;

	if (w->in == WAITS_RETRY)
		return return_to_new(r, w, now);
	memcpy(name.id, w->id, sizeof name.id);
	if (spool_read_head(r->spool, SPOOL_NEW, &name, &head, &err) == -1) {
		if (err.class == ERR_TEMP)
			return stop_for(r, now, "reading a job", &err);
		/* Gone, or no job any more: the look tells which. */
		backlog_remove(r->backlog, name.id);
		r->look = 1;
		return STEP_NEXT;
	}
	rc = spool_lock_key(r->spool, head.key, &key_fd, &err);
	if (rc == -1)
		return stop_for(r, now, "locking a key", &err);
	if (rc == 1) {
		backlog_aside(r->backlog, key, now);
		return STEP_NEXT;
	}
	job = job_new(&name, SPOOL_NEW);
	job->key_fd = key_fd;
	job->key = key;
	return claim_locked(r, &name, key, job, now);
}

static unsigned
count_of(const struct job *list, uint64_t event)
{
	unsigned n = 0;

	for (; list != NULL; list = list->next)
		n += backlog_hash(list->head.event) == event;
	return n;
}

/* 1 if as many of this kind run as may. */
static int
is_full(const struct runner *r, uint64_t event)
{
	struct kind kind = kinds_of(&r->settings.kinds, event);

	return kind.most != 0 &&
	       count_of(r->running, event) + count_of(r->ended, event) >=
		   kind.most;
}

void
claim_jobs(struct runner *r, int64_t now)
{
	const struct waiting *w;

	if (r->stopping || now < r->claim_at)
		return;
	while (r->n_running + r->n_ended < r->settings.concurrency &&
	       (w = backlog_next(r->backlog, now)) != NULL) {
		if (is_full(r, w->event)) {
			backlog_park(r->backlog, w->key);
			continue;
		}
		if (claim(r, w, now) == STEP_STOP)
			return;
		r->claim_at = 0;
	}
}
