/* SPDX-License-Identifier: MIT */
#include <sys/resource.h>
#include <sys/signalfd.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "fsio.h"
#include "hook.h"
#include "log.h"
#include "runner/notify.h"
#include "runner/presence.h"
#include "runner/runner.h"

#define GIVE_UP_AFTER	   (5 * CLOCK_SECOND)
#define SWEEP_SLICE	   500 /* names looked at between two rounds */
#define DESCRIPTORS_OURS   192 /* spool, records, a settling batch, some air */
#define DESCRIPTORS_WORKER 6   /* file, key, report; of one that ended, too */

/* ---- configuration ---- */

static enum log_level
log_level_of(const struct config *c)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = { { "DEBUG", LOG_DEBUG_ }, { "INFO", LOG_INFO_ },
		{ "WARNING", LOG_WARN_ }, { "ERROR", LOG_ERROR_ } };
	const char *name = config_str(c, NULL, "log-level");

	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		if (strcmp(levels[i].name, name) == 0)
			return levels[i].level;
	}
	return LOG_INFO_;
}

/* As many workers as the descriptors last for: the rest is for settling. */
static unsigned
affordable(int64_t wanted)
{
	struct rlimit limit;
	rlim_t most;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return (unsigned)wanted;
	most = limit.rlim_cur <= DESCRIPTORS_OURS + DESCRIPTORS_WORKER
		   ? 1
		   : (limit.rlim_cur - DESCRIPTORS_OURS) / DESCRIPTORS_WORKER;
	if ((rlim_t)wanted <= most)
		return (unsigned)wanted;
	log_event(LOG_WARN_, "limit",
	    "concurrency is %u, not %d: there are only %ju descriptors",
	    (unsigned)most, (int)wanted, (uintmax_t)limit.rlim_cur);
	return (unsigned)most;
}

static void
read_settings(struct settings *s, const struct config *c)
{
	s->concurrency = affordable(config_int(c, NULL, "concurrency"));
	s->stop_grace = config_duration(c, NULL, "stop-grace");
	s->retry_for = config_duration(c, NULL, "retry-for");
	s->form = strcmp(config_str(c, NULL, "log-format"), "pretty") == 0
		      ? RECORD_PRETTY
		      : RECORD_LINES;
	s->sweep = (struct spool_sweep){
		.tmp_age = config_duration(c, NULL, "retention.tmp-age"),
		.seen_age = config_duration(c, NULL, "retention.seen-age"),
		.seen_min =
		    (uint64_t)config_int(c, NULL, "retention.seen-entries"),
		.settled_age =
		    config_duration(c, NULL, "retention.settled-age"),
		.settled_bytes =
		    config_size(c, NULL, "retention.settled-bytes"),
		.log_age = config_duration(c, NULL, "retention.log-age"),
		.log_bytes = config_size(c, NULL, "retention.log-bytes"),
		.slice = SWEEP_SLICE,
	};
	kinds_read(&s->kinds, c);
	log_level_set(log_level_of(c));
}

/* A configuration is good if a worker could do its job with it. */
static int
load_config(struct runner *r, struct config **out, struct err *err)
{
	const char *path = r->options->config;
	struct config *config = NULL;
	struct hooks *hooks = NULL;
	int copy = -1, rc;

	if (config_copy(&copy, path, err) == -1)
		return -1;
	rc = config_load_copy(&config, copy, path, err);
	if (rc == 0)
		rc = hooks_compile(&hooks, config, err);
	hooks_free(hooks);
	if (rc == -1) {
		config_free(config);
		close(copy);
		return -1;
	}
	fs_close(&r->config_fd);
	r->config_fd = copy;
	*out = config;
	return 0;
}

void
runner_reload(struct runner *r)
{
	struct config *config;
	struct err err;

	if (!config_changed(r->config_watch))
		return;
	if (load_config(r, &config, &err) == -1) {
		log_event(LOG_ERROR_, "config",
		    "%s; the last good configuration stays", err.text);
		return;
	}
	config_free(r->config);
	r->config = config;
	read_settings(&r->settings, config);
	r->settler.form = r->settings.form;
	backlog_unpark(r->backlog);
	log_event(LOG_INFO_, "config", "%s was read again", r->options->config);
}

/* ---- setting up ---- */

static int
open_signals(int *fd, struct err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	*fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return *fd == -1 ? err_sys(err, "signalfd") : 0;
}

static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int
find_spool(struct runner *r, struct err *err)
{
	const char *data = config_str(r->config, NULL, "data-directory");
	char *full;

	if (r->options->spool != NULL)
		snprintf(r->spool_path, sizeof r->spool_path, "%s",
		    r->options->spool);
	else
		snprintf(r->spool_path, sizeof r->spool_path, "%s/spool", data);
	if (spool_open(&r->spool, r->spool_path, 1, err) == -1)
		return -1;
	/* The worker gets a path that is good in any directory. */
	full = realpath(r->spool_path, NULL);
	if (full != NULL)
		snprintf(r->spool_path, sizeof r->spool_path, "%s", full);
	free(full);
	return 0;
}

/* 1: another --drain is at it, and there is nothing for us to do. */
static int
runner_open(struct runner *r, struct err *err)
{
	const char *path = r->options->config;
	struct heads heads = { 0 };
	int rc = -1;

	raise_descriptors();
	if (open_signals(&r->signals, err) == -1 || child_prepare(err) == -1 ||
	    config_watch_new(&r->config_watch, path, err) == -1 ||
	    load_config(r, &r->config, err) == -1)
		return -1;
	read_settings(&r->settings, r->config);
	if (find_spool(r, err) == -1)
		return -1;
	if (r->options->drain) {
		int other = presence_drain(r->spool, &r->drain, err);

		if (other != 0)
			return other;
	}
	order_begin(&r->order, r->spool);
	if (presence_join(r->spool, &r->presence, err) == -1 ||
	    upkeep_recover(r, &heads, err) == -1 ||
	    settler_init(&r->settler, r->spool, r->settings.form, err) == -1)
		goto out;
	r->backlog = backlog_new();
	rc = upkeep_begin(r, &heads, err);
out:
	heads_release(&heads);
	return rc;
}

static void
free_jobs(struct job *list)
{
	while (list != NULL) {
		struct job *next = list->next;

		job_free(list);
		list = next;
	}
}

static void
runner_close(struct runner *r)
{
	forker_close(&r->forker);
	free_jobs(r->running);
	free_jobs(r->ended);
	free_jobs(r->judged);
	if (r->spool != NULL) {
		upkeep_end(r);
		settler_release(&r->settler);
	}
	backlog_free(r->backlog);
	kinds_release(&r->settings.kinds);
	fs_close(&r->drain);
	fs_close(&r->presence);
	spool_close(r->spool);
	config_free(r->config);
	fs_close(&r->config_fd);
	config_watch_free(r->config_watch);
	fs_close(&r->signals);
}

/* ---- the loop ---- */

/* The second request to stop does not wait for the workers. */
static void
begin_to_stop(struct runner *r, int64_t now)
{
	int again = r->stopping;

	r->stopping = 1;
	r->stop_at = again ? now : now + r->settings.stop_grace;
	r->give_up_at = r->stop_at + r->settings.stop_grace + GIVE_UP_AFTER;
	if (again)
		return;
	notify_send("STOPPING=1");
	log_event(LOG_INFO_, "stopping", "%u jobs are running", r->n_running);
}

static void
read_signals(struct runner *r, int64_t now)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			begin_to_stop(r, now);
		else if (info.ssi_signo == SIGHUP)
			runner_reload(r);
	}
}

static void
sooner(int64_t *at, int64_t other)
{
	if (other != 0 && other < *at)
		*at = other;
}

/* The next moment at which there is something to do, clock_boot(). */
static int64_t
wake_at(const struct runner *r, int64_t now)
{
	int64_t at = upkeep_wake(r, now), ready;

	for (const struct job *job = r->running; job != NULL; job = job->next)
		sooner(
		    &at, job->stop == STOP_NONE ? job->deadline : job->kill_at);
	if (r->stopping && r->n_running > 0)
		sooner(&at, r->stop_at > now ? r->stop_at : r->give_up_at);
	sooner(&at,
	    r->ended != NULL && r->strays_until == 0 ? now : r->strays_until);
	if (r->judged != NULL || r->settler.jobs != NULL)
		sooner(&at, r->settle_at != 0	? r->settle_at
			    : r->settle_by != 0 ? r->settle_by
						: now);
	if (r->stopping || r->n_running + r->n_ended >= r->settings.concurrency)
		return at;
	ready = backlog_wake(r->backlog);
	if (ready < r->claim_at)
		ready = r->claim_at;
	/* 0 is a time that was always. */
	sooner(&at, ready == 0 ? now : ready);
	return at;
}

static void
sleep_until(struct runner *r, int64_t at)
{
	int64_t wait = at - clock_boot();
	struct pollfd fds[] = { { r->signals, POLLIN, 0 },
		{ r->watch.fd, POLLIN, 0 },
		{ config_watch_fd(r->config_watch), POLLIN, 0 } };
	struct timespec ts = { 0, 0 };

	if (wait > 0) {
		ts.tv_sec = (time_t)(wait / CLOCK_SECOND);
		ts.tv_nsec = (long)(wait % CLOCK_SECOND);
	}
	if (ppoll(fds, sizeof fds / sizeof *fds, &ts, NULL) > 0 &&
	    fds[2].revents != 0)
		runner_reload(r);
}

static int
is_over(const struct runner *r, int64_t now)
{
	if (r->stopping && now >= r->give_up_at)
		return 1;
	if (r->running != NULL || r->ended != NULL)
		return 0;
	/* A sender is told by our own end (child.c), and its reports are on
	 * disk; only --drain, from cron, lets it finish. */
	if (r->options->drain && (r->reporter.pid != 0 || r->reporter.look))
		return 0;
	if (r->options->drain && !r->stopping && r->next_sweep <= now)
		return 0;
	if (r->judged != NULL && !r->stopping)
		return 0;
	if (r->settler.jobs != NULL)
		return 0;
	if (r->stopping)
		return 1;
	/* What waits for its time in retry/ waits for the next --drain, and so
	 * does what stands behind it. A key that is aside is back sooner. */
	return r->options->drain && !r->scan.again &&
	       backlog_wake(r->backlog) > now + 5 * CLOCK_SECOND;
}

static void
loop(struct runner *r)
{
	for (;;) {
		int64_t now = clock_boot();

		read_signals(r, now);
		upkeep_events(r);
		reap_children(r, now);
		/* Before what ended is settled: the disk flushes while they
		 * run. What waits for a key that is freed then is claimed in
		 * the round after, which follows at once. */
		claim_jobs(r, now);
		reap_settle(r, now);
		upkeep_round(r, now);
		reap_deadlines(r, now);
		if (is_over(r, now))
			return;
		sleep_until(r, wake_at(r, now));
	}
}

int
runner_run(const struct runner_options *options, struct err *err)
{
	struct runner r = { .options = options,
		.presence = -1,
		.drain = -1,
		.signals = -1,
		.config_fd = -1,
		.forker = { .fd = -1, .unwanted = options->other_worker },
		.watch = { .fd = -1 },
		.settler = { .journal = { .fd = -1 } } };
	int rc;

	notify_start();
	rc = runner_open(&r, err);
	if (rc == 0) {
		log_event(LOG_INFO_, "started",
		    "%zu jobs wait, %zu more to be retried, in %s",
		    backlog_count(r.backlog, WAITS_NEW),
		    backlog_count(r.backlog, WAITS_RETRY), r.spool_path);
		notify_send("READY=1");
		loop(&r);
		log_event(LOG_INFO_, "stopped", "%zu jobs wait",
		    backlog_count(r.backlog, WAITS_NEW));
	}
	runner_close(&r);
	return rc == -1 ? -1 : 0;
}
