/* SPDX-License-Identifier: MIT */
/*
 * Goes through the disks of a recording, in several processes side by side.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "power_job.h"

/* ---- a set of disks that were had ---- */

struct set {
	uint64_t *slots;
	size_t cap, count;
};

/* 1 if it is new. */
static int
set_add(struct set *set, uint64_t value)
{
	size_t i;

	value |= 1;
	if (set->slots == NULL) {
		set->cap = 1u << 18;
		set->slots = calloc(set->cap, sizeof *set->slots);
		if (set->slots == NULL)
			abort();
	}
	for (i = value >> 20 & (set->cap - 1); set->slots[i] != 0;
	     i = (i + 1) & (set->cap - 1)) {
		if (set->slots[i] == value)
			return 0;
	}
	if (set->count * 2 > set->cap)
		abort();
	set->slots[i] = value;
	set->count++;
	return 1;
}

/* Where the protocol begins: behind the accepts, for the runner's. */
int
power_first_cut(const struct power_log *log)
{
	int n = log->job_count;

	switch (power_protocol->runner) {
	case RUNNER_BATCH:
		return log->jobs[n - 1].acked;
	case RUNNER_EACH:
		return log->jobs[0].acked;
	default:
		return 0;
	}
}

static void
judge_disk(struct search *s, const struct disk *d, int cut, uint64_t hash)
{
	char spool[400];

	power_home(s->home);
	snprintf(spool, sizeof spool, "%s/spool", s->home);
	disk_write(d, spool);
	if (power_judge(s->log, cut, s->home, hash, s->first_only) == 0)
		return;
	if (!s->first_only && s->violations < 5)
		disk_explain(d);
	s->violations++;
}

/* Round after round, one disk for each cut. */
static void
search(struct search *s)
{
	struct disk *d = disk_new(s->log);
	struct set seen = { 0 };
	unsigned idle = 0;

	for (unsigned n = 0; seen.count < s->wanted; n++) {
		size_t before = seen.count;

		for (int cut = s->first_cut; cut <= s->log->op_count; cut++) {
			uint64_t hash;

			if (!disk_choose(d, cut, n))
				continue;
			hash = disk_hash(d);
			if (!set_add(&seen, hash) ||
			    (hash >> 8) % s->shards != s->shard)
				continue;
			s->disks++;
			judge_disk(s, d, cut, hash);
			if (s->violations > 0 && s->first_only)
				goto out;
		}
		idle = seen.count == before ? idle + 1 : 0;
		if (idle > 2000) {
			s->exhausted = 1;
			break;
		}
	}
out:
	free(seen.slots);
	disk_free(d);
}

static void
write_text(const char *dir, const char *name, const char *text)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	if (f == NULL)
		abort();
	fputs(text, f);
	fclose(f);
}

void
power_make_home(char out[200], const char *top, unsigned shard)
{
	char text[300];

	snprintf(out, 200, "%s/%u", top, shard);
	mkdir(out, 0700);
	snprintf(text, sizeof text,
	    "data-directory: %s\nconcurrency: 3\nlog-level: ERROR\n", out);
	write_text(out, "config.yaml", text);
	write_text(out, "plan", power_protocol->plan);
}

void
power_die_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

void
power_search(struct search *sum, const char *top)
{
	int pipes[2];

	if (pipe(pipes) == -1)
		abort();
	for (unsigned i = 0; i < sum->shards; i++) {
		struct search own = *sum;
		char home[200];

		if (fork() != 0)
			continue;
		power_die_with_parent();
		power_make_home(home, top, i);
		own.home = home;
		own.shard = i;
		search(&own);
		if (write(pipes[1], &own, sizeof own) != sizeof own)
			_exit(1);
		_exit(0);
	}
	close(pipes[1]);
	for (unsigned i = 0; i < sum->shards; i++) {
		struct search one;

		if (read(pipes[0], &one, sizeof one) != sizeof one) {
			fprintf(stderr, "a shard ended badly\n");
			sum->violations++;
			break;
		}
		sum->disks += one.disks;
		sum->violations += one.violations;
		sum->exhausted |= one.exhausted;
	}
	close(pipes[0]);
	while (wait(NULL) > 0)
		;
}
