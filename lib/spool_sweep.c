/* SPDX-License-Identifier: MIT */
/*
 * Sweeping: what is old or too much goes, a slice of directory entries a
 * call, so that the runner never stops for it. One pass goes through the
 * phases below, in their order; one of them only counts, so that the next
 * knows what has to go.
 *
 * Nothing that waits or runs is ever touched here, and no slot: slots are
 * recovery's (spool_recover.c).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fsio.h"
#include "outbox.h"
#include "record_index.h"
#include "record_indexer.h"
#include "record_parts.h"
#include "spool_inside.h"

/*
 * Bytes of done/ by age: sixteen steps to each doubling of the age, so that
 * what is removed is the oldest to within a sixteenth, in bounded memory.
 */
#define STEPS	16
#define BUCKETS (64 * STEPS)

struct sweeper {
	struct spool *spool;
	unsigned phase;
	DIR *names; /* of the phase's directory, NULL before it began */
	const struct spool_sweep *limits; /* during a call */
	unsigned *removed;		  /* during a call */
	int tmp_synced;			  /* in this call */
	int64_t now; /* wall clock, at the call's beginning */
	uint64_t bytes[BUCKETS];
	unsigned full_bucket; /* done/: this age and older must go */
	struct record_indexer *indexer;
};

typedef int look_at(struct sweeper *w, unsigned dir, const char *name,
    const struct stat *st, struct err *err);

static look_at sweep_tmp, sweep_seen, measure_settled, sweep_settled,
    sweep_reports, sweep_steps, sweep_indexes;
static int age_ledger(struct sweeper *w, struct err *err);
static int finish_measure(struct sweeper *w, struct err *err);
static int sweep_days(struct sweeper *w, struct err *err);
static int index_days(struct sweeper *w, struct err *err);

static const struct phase {
	unsigned dir;
	look_at *look; /* at each name */
	/* at the end; 1: once more, in the next call */
	int (*finish)(struct sweeper *w, struct err *err);
} phases[] = {
	{ SPOOL_TMP, sweep_tmp, NULL },
	{ SPOOL_SEEN, sweep_seen, age_ledger },
	{ SPOOL_DONE, measure_settled, finish_measure },
	{ SPOOL_DONE, sweep_settled, NULL },
	{ SPOOL_DEAD, sweep_settled, NULL },
	{ SPOOL_BAD, sweep_settled, NULL },
	{ SPOOL_OUT, sweep_reports, NULL },
	{ SPOOL_LOG_JOBS, sweep_steps, NULL },
	{ SPOOL_LOG, sweep_indexes, sweep_days },
	{ SPOOL_LOG, NULL, index_days },
};

#define PHASES (sizeof phases / sizeof *phases)

static int64_t
age_of(const struct sweeper *w, const struct stat *st)
{
	return w->now - clock_ns(&st->st_mtim);
}

static int
remove_file(struct sweeper *w, unsigned dir, const char *name, struct err *err)
{
	int fd = w->spool->dirs[dir];

	if (unlinkat(fd, name, 0) == -1) {
		if (errno == ENOENT)
			return 0;
		/* A directory that somebody put there: only if it is empty. */
		if (errno != EISDIR || unlinkat(fd, name, AT_REMOVEDIR) == -1)
			return errno == ENOTEMPTY
				   ? 0
				   : err_sys(err, "%s/%.100s",
					 spool_dir_name(dir), name);
	}
	++*w->removed;
	return 0;
}

/* ---- tmp/ ---- */

/* What is no slot and no owner does not belong here. */
static int
sweep_tmp(struct sweeper *w, unsigned dir, const char *name,
    const struct stat *st, struct err *err)
{
	char owner[OWNER_LEN + 1];
	uint32_t seq;

	if ((S_ISREG(st->st_mode) &&
		(slot_parse(name, owner, &seq) || owner_parse(name, owner))) ||
	    age_of(w, st) <= w->limits->tmp_age)
		return 0;
	return remove_file(w, dir, name, err);
}

/* ---- seen/ ---- */

/* What is no part of the ledger does not belong here. */
static int
sweep_seen(struct sweeper *w, unsigned dir, const char *name,
    const struct stat *st, struct err *err)
{
	if ((S_ISREG(st->st_mode) && ledger_is_name(name)) ||
	    age_of(w, st) <= w->limits->seen_age)
		return 0;
	return remove_file(w, dir, name, err);
}

static int
age_ledger(struct sweeper *w, struct err *err)
{
	unsigned removed;

	if (seen_age(w->spool, w->now - w->limits->seen_age,
		w->limits->seen_min, &removed, err) == -1)
		return -1;
	*w->removed += removed;
	return 0;
}

/* ---- done/ dead/ bad/ ---- */

static unsigned
bucket_of(int64_t age)
{
	uint64_t n = age > 0 ? (uint64_t)(age / CLOCK_MSEC) : 0;
	unsigned doublings = 0;

	if (n < STEPS)
		return (unsigned)n;
	while (n >= 2 * STEPS) {
		n /= 2;
		doublings++;
	}
	return (doublings + 1) * STEPS + (unsigned)n - STEPS;
}

static int
measure_settled(struct sweeper *w, unsigned dir, const char *name,
    const struct stat *st, struct err *err)
{
	(void)dir;
	(void)name;
	(void)err;
	w->bytes[bucket_of(age_of(w, st))] += (uint64_t)st->st_blocks * 512;
	return 0;
}

static int
finish_measure(struct sweeper *w, struct err *err)
{
	uint64_t sum = 0;

	(void)err;
	w->full_bucket = BUCKETS;
	if (w->limits->settled_bytes == 0)
		return 0;
	for (unsigned i = 0; i < BUCKETS; i++) {
		sum += w->bytes[i];
		if (sum > w->limits->settled_bytes) {
			w->full_bucket = i;
			break;
		}
	}
	return 0;
}

/* Once a call: the slots of what goes now must be gone on disk too, or a
 * power cut could make jobs of them again. */
static int
sync_tmp(struct sweeper *w, struct err *err)
{
	if (w->tmp_synced)
		return 0;
	w->tmp_synced = 1;
	return spool_sync(w->spool, SPOOL_TMP, err);
}

static int
sweep_settled(struct sweeper *w, unsigned dir, const char *name,
    const struct stat *st, struct err *err)
{
	int64_t age = age_of(w, st);
	char steps[JOB_ID_MAX + 8];

	if (age <= w->limits->settled_age &&
	    (dir != SPOOL_DONE || bucket_of(age) < w->full_bucket))
		return 0;
	if (sync_tmp(w, err) == -1)
		return -1;
	/* Other names are what an operator put there; they age as well. */
	if (!head_job_id_valid(name))
		return remove_file(w, dir, name, err);
	if (spool_retire(w->spool, dir, name, err) == -1)
		return -1;
	++*w->removed;
	snprintf(steps, sizeof steps, "%.63s.jsonl", name);
	unlinkat(w->spool->dirs[SPOOL_LOG_JOBS], steps, 0);
	return 0;
}

/* ---- out/ ---- */

/*
 * A memory of the newest job (".newest-...") is touched by nobody who only
 * reads it, and protects from reports older than itself: those are gone too.
 * What waits is the sender's, however long it takes to give up.
 */
static int
sweep_reports(struct sweeper *w, unsigned dir, const char *name,
    const struct stat *st, struct err *err)
{
	struct status_report report;
	struct err unread;

	if (age_of(w, st) <= w->limits->settled_age)
		return 0;
	if (outbox_read(w->spool, name, &report, &unread) == 0 &&
	    report.result == RESULT_WAITING)
		return 0;
	return remove_file(w, dir, name, err);
}

/* ---- log/ ---- */

/* Step logs whose job went without them. */
static int
sweep_steps(struct sweeper *w, unsigned dir, const char *name,
    const struct stat *st, struct err *err)
{
	struct spool_name found;
	char id[JOB_ID_MAX];
	unsigned state;
	size_t len = strcspn(name, ".");

	if (age_of(w, st) <= w->limits->settled_age)
		return 0;
	if (len < sizeof id && strcmp(name + len, ".jsonl") == 0) {
		memcpy(id, name, len);
		id[len] = '\0';
		if (head_job_id_valid(id) &&
		    spool_find_likely(w->spool, id, &state, &found))
			return 0;
	}
	return remove_file(w, dir, name, err);
}

static int
day_is_old(const struct sweeper *w, const char *name)
{
	char day[CLOCK_DAY];

	clock_day(day, w->now - w->limits->log_age);
	return strncmp(name + strlen(RECORD_PREFIX), day, CLOCK_DAY - 1) < 0;
}

/* An index whose records are gone, or were packed. Its name is that of a
 * day's file with another end. */
static int
sweep_indexes(struct sweeper *w, unsigned dir, const char *name,
    const struct stat *st, struct err *err)
{
	char day[RECORD_NAME];
	size_t len = strlen(name);

	(void)st;
	if (len < strlen(INDEX_SUFFIX) ||
	    strcmp(name + len - strlen(INDEX_SUFFIX), INDEX_SUFFIX) != 0)
		return 0;
	snprintf(day, sizeof day, "%.*s" RECORD_SUFFIX,
	    (int)(len - strlen(INDEX_SUFFIX)), name);
	if (!record_day_valid(day) ||
	    faccessat(w->spool->dirs[dir], day, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return remove_file(w, dir, name, err);
}

/* Its index too. Bytes of both; 0: it is not there any more. */
static uint64_t
size_of_day(const struct sweeper *w, const char *day, const char *index)
{
	struct stat st, of_index;
	int dir = w->spool->dirs[SPOOL_LOG];

	if (fstatat(dir, day, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	if (fstatat(dir, index, &of_index, AT_SYMLINK_NOFOLLOW) == -1)
		of_index.st_size = 0;
	return (uint64_t)st.st_size + (uint64_t)of_index.st_size;
}

/* From the newest back: today always stays, then what fits. */
static int
sweep_days(struct sweeper *w, struct err *err)
{
	struct record_filter all = { 0 };
	struct record_days days = { 0 };
	uint64_t sum = 0;
	int rc = record_days_list(&days, w->spool, &all, err);

	for (size_t i = days.count; rc == 0 && i-- > 0;) {
		const char *day = days.names[i];
		char index[RECORD_NAME];

		index_name(index, sizeof index, day);
		sum += size_of_day(w, day, index);
		if (i + 1 == days.count ||
		    (!day_is_old(w, day) && (w->limits->log_bytes == 0 ||
						sum <= w->limits->log_bytes)))
			continue;
		unlinkat(w->spool->dirs[SPOOL_LOG], index, 0);
		rc = remove_file(w, SPOOL_LOG, day, err);
	}
	record_days_release(&days);
	return rc;
}

/* One step a call: it is as long as a slice of names. */
static int
index_days(struct sweeper *w, struct err *err)
{
	int rc;

	if (w->indexer == NULL &&
	    record_indexer_new(&w->indexer, w->spool, err) == -1)
		return -1;
	rc = record_indexer_step(w->indexer, err);
	if (rc != 1) {
		record_indexer_free(w->indexer);
		w->indexer = NULL;
	}
	return rc;
}

/* ---- the pass ---- */

int
spool_sweeper_new(struct sweeper **out, struct spool *s, struct err *err)
{
	struct sweeper *w = calloc(1, sizeof *w);

	if (w == NULL)
		return err_set(err, ERR_TEMP, 0, "sweeper: out of memory");
	w->spool = s;
	*out = w;
	return 0;
}

void
spool_sweeper_free(struct sweeper *w)
{
	if (w == NULL)
		return;
	if (w->names != NULL)
		closedir(w->names);
	record_indexer_free(w->indexer);
	free(w);
}

/* 1 while the phase is not over. */
static int
sweep_slice(
    struct sweeper *w, const struct phase *p, unsigned *left, struct err *err)
{
	struct dirent *e;
	struct stat st;
	void *names;

	if (w->names == NULL) {
		if (spool_open_names(w->spool, p->dir, &names, err) == -1)
			return -1;
		w->names = names;
	}
	for (; *left > 0; --*left) {
		e = readdir(w->names);
		if (e == NULL)
			break;
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 ||
		    fstatat(w->spool->dirs[p->dir], e->d_name, &st,
			AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		if (p->look(w, p->dir, e->d_name, &st, err) == -1)
			return -1;
	}
	if (*left == 0)
		return 1;
	closedir(w->names);
	w->names = NULL;
	return 0;
}

static void
begin_pass(struct sweeper *w)
{
	memset(w->bytes, 0, sizeof w->bytes);
}

int
spool_sweep(struct sweeper *w, const struct spool_sweep *limits,
    unsigned *removed, struct err *err)
{
	unsigned left = limits->slice > 0 ? limits->slice : 1, count = 0;
	int rc = 0;

	w->limits = limits;
	w->removed = &count;
	w->tmp_synced = 0;
	w->now = clock_wall();
	if (w->phase == 0 && w->names == NULL)
		begin_pass(w);
	while (rc == 0 && w->phase < PHASES) {
		const struct phase *p = &phases[w->phase];

		if (p->look != NULL)
			rc = sweep_slice(w, p, &left, err);
		if (rc == 0 && p->finish != NULL)
			rc = p->finish(w, err);
		if (rc == 0)
			w->phase++;
	}
	*removed = count;
	w->removed = NULL;
	w->limits = NULL;
	if (rc == 0)
		w->phase = 0;
	return rc;
}
