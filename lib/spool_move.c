/* SPDX-License-Identifier: MIT */
/*
 * Moving: every way a job can go, and nothing else. A move is one rename;
 * that the job is not lost with it is the slot's doing (spool.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "clock.h"
#include "fsio.h"
#include "spool_inside.h"
#include "spool_recover.h"

/*
 * The legal moves. `sync`: the target directory is flushed at once, because
 * somebody chose the state by hand or for long; elsewhere the caller flushes
 * once for many, or nobody needs to.
 */
static const struct move {
	enum spool_state from, to;
	int sync;
	const char *guarantee;
} moves[] = {
	{ SPOOL_NEW, SPOOL_RUN, 0, "claimed: the mover holds the file's lock" },
	{ SPOOL_NEW, SPOOL_HOLD, 1, "held by an operator before it ran" },
	{ SPOOL_NEW, SPOOL_DONE, 0, "superseded by a newer event of its key" },
	{ SPOOL_NEW, SPOOL_DEAD, 0, "cancelled before it ran" },
	{ SPOOL_NEW, SPOOL_BAD, 0, "no job can be read from it" },
	{ SPOOL_RUN, SPOOL_NEW, 0, "worker died, or stopped at shutdown" },
	{ SPOOL_RUN, SPOOL_RETRY, 1, "to be tried again, not before its time" },
	{ SPOOL_RUN, SPOOL_DONE, 0, "its worker said 0" },
	{ SPOOL_RUN, SPOOL_DEAD, 0, "failed, timed out, cancelled or lost" },
	{ SPOOL_RUN, SPOOL_BAD, 0, "no job can be read from it" },
	{ SPOOL_RETRY, SPOOL_NEW, 0, "its time has come" },
	{ SPOOL_RETRY, SPOOL_HOLD, 1, "held by an operator between attempts" },
	{ SPOOL_RETRY, SPOOL_DONE, 0, "superseded by a newer event" },
	{ SPOOL_RETRY, SPOOL_DEAD, 0, "cancelled between attempts" },
	{ SPOOL_RETRY, SPOOL_BAD, 0, "no job can be read from it" },
	{ SPOOL_HOLD, SPOOL_NEW, 0, "released" },
	{ SPOOL_HOLD, SPOOL_DONE, 0, "superseded by a newer event" },
	{ SPOOL_HOLD, SPOOL_DEAD, 0, "cancelled while held" },
	{ SPOOL_HOLD, SPOOL_BAD, 0, "no job can be read from it" },
	{ SPOOL_DONE, SPOOL_NEW, 1, "replayed: spool_rearm() made its slot" },
	{ SPOOL_DEAD, SPOOL_NEW, 1, "replayed: spool_rearm() made its slot" },
};

static const enum spool_state settled[] = { SPOOL_DONE, SPOOL_DEAD, SPOOL_BAD };

#define SETTLED (sizeof settled / sizeof *settled)

static int
is_settled(unsigned state)
{
	return state == SPOOL_DONE || state == SPOOL_DEAD || state == SPOOL_BAD;
}

static const struct move *
find_move(unsigned from, unsigned to)
{
	for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
		if (moves[i].from == from && moves[i].to == to)
			return &moves[i];
	}
	BUG("a move that no job may make");
}

const char *
spool_move_guarantee(unsigned from, unsigned to)
{
	for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
		if (moves[i].from == from && moves[i].to == to)
			return moves[i].guarantee;
	}
	return NULL;
}

/*
 * Removes a file whose place is needed or whose time is over. If its slot is
 * still there (settling was interrupted), that must go first and for good: a
 * complete slot without a job would be made a job by recovery.
 */
static int
retire(struct spool *s, unsigned state, const char *file,
    const struct spool_name *name, struct err *err)
{
	struct job_head head;
	struct err unreadable;
	struct stat st;

	if (fstatat(s->dirs[state], file, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : err_sys(err, "%s", file);
	if (S_ISREG(st.st_mode) && st.st_nlink > 1 &&
	    spool_read_head(s, state, name, &head, &unreadable) == 0 &&
	    spool_same_file(s, SPOOL_TMP, head.slot, &st)) {
		if (spool_drop_slot(s, head.slot, err) == -1 ||
		    spool_sync(s, SPOOL_TMP, err) == -1)
			return -1;
	}
	if (unlinkat(s->dirs[state], file, 0) == 0 || errno == ENOENT)
		return 0;
	/* A directory that somebody put there; rmdir takes only empty ones. */
	if (errno == EISDIR &&
	    unlinkat(s->dirs[state], file, AT_REMOVEDIR) == 0)
		return 0;
	return err_sys(err, "%s/%s", spool_dir_name(state), file);
}

int
spool_retire(struct spool *s, unsigned state, const char *id, struct err *err)
{
	struct spool_name name = { .attempt = 0 };

	snprintf(name.id, sizeof name.id, "%s", id);
	return retire(s, state, id, &name, err);
}

/*
 * A delivery that died and was sent again has an old file in dead/. A job
 * has one state, so the old one ends when the new one leaves new/ (the
 * responder, which accepts, may not write in dead/).
 *
 * Where the settled file is this very file, a power cut has kept a name that
 * recovery has not come to yet: the job is over. 1: there is nothing to move.
 */
static int
retire_older(struct spool *s, const char *file, const char *id, struct err *err)
{
	struct stat st;

	if (fstatat(s->dirs[SPOOL_NEW], file, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 1 : err_sys(err, "new/%s", file);
	if (spool_settled_as(s, id, &st) != SPOOL_STATES) {
		unlinkat(s->dirs[SPOOL_NEW], file, 0);
		return 1;
	}
	for (size_t i = 0; i < SETTLED; i++) {
		if (spool_retire(s, settled[i], id, err) == -1)
			return -1;
	}
	return 0;
}

/* rename that refuses to replace, also where the file system cannot. */
static int
rename_new(int from_dir, const char *from, int to_dir, const char *to)
{
	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(from_dir, from, to_dir, to, 0) == -1)
		return -1;
	return unlinkat(from_dir, from, 0);
}

/* 0, 1 if there is nothing to move, -1. */
static int
do_rename(struct spool *s, const struct move *m, const char *from,
    const char *to, struct err *err)
{
	int from_dir = s->dirs[m->from], to_dir = s->dirs[m->to], rc;

	if (is_settled(m->to)) {
		/* The time it settled, for those who sweep; no matter if the
		 * file is another user's. */
		if (utimensat(from_dir, from, NULL, AT_SYMLINK_NOFOLLOW) == -1)
			errno = 0;
		rc = renameat(from_dir, from, to_dir, to);
	} else {
		rc = rename_new(from_dir, from, to_dir, to);
	}
	if (rc == 0)
		return 0;
	if (errno == ENOENT)
		return 1;
	return err_sys(err, "%s/%s to %s/%s", spool_dir_name(m->from), from,
	    spool_dir_name(m->to), to);
}

/*
 * A job in two places, where a power cut kept what it should not have: the
 * place that a job which has run, or is due, must go to is taken by the same
 * job. The one that moves is the one that recovery and the runner went by;
 * the other would keep it from ever moving.
 */
static int
take_place(struct spool *s, const struct move *m, const char *from,
    const char *to, const struct spool_name *to_name, struct err *err)
{
	struct stat st;

	if (fstatat(s->dirs[m->from], from, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 1 : err_sys(err, "%s", from);
	if (spool_same_file(s, m->to, to, &st)) {
		if (unlinkat(s->dirs[m->from], from, 0) == -1)
			return err_sys(err, "%s", from);
		return 0;
	}
	if (retire(s, m->to, to, to_name, err) == -1)
		return -1;
	return do_rename(s, m, from, to, err);
}

int
spool_move(struct spool *s, unsigned from, const struct spool_name *name,
    unsigned to, const struct spool_name *to_name, struct err *err)
{
	const struct move *m = find_move(from, to);
	char from_file[SPOOL_NAME_MAX], to_file[SPOOL_NAME_MAX];
	int rc = 0;

	spool_name_format(from_file, from, name);
	spool_name_format(to_file, to, to_name);
	if (from == SPOOL_NEW)
		rc = retire_older(s, from_file, name->id, err);
	if (rc == 0)
		rc = do_rename(s, m, from_file, to_file, err);
	if (rc == -1 && err->sys == EEXIST &&
	    (from == SPOOL_RUN || from == SPOOL_RETRY))
		rc = take_place(s, m, from_file, to_file, to_name, err);
	if (rc == 0 && m->sync)
		rc = spool_sync(s, to, err);
	return rc;
}

int
spool_claim(
    struct spool *s, const struct spool_name *name, int *fd, struct err *err)
{
	char file[SPOOL_NAME_MAX];
	struct stat st;
	int new_fd, rc;

	spool_name_format(file, SPOOL_NEW, name);
	if (fs_open_read(&new_fd, s->dirs[SPOOL_NEW], file, err) == -1)
		return err->sys == ENOENT ? 1 : -1;
	if (flock(new_fd, LOCK_EX | LOCK_NB) == -1) {
		rc = errno == EWOULDBLOCK ? 1 : err_sys(err, "flock %s", file);
		goto fail;
	}
	rc = spool_move(s, SPOOL_NEW, name, SPOOL_RUN, name, err);
	if (rc != 0)
		goto fail;
	/* Between open and lock another runner may have run this file and
	 * put one of the same name in its place. */
	if (fstat(new_fd, &st) == -1 ||
	    !spool_same_file(s, SPOOL_RUN, file, &st)) {
		rc = spool_move(s, SPOOL_RUN, name, SPOOL_NEW, name, err);
		rc = rc == -1 ? -1 : 1;
		goto fail;
	}
	*fd = new_fd;
	return 0;
fail:
	close(new_fd);
	return rc;
}

int
spool_orphan(
    struct spool *s, const struct spool_name *name, int *fd, struct err *err)
{
	char file[SPOOL_NAME_MAX];
	struct stat st;
	int new_fd, rc = 0;

	spool_name_format(file, SPOOL_RUN, name);
	if (fs_open_read(&new_fd, s->dirs[SPOOL_RUN], file, err) == -1)
		return err->sys == ENOENT ? 0 : -1;
	if (flock(new_fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK)
			rc = err_sys(err, "flock %s", file);
		goto fail;
	}
	/* It may have been settled while we waited for nothing. */
	if (fstat(new_fd, &st) == -1 ||
	    !spool_same_file(s, SPOOL_RUN, file, &st))
		goto fail;
	*fd = new_fd;
	return 1;
fail:
	close(new_fd);
	return rc;
}

int
spool_retry(struct spool *s, const struct spool_name *name, int64_t not_before,
    struct err *err)
{
	char file[SPOOL_NAME_MAX];
	struct spool_name next = *name;
	struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = (time_t)(not_before / CLOCK_SECOND),
		    .tv_nsec = (long)(not_before % CLOCK_SECOND) },
	};

	next.attempt++;
	spool_name_format(file, SPOOL_RUN, name);
	if (utimensat(s->dirs[SPOOL_RUN], file, times, AT_SYMLINK_NOFOLLOW) ==
	    -1)
		return errno == ENOENT ? 1
				       : err_sys(err, "run/%s: set time", file);
	return spool_move(s, SPOOL_RUN, name, SPOOL_RETRY, &next, err);
}

int
spool_not_before(struct spool *s, const struct spool_name *name, int64_t *wall,
    struct err *err)
{
	char file[SPOOL_NAME_MAX];
	struct stat st;

	spool_name_format(file, SPOOL_RETRY, name);
	if (fstatat(s->dirs[SPOOL_RETRY], file, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 1 : err_sys(err, "retry/%s", file);
	*wall = clock_ns(&st.st_mtim);
	return 0;
}

/*
 * First the slot, durably, then seen/, then the move: as if the delivery had
 * just been accepted.
 */
int
spool_rearm(struct spool *s, unsigned from, const struct spool_name *name,
    unsigned attempt, struct err *err)
{
	char file[SPOOL_NAME_MAX];
	struct spool_name next = *name, live;
	struct job_head head;
	struct stat st;
	unsigned state;

	/* Sent again by GitHub meanwhile: that copy is the job. */
	if (spool_find_likely(s, name->id, &state, &live) && state < SPOOL_DONE)
		return err_set(err, ERR_BAD, EEXIST, "%s: is in %s/ already",
		    name->id, spool_dir_name(state));
	if (spool_read_head(s, from, name, &head, err) == -1)
		return err->sys == ENOENT ? 1 : -1;
	spool_name_format(file, from, name);
	if (fstatat(s->dirs[from], file, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 1 : err_sys(err, "%s", file);
	if (head.slot[0] != '\0' &&
	    linkat(s->dirs[from], file, s->dirs[SPOOL_TMP], head.slot, 0) ==
		-1 &&
	    (errno != EEXIST || !spool_same_file(s, SPOOL_TMP, head.slot, &st)))
		return err_sys(err, "tmp/%s", head.slot);
	if (spool_sync(s, SPOOL_TMP, err) == -1 ||
	    seen_restore(s, &head, err) == -1)
		return -1;
	next.attempt = attempt;
	return spool_move(s, from, name, SPOOL_NEW, &next, err);
}

void
spool_trim(struct spool *s, unsigned state, const struct spool_name *name,
    uint64_t size)
{
	char file[SPOOL_NAME_MAX];
	struct stat st;
	int fd;

	spool_name_format(file, state, name);
	fd = openat(s->dirs[state], file,
	    O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size > size && ftruncate(fd, (off_t)size) == -1)
		errno = 0;
	close(fd);
}
