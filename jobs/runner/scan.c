/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "event.h"
#include "runner/scan.h"

/* Jobs found by one look, in the order of the directory. */
struct found {
	struct waiting *jobs;
	size_t n, cap;
};

void
scan_init(struct scan *out, struct spool *s, struct backlog *b, int64_t longest,
    const struct scan_tell *tell)
{
	memset(out, 0, sizeof *out);
	out->spool = s;
	out->backlog = b;
	out->longest = longest;
	out->tell = *tell;
}

static enum waits
waits_in(unsigned state)
{
	return state == SPOOL_RETRY ? WAITS_RETRY : WAITS_NEW;
}

/*
 * The due time on a clock that does not jump. A file whose time is further
 * away than the schedule can ask for was touched by a clock that was wrong
 * then, or is now; it must not wait until that time comes.
 */
static int64_t
due_of(const struct scan *sc, int64_t not_before)
{
	int64_t wait = not_before - clock_wall();

	if (wait < 0)
		wait = 0;
	if (wait > sc->longest)
		wait = sc->longest;
	/* Never 0, which means "now" to the backlog. */
	return clock_boot() + wait;
}

static uint64_t
kind_of(const struct job_head *head)
{
	char text[sizeof head->event + sizeof head->action];

	if (!event_supersedes(head->event, head->action))
		return 0;
	snprintf(text, sizeof text, "%s/%s", head->event, head->action);
	return backlog_hash(text) | 1;
}

/* 1 if it is young enough to be still in the making. */
static int
is_young(struct scan *sc, unsigned state, const char *file)
{
	struct stat st;

	if (fstatat(spool_fd(sc->spool, state), file, &st,
		AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	return llabs(clock_wall() - clock_ns(&st.st_ctim)) < SCAN_YOUNG;
}

static void
tell_bad(struct scan *sc, unsigned state, const struct spool_name *name,
    const struct err *why)
{
	char file[SPOOL_NAME_MAX];

	spool_name_format(file, state, name);
	if (is_young(sc, state, file))
		sc->again = 1;
	else
		sc->tell.bad(sc->tell.arg, state, name, why);
}

void
scan_fill(struct waiting *out, const struct job_head *head, unsigned state,
    unsigned attempt)
{
	memset(out, 0, sizeof *out);
	memcpy(out->id, head->id, sizeof out->id);
	out->attempt = attempt;
	out->in = waits_in(state);
	out->key = backlog_hash(head->key);
	out->kind = kind_of(head);
	out->event = backlog_hash(head->event);
	out->received = head->received;
	out->due = clock_boot();
}

/* Reads one job's head: 1 and *out, 0 if there is nothing to put, -1. */
static int
read_job(struct scan *sc, unsigned state, const struct spool_name *name,
    struct waiting *out, struct err *err)
{
	int64_t not_before = 0;
	struct job_head head;
	struct waiting w;

	if (spool_read_head(sc->spool, state, name, &head, err) == -1) {
		if (err->sys == ENOENT)
			return 0;
		if (err->class == ERR_TEMP)
			return -1;
		tell_bad(sc, state, name, err);
		return 0;
	}
	if (strcmp(head.id, name->id) != 0) {
		err_set(err, ERR_BAD, 0, "its name is not its job's");
		tell_bad(sc, state, name, err);
		return 0;
	}
	if (state == SPOOL_RETRY &&
	    spool_not_before(sc->spool, name, &not_before, err) != 0)
		return 0;
	scan_fill(&w, &head, state, name->attempt);
	w.due = due_of(sc, not_before);
	w.seen = sc->number;
	*out = w;
	return 1;
}

void
scan_put(struct scan *sc, const struct waiting *w)
{
	char moot[JOB_ID_MAX];

	if (!backlog_put(sc->backlog, w, moot))
		return;
	sc->tell.moot(sc->tell.arg, moot, w->id);
}

/* 1 if the backlog knows it just so. */
static int
is_known(struct scan *sc, unsigned state, const struct spool_name *name)
{
	const struct waiting *w =
	    backlog_see(sc->backlog, name->id, sc->number);

	return w != NULL && w->attempt == name->attempt &&
	       w->in == waits_in(state);
}

int
scan_name(struct scan *sc, unsigned state, const char *file, struct err *err)
{
	struct spool_name name;
	struct waiting w;
	int rc;

	if (spool_name_parse(&name, state, file) == -1 ||
	    is_known(sc, state, &name))
		return 0;
	rc = read_job(sc, state, &name, &w, err);
	if (rc == 1)
		scan_put(sc, &w);
	return rc == -1 ? -1 : 0;
}

int
scan_job(struct scan *sc, const struct spool_name *name, struct err *err)
{
	struct spool_name now;
	struct waiting w;
	unsigned state;
	int rc;

	rc = spool_find(sc->spool, name->id, &state, &now, err);
	if (rc == -1 && err->class != ERR_BAD)
		return -1;
	if (rc == -1 || (state != SPOOL_NEW && state != SPOOL_RETRY)) {
		backlog_remove(sc->backlog, name->id);
		return 0;
	}
	if (is_known(sc, state, &now))
		return state == SPOOL_NEW && now.attempt == name->attempt;
	rc = read_job(sc, state, &now, &w, err);
	if (rc == 1)
		scan_put(sc, &w);
	return rc == -1 ? -1 : 0;
}

/* ---- all of a directory ---- */

static void
keep(struct found *f, const struct waiting *w)
{
	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 256 : 2 * f->cap;
		f->jobs = reallocarray(f->jobs, f->cap, sizeof *f->jobs);
		if (f->jobs == NULL)
			fatal("out of memory");
	}
	f->jobs[f->n++] = *w;
}

static int
by_time(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;

	if (x->received != y->received)
		return x->received < y->received ? -1 : 1;
	return strcmp(x->id, y->id);
}

/* Recovery has read it a moment ago: 1 and *out. */
static int
was_read(struct scan *sc, unsigned state, const struct spool_name *name,
    ino_t ino, struct waiting *out)
{
	const struct waiting *w;

	if (sc->heads == NULL || state != SPOOL_NEW)
		return 0;
	w = heads_find(sc->heads, ino, name->id);
	if (w == NULL)
		return 0;
	*out = *w;
	out->attempt = name->attempt;
	out->seen = sc->number;
	return 1;
}

static int
look_at(struct scan *sc, unsigned state, const struct dirent *entry,
    struct found *f, struct err *err)
{
	struct spool_name name;
	struct waiting w;
	int rc;

	if (*entry->d_name == '.')
		return 0;
	if (spool_name_parse(&name, state, entry->d_name) == -1) {
		sc->foreign++;
		return 0;
	}
	if (is_known(sc, state, &name))
		return 0;
	rc = was_read(sc, state, &name, entry->d_ino, &w)
		 ? 1
		 : read_job(sc, state, &name, &w, err);
	if (rc == 1)
		keep(f, &w);
	return rc == -1 ? -1 : 0;
}

static int
read_names(struct scan *sc, unsigned state, struct found *f, struct err *err)
{
	int fd = openat(spool_fd(sc->spool, state), ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int rc = 0;

	if (dir == NULL) {
		err_sys(err, "%s", spool_dir_name(state));
		if (fd != -1)
			close(fd);
		return -1;
	}
	while (rc == 0 && (entry = readdir(dir)) != NULL)
		rc = look_at(sc, state, entry, f, err);
	closedir(dir);
	return rc;
}

/*
 * 1 if the directory is as it was when all of it was seen. A time that is
 * only just past may be that of a change before our look and of another
 * behind it.
 */
static int
is_unchanged(struct scan *sc, unsigned state, struct timespec *now)
{
	struct stat st;

	if (fstat(spool_fd(sc->spool, state), &st) == -1) {
		memset(now, 0, sizeof *now);
		return 0;
	}
	*now = st.st_mtim;
	if (llabs(clock_wall() - clock_ns(now)) < CLOCK_SECOND)
		memset(now, 0, sizeof *now);
	return now->tv_sec != 0 && now->tv_sec == sc->mtime[state].tv_sec &&
	       now->tv_nsec == sc->mtime[state].tv_nsec;
}

static int
scan_state(struct scan *sc, unsigned state, int force, struct err *err)
{
	struct found f = { NULL, 0, 0 };
	struct timespec mtime;
	int rc;

	if (is_unchanged(sc, state, &mtime) && !force)
		return 0;
	sc->number++;
	sc->foreign = state == SPOOL_NEW ? 0 : sc->foreign;
	rc = read_names(sc, state, &f, err);
	if (rc == 0) {
		sc->mtime[state] = mtime;
		backlog_forget_unseen(sc->backlog, waits_in(state), sc->number);
	}
	/* In order, so that lines only grow at their ends. */
	if (f.n > 0)
		qsort(f.jobs, f.n, sizeof *f.jobs, by_time);
	for (size_t i = 0; i < f.n; i++)
		scan_put(sc, &f.jobs[i]);
	free(f.jobs);
	return rc;
}

int
scan_all(struct scan *sc, int force, struct err *err)
{
	sc->again = 0;
	/* What waits longest first: it goes before its key's others. */
	if (scan_state(sc, SPOOL_RETRY, force, err) == -1)
		return -1;
	if (scan_state(sc, SPOOL_NEW, force, err) == -1)
		return -1;
	/* A file left for later must be found though nothing changes. */
	if (sc->again)
		memset(sc->mtime, 0, sizeof sc->mtime);
	return 0;
}
