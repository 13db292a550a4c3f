/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "buf.h"
#include "cli/doctor.h"
#include "cli/screen.h"
#include "cli/stats.h"
#include "clock.h"
#include "fsio.h"
#include "runner/presence.h"
#include "spool.h"

/* Checks of the work itself: the runner and what waits for it. */

#define OLD_QUEUE (10 * 60 * CLOCK_SECOND)

struct orphans {
	struct spool *s;
	unsigned count;
	char first[JOB_ID_MAX];
};

static int count_orphan(void *arg, const struct spool_name *name);

/* The lock file is not made here: it would belong to whoever asks. */
void
doctor_runner(struct doctor *d, struct finding *f)
{
	struct stat st;
	long age;

	if (fstatat(spool_fd(d->cli->spool, SPOOL_LOCK), "runner", &st, 0) ==
		-1 ||
	    !presence_alive(d->cli->spool)) {
		finding_fail(f,
		    "none is running: events are kept, nothing is done\n"
		    "systemctl start spool-runner, or spool-runner --drain "
		    "from cron");
		return;
	}
	age = presence_age(d->cli->spool);
	if (age < 0 || age > PRESENCE_FRESH)
		finding_fail(f,
		    "alive, but its loop last went round %ld s ago\n"
		    "look at its log; restart it",
		    age);
	else
		finding_ok(f, "alive, heartbeat %ld s ago", age);
}

void
doctor_orphans(struct doctor *d, struct finding *f)
{
	struct orphans o = { .s = d->cli->spool };
	struct err err = { 0 };

	if (spool_each(o.s, SPOOL_RUN, count_orphan, &o, &err) == -1)
		finding_fail(f, "%s\nmend the disk", err.text);
	else if (o.count > 0)
		finding_warn(f,
		    "%u in run/ without a worker, such as %s\n"
		    "the runner queues them again when it starts or looks",
		    o.count, o.first);
	else
		finding_ok(f, "none");
}

static int
count_orphan(void *arg, const struct spool_name *name)
{
	struct orphans *o = arg;
	struct err ignored;
	int fd = -1;

	if (spool_orphan(o->s, name, &fd, &ignored) != 1)
		return 0;
	fs_close(&fd);
	if (o->count++ == 0)
		snprintf(o->first, sizeof o->first, "%s", name->id);
	return 0;
}

void
doctor_queue(struct doctor *d, struct finding *f)
{
	struct stats_state queued;
	struct err err = { 0 };
	uint64_t most = 100000;
	struct buf age;

	if (stats_state(&queued, d->cli->spool, SPOOL_NEW, &err) == -1) {
		finding_fail(f, "%s\nmend the disk", err.text);
		return;
	}
	if (d->cli->config != NULL)
		most = (uint64_t)config_int(
		    d->cli->config, NULL, "limits.max-queued-files");
	buf_init(&age, 64);
	screen_age(&age, d->now, queued.oldest);
	if (queued.jobs >= most)
		finding_fail(f,
		    "full: %" PRIu64 " jobs; events are answered 503\n"
		    "find out why no work is done, or raise "
		    "limits.max-queued-files",
		    queued.jobs);
	else if (queued.jobs > 0 && d->now - queued.oldest > OLD_QUEUE)
		finding_warn(f,
		    "%" PRIu64 " jobs, the oldest waits since %s\n"
		    "is the runner at work? raise concurrency?",
		    queued.jobs, age.data);
	else if (queued.jobs > most / 5 * 4)
		finding_warn(f,
		    "%" PRIu64 " jobs of at most %" PRIu64 "\n"
		    "at the limit events are answered 503",
		    queued.jobs, most);
	else
		finding_ok(f, "%" PRIu64 " jobs wait", queued.jobs);
	buf_release(&age);
}

void
doctor_dead(struct doctor *d, struct finding *f)
{
	struct err err = { 0 };
	uint64_t dead = 0, bad = 0;

	if (stats_files(d->cli->spool, SPOOL_DEAD, "", &dead, NULL, &err) ==
		-1 ||
	    stats_files(d->cli->spool, SPOOL_BAD, "", &bad, NULL, &err) == -1)
		finding_fail(f, "%s\nmend the disk", err.text);
	else if (bad > 0)
		finding_warn(f,
		    "%" PRIu64 " unreadable files in bad/, %" PRIu64
		    " jobs in dead/\n"
		    "hookspool queue list --state settled shows them",
		    bad, dead);
	else if (dead > 0)
		finding_warn(f,
		    "%" PRIu64 " in dead/\n"
		    "hookspool queue list --state dead; then queue retry or "
		    "queue drop",
		    dead);
	else
		finding_ok(f, "none");
}
