/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli/stats.h"
#include "clock.h"
#include "json.h"
#include "record.h"

struct count {
	struct spool *s;
	unsigned state;
	struct stats_state *out;
};

static int count_job(void *arg, const struct spool_name *name);
static int count_record(void *arg, const char *text, size_t len);
static void count_outcome(struct stats *st, const char *name);
static void keep_duration(struct stats *st, int64_t ms);
static int by_value(const void *a, const void *b);
static int count_disk(struct stats *st, struct spool *s, struct err *err);

int
stats_collect(struct stats *st, struct spool *s, int64_t now, struct err *err)
{
	struct record_filter today = {
		.since = now - now % (86400 * CLOCK_SECOND),
	};

	for (unsigned i = SPOOL_NEW; i < SPOOL_STATES; i++) {
		if (stats_state(&st->states[i], s, i, err) == -1)
			return -1;
	}
	if (count_disk(st, s, err) == -1 ||
	    outbox_count(s, st->reports, err) == -1)
		return -1;
	if (record_each(s, &today, count_record, st, err) == -1)
		return -1;
	if (st->ndurations > 0)
		qsort(st->durations, st->ndurations, sizeof *st->durations,
		    by_value);
	return 0;
}

void
stats_release(struct stats *st)
{
	free(st->durations);
	st->durations = NULL;
}

int
stats_state(
    struct stats_state *out, struct spool *s, unsigned state, struct err *err)
{
	struct count c = { .s = s, .state = state, .out = out };

	memset(out, 0, sizeof *out);
	return spool_each(s, state, count_job, &c, err) == -1 ? -1 : 0;
}

/* A waiting job's mtime is when it was accepted; in run/, retry/ and where
 * it is settled the ctime says since when it is there. */
static int
count_job(void *arg, const struct spool_name *name)
{
	struct count *c = arg;
	char file[SPOOL_NAME_MAX];
	struct timespec t;
	struct stat st;
	int64_t since;

	spool_name_format(file, c->state, name);
	if (fstatat(spool_fd(c->s, c->state), file, &st, AT_SYMLINK_NOFOLLOW) ==
	    -1)
		return 0;
	t = c->state == SPOOL_NEW || c->state == SPOOL_HOLD ? st.st_mtim
							    : st.st_ctim;
	since = clock_ns(&t);
	if (c->out->oldest == 0 || since < c->out->oldest)
		c->out->oldest = since;
	c->out->jobs++;
	c->out->bytes += (uint64_t)st.st_blocks * 512;
	return 0;
}

static int
count_record(void *arg, const char *text, size_t len)
{
	struct stats *st = arg;
	struct json *doc = NULL;
	struct err err = { 0 };
	const struct json *ms;

	if (json_parse(&doc, text, len, &err) == -1)
		return 0;
	st->records++;
	count_outcome(st, json_str(json_get(doc, "state"),
			      json_str(json_get(doc, "status"), "other")));
	ms = json_path(doc, "timing.duration_ms");
	if (json_type(ms) == JSON_NUMBER)
		keep_duration(st, json_int(ms, 0));
	json_free(doc);
	return 0;
}

static void
count_outcome(struct stats *st, const char *name)
{
	struct stats_outcome *o = st->outcomes;

	for (; o < st->outcomes + st->noutcomes; o++) {
		if (strncmp(o->name, name, sizeof o->name - 1) == 0) {
			o->count++;
			return;
		}
	}
	if (st->noutcomes + 1 >= STATS_OUTCOMES) {
		o = &st->outcomes[STATS_OUTCOMES - 1];
		st->noutcomes = STATS_OUTCOMES;
		name = "other";
	} else {
		st->noutcomes++;
	}
	snprintf(o->name, sizeof o->name, "%s", name);
	o->count++;
}

static void
keep_duration(struct stats *st, int64_t ms)
{
	if (st->ndurations == st->room) {
		st->room = st->room == 0 ? 256 : 2 * st->room;
		st->durations = reallocarray(
		    st->durations, st->room, sizeof *st->durations);
		if (st->durations == NULL)
			fatal("out of memory");
	}
	st->durations[st->ndurations++] = ms;
}

static int
by_value(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int64_t
stats_percentile(const struct stats *st, unsigned percent)
{
	size_t rank = (st->ndurations * percent + 99) / 100;

	if (st->ndurations == 0)
		return 0;
	return st->durations[rank == 0 ? 0 : rank - 1];
}

static int
count_disk(struct stats *st, struct spool *s, struct err *err)
{
	uint64_t count, records, steps;
	struct statvfs fs;

	if (spool_count_seen(s, &st->seen, err) == -1)
		return -1;
	if (stats_files(s, SPOOL_LOG, "", &count, &records, err) == -1 ||
	    stats_files(s, SPOOL_LOG_JOBS, "", &count, &steps, err) == -1)
		return -1;
	st->log_bytes = records + steps;
	if (fstatvfs(spool_fd(s, SPOOL_TMP), &fs) == -1)
		return err_sys(err, "tmp");
	st->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	st->free_inodes = (uint64_t)fs.f_favail;
	return 0;
}

int
stats_files(struct spool *s, unsigned dir, const char *prefix, uint64_t *count,
    uint64_t *bytes, struct err *err)
{
	int fd =
	    openat(spool_fd(s, dir), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	if (d == NULL) {
		err_sys(err, "%s", spool_dir_name(dir));
		if (fd != -1)
			close(fd);
		return -1;
	}
	*count = 0;
	if (bytes != NULL)
		*bytes = 0;
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' ||
		    strncmp(e->d_name, prefix, strlen(prefix)) != 0)
			continue;
		if (bytes != NULL) {
			if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
				-1 ||
			    !S_ISREG(st.st_mode))
				continue;
			*bytes += (uint64_t)st.st_blocks * 512;
		}
		++*count;
	}
	closedir(d);
	return 0;
}
