/* SPDX-License-Identifier: MIT */
/*
 * What is done by the clock, and what inotify tells. All of it can be late,
 * or happen twice, without harm.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "log.h"
#include "runner/ending.h"
#include "runner/notify.h"
#include "runner/presence.h"
#include "runner/runner.h"

#define LOOK_EVERY     (30 * CLOCK_SECOND)
#define LOOK_BLIND     (1 * CLOCK_SECOND) /* no inotify: its table is full */
#define LOOK_SOON      (2 * CLOCK_SECOND + CLOCK_SECOND / 10)
#define ORPHANS_EVERY  (60 * CLOCK_SECOND)
#define RECOVERY_EVERY (600 * CLOCK_SECOND)
#define SWEEP_EVERY    (600 * CLOCK_SECOND)
#define BEAT_EVERY     (10 * CLOCK_SECOND)
#define JUDGED_MAX     1000 /* more moot or bad jobs wait for the next look */

/* A look at directories that did not change costs a few stat(2). */
static int64_t
look_interval(const struct runner *r)
{
	return r->watch.fd == -1 ? LOOK_BLIND : LOOK_EVERY;
}

/* ---- what the scan tells ---- */

static void
on_moot(void *arg, const char *id, const char *by)
{
	struct runner *r = arg;
	const struct waiting *w = backlog_find(r->backlog, id);
	struct verdict v = { .to = SPOOL_DONE, .outcome = JOB_SUCCEEDED };
	struct spool_name name = { .attempt = w->attempt };

	memcpy(name.id, id, sizeof name.id);
	snprintf(v.reason, sizeof v.reason, "superseded by %s", by);
	reap_judged(
	    r, w->in == WAITS_RETRY ? SPOOL_RETRY : SPOOL_NEW, &name, &v);
}

static void
on_bad(void *arg, unsigned state, const struct spool_name *name,
    const struct err *why)
{
	struct runner *r = arg;
	struct verdict v = { .to = SPOOL_BAD, .outcome = JOB_QUARANTINED };

	if (r->n_judged >= JUDGED_MAX) {
		r->look = 1;
		return;
	}
	memcpy(v.reason, why->text, sizeof v.reason);
	reap_judged(r, state, name, &v);
}

/* ---- what inotify tells ---- */

static void
came(struct runner *r, unsigned dir, const char *name)
{
	struct err err;

	if (dir == SPOOL_CTL)
		r->requests = 1;
	else if (dir == SPOOL_OUT)
		r->reporter.look = 1;
	else if (dir == SPOOL_NEW || dir == SPOOL_RETRY) {
		if (scan_name(&r->scan, dir, name, &err) == -1)
			r->look = 1;
	}
}

/* Our own moves are told too, so what is said is checked. */
static void
went(struct runner *r, unsigned dir, const char *file)
{
	const struct waiting *w;
	struct spool_name name;

	if (dir == SPOOL_RUN) {
		r->hurry = 1;
		return;
	}
	if (spool_name_parse(&name, dir, file) == -1)
		return;
	w = backlog_find(r->backlog, name.id);
	if (w == NULL || w->attempt != name.attempt ||
	    w->in != (dir == SPOOL_RETRY ? WAITS_RETRY : WAITS_NEW))
		return;
	if (faccessat(spool_fd(r->spool, dir), file, F_OK,
		AT_SYMLINK_NOFOLLOW) == -1 &&
	    errno == ENOENT)
		backlog_remove(r->backlog, name.id);
}

static void
on_event(void *arg, enum watch_event event, unsigned dir, const char *name)
{
	struct runner *r = arg;

	switch (event) {
	case WATCH_CAME:
		came(r, dir, name);
		break;
	case WATCH_WENT:
		went(r, dir, name);
		break;
	case WATCH_MISSED:
		r->look = r->requests = r->hurry = r->reporter.look = 1;
		break;
	}
}

void
upkeep_events(struct runner *r)
{
	watch_read(&r->watch, on_event, r);
	if (r->hurry)
		backlog_hurry(r->backlog);
	r->hurry = 0;
}

/* ---- looking ---- */

/* Told when there are more than were told of. */
static void
tell_foreign(struct runner *r)
{
	if (r->scan.foreign > r->foreign)
		log_event(LOG_WARN_, "foreign",
		    "new/ holds %zu names that are no job's; they are left "
		    "alone",
		    r->scan.foreign);
	r->foreign = r->scan.foreign;
}

static void
look(struct runner *r, int64_t now)
{
	struct err err;
	int force = r->look;

	r->look = 0;
	r->next_look = now + look_interval(r);
	if (scan_all(&r->scan, force, &err) == -1) {
		r->look = 1;
		r->next_look = trouble_tell(&r->keeping, now, "looking", &err);
	} else {
		trouble_over(&r->keeping);
	}
	tell_foreign(r);
	r->requests = r->reporter.look = 1;
	runner_reload(r);
}

/* ---- recovering ---- */

struct orphans {
	struct runner *runner;
	struct spool_name *names;
	size_t n, cap;
};

static int
note_name(void *arg, const struct spool_name *name)
{
	struct orphans *o = arg;

	if (o->n == o->cap) {
		o->cap = o->cap == 0 ? 64 : 2 * o->cap;
		o->names = reallocarray(o->names, o->cap, sizeof *o->names);
		if (o->names == NULL)
			fatal("out of memory");
	}
	o->names[o->n++] = *name;
	return 0;
}

static void
take_orphan(struct runner *r, const struct spool_name *name)
{
	struct job *job;
	struct err err;
	int fd = -1, rc = spool_orphan(r->spool, name, &fd, &err);

	if (rc == 0)
		return;
	job = job_new(name, SPOOL_RUN);
	job->fd = fd;
	if (rc == 1 && job_read_head(job, &err) == -1)
		rc = -1;
	if (rc == -1 && err.class == ERR_TEMP) {
		job_free(job); /* it stays an orphan until it can be read */
		return;
	}
	if (rc == -1) {
		job->verdict.to = SPOOL_BAD;
		job->verdict.outcome = JOB_QUARANTINED;
		memcpy(job->verdict.reason, err.text, sizeof err.text);
	} else {
		ending_orphan(&job->verdict, name->attempt + 1,
		    job_lost_count(r->spool, name->id) + 1);
	}
	settle_add(&r->settler, job);
}

/* First the journals of the dead: a job in run/ is then nobody's. */
static int
take_orphans(struct runner *r, struct err *err)
{
	struct orphans o = { r, NULL, 0, 0 };
	int finished = settle_dead(&r->settler, err), rc;

	if (finished == -1)
		return -1;
	if (finished > 0)
		log_event(LOG_INFO_, "recovered",
		    "%d jobs that a dead runner was settling", finished);
	rc = spool_each(r->spool, SPOOL_RUN, note_name, &o, err);
	for (size_t i = 0; rc == 0 && i < o.n; i++)
		take_orphan(r, &o.names[i]);
	free(o.names);
	return rc;
}

static void
keep_head(void *arg, ino_t ino, const struct job_head *head)
{
	heads_add(arg, ino, head);
}

int
upkeep_recover(struct runner *r, struct heads *heads, struct err *err)
{
	struct spool_recovered done;

	if (spool_recover(r->spool, &done, heads != NULL ? keep_head : NULL,
		heads, err) == -1)
		return -1;
	if (done.published + done.removed > 0)
		log_event(LOG_INFO_, "recovered",
		    "%u jobs published, %u slots removed", done.published,
		    done.removed);
	return 0;
}

/* ---- sweeping, when there is nothing better to do ---- */

static void
sweep(struct runner *r, int64_t now)
{
	unsigned removed = 0;
	struct err err;
	int rc;

	if (r->sweeper == NULL &&
	    spool_sweeper_new(&r->sweeper, r->spool, &err) == -1) {
		r->next_sweep =
		    trouble_tell(&r->keeping, now, "sweeping", &err);
		return;
	}
	rc = spool_sweep(r->sweeper, &r->settings.sweep, &removed, &err);
	if (removed > 0)
		log_event(LOG_DEBUG_, "swept", "%u files", removed);
	if (rc == 1)
		return; /* the next slice in the next round */
	if (rc == -1)
		trouble_tell(&r->keeping, now, "sweeping", &err);
	else
		presence_swept(r->spool);
	spool_sweeper_free(r->sweeper);
	r->sweeper = NULL;
	r->next_sweep = now + SWEEP_EVERY;
}

/* Not while there is a job to claim; it is asked again when the last of them
 * is. */
static int
may_sweep(const struct runner *r, int64_t now)
{
	return !r->stopping &&
	       (backlog_wake(r->backlog) > now || r->claim_at > now ||
		   r->n_running + r->n_ended >= r->settings.concurrency);
}

/* As soon as there is time. One that cron starts each minute sweeps only
 * when that is due, for nobody else may. */
static int64_t
first_sweep(const struct runner *r, int64_t now)
{
	long age = presence_swept_age(r->spool);

	if (r->options->drain && age >= 0 && age * CLOCK_SECOND < SWEEP_EVERY)
		return now + SWEEP_EVERY - age * CLOCK_SECOND;
	return now;
}

/* ---- the beginning ---- */

int
upkeep_begin(struct runner *r, struct heads *heads, struct err *err)
{
	const struct scan_tell tell = { on_moot, on_bad, r };
	int64_t now = clock_boot();
	struct err no_watch;
	int rc = -1;

	scan_init(&r->scan, r->spool, r->backlog,
	    schedule_clamp(&r->options->schedule, INT64_MAX), &tell);
	if (watch_open(&r->watch, r->spool, &no_watch) == -1)
		log_event(LOG_WARN_, "polling",
		    "%s: new jobs are noticed by looking every second",
		    no_watch.text);
	r->scan.heads = heads;
	if (settle_leftovers(&r->settler, err) == 0 &&
	    take_orphans(r, err) == 0)
		rc = scan_all(&r->scan, 1, err);
	r->scan.heads = NULL;
	if (rc == -1)
		return -1;
	tell_foreign(r);
	r->requests = r->reporter.look = 1;
	r->next_look = now + (r->scan.again ? LOOK_SOON : look_interval(r));
	r->look = r->scan.again;
	r->next_orphans = now + ORPHANS_EVERY;
	r->next_recovery = now + RECOVERY_EVERY;
	r->next_sweep = first_sweep(r, now);
	return 0;
}

/* ---- the round ---- */

static int64_t
watchdog_every(void)
{
	return notify_watchdog() / 2;
}

static void
show_life(struct runner *r, int64_t now)
{
	char status[sizeof r->status];

	if (now - r->last_beat >= BEAT_EVERY) {
		presence_beat(r->spool);
		r->last_beat = now;
	}
	if (watchdog_every() > 0 &&
	    now - r->last_watchdog >= watchdog_every() / 2) {
		notify_send("WATCHDOG=1");
		r->last_watchdog = now;
	}
	snprintf(status, sizeof status,
	    "STATUS=%u running, %zu waiting, %zu "
	    "to be retried",
	    r->n_running, backlog_count(r->backlog, WAITS_NEW),
	    backlog_count(r->backlog, WAITS_RETRY));
	if (strcmp(status, r->status) == 0)
		return;
	snprintf(r->status, sizeof r->status, "%s", status);
	notify_send(status);
}

void
upkeep_round(struct runner *r, int64_t now)
{
	struct err err;

	/* A look that something asks for comes soon, not at once: whoever
	 * writes there may not be ready. */
	if ((r->look || r->scan.again) && r->next_look > now + LOOK_SOON) {
		r->next_look = now + LOOK_SOON;
		r->look = 1;
	}
	if (now >= r->next_look)
		look(r, now);
	if (now >= r->next_orphans) {
		r->next_orphans = now + ORPHANS_EVERY;
		if (take_orphans(r, &err) == -1)
			trouble_tell(&r->keeping, now, "recovering", &err);
	}
	if (now >= r->next_recovery) {
		r->next_recovery = now + RECOVERY_EVERY;
		if (upkeep_recover(r, NULL, &err) == -1)
			trouble_tell(&r->keeping, now, "recovering", &err);
	}
	if (now >= r->next_sweep && may_sweep(r, now))
		sweep(r, now);
	if (r->requests)
		requests_perform(r, now);
	reporter_round(r, now);
	forker_round(&r->forker, now);
	order_round(&r->order, r->spool, r->backlog, now);
	show_life(r, now);
}

static void
sooner(int64_t *at, int64_t other)
{
	if (other < *at)
		*at = other;
}

int64_t
upkeep_wake(const struct runner *r, int64_t now)
{
	int64_t at = r->next_look;

	sooner(&at, r->next_orphans);
	sooner(&at, r->next_recovery);
	sooner(&at, reporter_wake(r));
	sooner(&at, forker_wake(&r->forker));
	sooner(&at, order_wake(&r->order, r->backlog));
	if (may_sweep(r, now))
		sooner(&at, r->next_sweep);
	if (watchdog_every() > 0)
		sooner(&at, r->last_watchdog + watchdog_every());
	return at;
}

void
upkeep_end(struct runner *r)
{
	spool_sweeper_free(r->sweeper);
	r->sweeper = NULL;
	watch_close(&r->watch);
}
