/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "fsio.h"
#include "runner/journal.h"
#include "spool.h"

#define JOURNAL_MAX  (1u << 22) /* bytes; a line has at most 400 */
#define JOURNAL_NAME 24

static const char last_line[] = "end\n";

static void
journal_name(char out[JOURNAL_NAME], unsigned number)
{
	snprintf(out, JOURNAL_NAME, "settling.%u", number);
}

/* 1 locked, 0 somebody has it, 2 (without O_CREAT) it is not there. */
static int
open_locked(struct journal *out, struct spool *s, unsigned number, int flags,
    struct err *err)
{
	char name[JOURNAL_NAME];
	struct stat st;
	int fd;

	journal_name(name, number);
	fd = openat(spool_fd(s, SPOOL_LOCK), name,
	    O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0640);
	if (fd == -1 && errno == ENOENT && flags == 0)
		return 2;
	if (fd == -1)
		return err_sys(err, "lock/%s", name);
	/* What somebody planted there and is no file counts as taken. */
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    flock(fd, LOCK_EX | LOCK_NB) == -1) {
		close(fd);
		return 0;
	}
	*out = (struct journal){ s, fd, number };
	return 1;
}

static int
is_empty(const struct journal *j)
{
	struct stat st;

	return fstat(j->fd, &st) == 0 && st.st_size == 0;
}

int
journal_open(struct journal *out, struct spool *s, struct err *err)
{
	for (unsigned i = 0; i < JOURNALS; i++) {
		struct journal j = { s, -1, i };
		int rc = open_locked(&j, s, i, O_CREAT, err);

		if (rc == -1)
			return -1;
		if (rc == 1 && is_empty(&j)) {
			*out = j;
			return 0;
		}
		journal_close(&j);
	}
	return err_set(
	    err, ERR_TEMP, 0, "lock/settling.*: all %d are taken", JOURNALS);
}

int
journal_take_dead(
    struct journal *out, struct spool *s, unsigned number, struct err *err)
{
	struct journal j = { s, -1, number };
	int rc = open_locked(&j, s, number, 0, err);

	if (rc != 1)
		return rc;
	if (is_empty(&j)) {
		journal_close(&j);
		return 0;
	}
	*out = j;
	return 1;
}

void
journal_close(struct journal *j)
{
	fs_close(&j->fd);
}

static void
add_line(struct buf *b, const struct job *job)
{
	struct record r;

	job_record(&r, job);
	buf_addf(b, "settling %s %u %" PRId64 " %" PRId64 " %" PRId64 " %s ",
	    job_outcome_name(r.outcome), r.attempts, r.started, r.completed,
	    r.duration, job->name.id);
	for (const char *p = job->verdict.reason; *p != '\0'; p++)
		buf_addc(b, *p == '\n' ? ' ' : *p);
	buf_addc(b, '\n');
}

int
journal_write(struct journal *j, const struct job *jobs, struct err *err)
{
	struct buf b;
	int rc = -1;

	buf_init(&b, JOURNAL_MAX);
	for (const struct job *job = jobs; job != NULL; job = job->next) {
		if (job_settles(job))
			add_line(&b, job);
	}
	buf_adds(&b, last_line);
	if (buf_check(&b, "journal", err) == -1)
		goto out;
	/* Never empty in between: jobs of an earlier round may be halfway. Old
	 * lines behind the new ones would do no harm. */
	rc = fs_pwrite_all(j->fd, b.data, b.len, 0, err);
	if (rc == 0 && ftruncate(j->fd, (off_t)b.len) == -1)
		rc = err_sys(err, "lock/settling.%u", j->number);
out:
	buf_release(&b);
	return rc;
}

int
journal_clear(struct journal *j, struct err *err)
{
	if (ftruncate(j->fd, 0) == -1)
		return err_sys(err, "lock/settling.%u", j->number);
	return 0;
}

/* ---- reading one ---- */

static int
find_outcome(enum job_outcome *out, const char *name)
{
	for (int o = JOB_SUCCEEDED; o <= JOB_QUARANTINED; o++) {
		if (strcmp(job_outcome_name((enum job_outcome)o), name) != 0)
			continue;
		*out = (enum job_outcome)o;
		return 0;
	}
	return -1;
}

static int
parse_line(struct settling *out, const char *line)
{
	char outcome[16];
	int at = 0;

	memset(out, 0, sizeof *out);
	if (sscanf(line,
		"settling %15s %u %" SCNd64 " %" SCNd64 " %" SCNd64 " %63s%n",
		outcome, &out->attempts, &out->started, &out->completed,
		&out->duration, out->id, &at) != 6 ||
	    line[at] != ' ')
		return -1;
	snprintf(out->reason, sizeof out->reason, "%s", line + at + 1);
	if (!head_job_id_valid(out->id))
		return -1;
	return find_outcome(&out->outcome, outcome);
}

static int
read_text(struct buf *b, struct journal *j, struct err *err)
{
	struct stat st;
	size_t got;
	char *room;

	if (fstat(j->fd, &st) == -1)
		return err_sys(err, "lock/settling.%u", j->number);
	room = buf_room(b, (size_t)st.st_size);
	if (room == NULL)
		return buf_check(b, "journal", err);
	if (fs_pread_full(j->fd, room, (size_t)st.st_size, 0, &got, err) == -1)
		return -1;
	b->len += got;
	b->data[b->len] = '\0';
	return 0;
}

static int
is_whole(const struct buf *b)
{
	size_t tail = sizeof last_line - 1;

	return b->len >= tail &&
	       memcmp(b->data + b->len - tail, last_line, tail) == 0 &&
	       (b->len == tail || b->data[b->len - tail - 1] == '\n');
}

int
journal_each(struct journal *j,
    int (*visit)(void *arg, const struct settling *line, struct err *err),
    void *arg, struct err *err)
{
	struct settling line;
	struct buf b;
	char *rest = NULL;
	int rc;

	buf_init(&b, JOURNAL_MAX);
	rc = read_text(&b, j, err);
	if (rc == 0 && is_whole(&b)) {
		for (char *p = strtok_r(b.data, "\n", &rest);
		     p != NULL && rc == 0; p = strtok_r(NULL, "\n", &rest)) {
			if (parse_line(&line, p) == 0)
				rc = visit(arg, &line, err);
		}
	}
	buf_release(&b);
	return rc;
}
