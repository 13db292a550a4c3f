/* SPDX-License-Identifier: MIT */
/*
 * Crash argument. A report's file is replaced by fs_replace(): the old or
 * the new one is there, never a mixture. Every step of a send is a
 * replacement before or after the POST, never in between, so a crash leaves
 * either "not begun" (post it), "begun" (read back first) or "posted".
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "digest.h"
#include "fsio.h"
#include "outbox_parts.h"
#include "spool.h"
#include "utf8.h"

#define FILE_MAX 4096
#define NEWEST	 ".newest-" /* + hash of commit and context */

/* Control characters would break the file's lines. */
static void
copy_text(char *out, size_t size, const char *text, size_t chars)
{
	size_t valid = utf8_valid(text, strlen(text));
	size_t len = utf8_cut(text, valid, chars);

	if (len >= size)
		len = utf8_cut(text, size - 1, chars);
	for (size_t i = 0; i < len; i++)
		out[i] = iscntrl((unsigned char)text[i]) ? ' ' : text[i];
	out[len] = '\0';
}

void
status_report_init(struct status_report *report, const struct job_head *head,
    const char *context, const char *target, enum commit_state state,
    const char *description)
{
	struct status_report r = { .state = state,
		.received = head->received,
		.wanted = clock_wall() };

	snprintf(r.job_id, sizeof r.job_id, "%s", head->id);
	snprintf(r.request_id, sizeof r.request_id, "%s", head->request_id);
	snprintf(r.delivery, sizeof r.delivery, "%s", head->delivery);
	snprintf(r.repository, sizeof r.repository, "%s", head->repository);
	snprintf(r.sha, sizeof r.sha, "%s", head->sha);
	copy_text(r.context, sizeof r.context, context, sizeof r.context);
	copy_text(r.target, sizeof r.target, target, sizeof r.target);
	copy_text(
	    r.description, sizeof r.description, description, STATUS_CHARS);
	*report = r;
}

int
outbox_read(struct spool *s, const char *job_id, struct status_report *report,
    struct err *err)
{
	struct buf file;
	int rc = -1;

	if (!head_job_id_valid(job_id))
		return err_set(
		    err, ERR_BAD, 0, "%.64s: not a job's ID", job_id);
	buf_init(&file, FILE_MAX);
	if (fs_read_file(&file, spool_fd(s, SPOOL_OUT), job_id, err) == 0)
		rc = outbox_parse(report, file.data, job_id, err);
	else if (err->sys == ENOENT)
		err_set(err, ERR_BAD, ENOENT, "%s: has no report", job_id);
	buf_release(&file);
	return rc;
}

static int
write_report(
    struct spool *s, const struct status_report *report, struct err *err)
{
	struct buf file;
	int rc = -1;

	if (!head_job_id_valid(report->job_id))
		BUG("report of a job without a valid ID");
	buf_init(&file, FILE_MAX);
	outbox_format(&file, report);
	if (buf_check(&file, "report", err) == 0)
		rc = fs_replace(spool_fd(s, SPOOL_OUT), report->job_id,
		    file.data, file.len, 0640, err);
	buf_release(&file);
	return rc;
}

/*
 * Held from reading a report to writing it, never while GitHub is spoken to:
 * the runner must not wait for the network.
 */
static int
lock_files(struct spool *s, int *fd, struct err *err)
{
	int new_fd = openat(spool_fd(s, SPOOL_LOCK), "out",
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);

	if (new_fd == -1)
		return err_sys(err, "lock/out");
	while (flock(new_fd, LOCK_EX) == -1) {
		if (errno == EINTR)
			continue;
		err_sys(err, "lock/out");
		fs_close(&new_fd);
		return -1;
	}
	*fd = new_fd;
	return 0;
}

/* What GitHub was sent, and has, of this run. */
static void
take_sent(struct status_report *to, const struct status_report *from)
{
	to->form = from->form;
	to->check = from->check;
	to->attempted = from->attempted;
	to->posted = from->posted;
}

/*
 * A job is settled on disk before its report is final (settle.c), and what
 * is settled is begun again only as another run. Its report owes nothing to
 * the first one's: a check run that is completed stays so, a new one is made.
 */
static int
merge_wish(struct spool *s, const struct status_report *report, struct err *err)
{
	struct status_report next = *report, before;

	if (outbox_read(s, report->job_id, &before, err) == -1)
		return err->class == ERR_BAD ? write_report(s, &next, err) : -1;
	next.run = before.run;
	if (next.state == COMMIT_PENDING && before.state != COMMIT_PENDING) {
		next.run++;
		return write_report(s, &next, err);
	}
	if (next.state == before.state &&
	    (next.state == COMMIT_PENDING || before.result != RESULT_EXPIRED))
		return 1;
	take_sent(&next, &before);
	return write_report(s, &next, err);
}

int
outbox_want(
    struct spool *s, const struct status_report *report, struct err *err)
{
	int lock = -1, rc;

	if (lock_files(s, &lock, err) == -1)
		return -1;
	rc = merge_wish(s, report, err);
	fs_close(&lock);
	return rc;
}

int
outbox_update(
    struct spool *s, const struct status_report *sent, struct err *err)
{
	struct status_report now;
	int lock = -1, rc;

	if (lock_files(s, &lock, err) == -1)
		return -1;
	rc = outbox_read(s, sent->job_id, &now, err);
	if (rc == 0 && now.state == sent->state && now.wanted == sent->wanted)
		now = *sent;
	else if (rc == 0 && now.run == sent->run)
		take_sent(&now, sent);
	/* Removed by an operator meanwhile: stays removed. */
	if (rc == 0)
		rc = write_report(s, &now, err);
	else if (err->class == ERR_BAD)
		rc = 0;
	fs_close(&lock);
	return rc;
}

/* What a commit shows of each outcome. */
static const struct {
	enum commit_state state;
	const char *words;
} endings[] = {
	[JOB_SUCCEEDED] = { COMMIT_SUCCESS, "succeeded" },
	[JOB_FAILED] = { COMMIT_FAILURE, "failed" },
	[JOB_TIMED_OUT] = { COMMIT_ERROR, "timed out" },
	[JOB_CANCELLED] = { COMMIT_ERROR, "cancelled" },
	[JOB_LOST] = { COMMIT_ERROR, "lost its worker" },
	[JOB_QUARANTINED] = { COMMIT_ERROR, "could not be read" },
};

/* "push succeeded in 163 ms", "push failed: no such branch" */
static void
describe(char *out, size_t size, const struct record *settled)
{
	const char *event = settled->head->event;
	const char *words = endings[settled->outcome].words;

	if (settled->outcome != JOB_SUCCEEDED && settled->reason != NULL &&
	    settled->reason[0] != '\0')
		snprintf(out, size, "%s %s: %s", event, words, settled->reason);
	else
		snprintf(out, size, "%s %s in %" PRId64 " ms", event, words,
		    settled->duration / CLOCK_MSEC);
}

int
outbox_finish(struct spool *s, const struct record *settled, struct err *err)
{
	char text[STATUS_DESCRIPTION_MAX];
	struct status_report begun, final;
	int rc;

	if (outbox_read(s, settled->head->id, &begun, err) == -1)
		return err->class == ERR_BAD ? 0 : -1;
	describe(text, sizeof text, settled);
	status_report_init(&final, settled->head, begun.context, begun.target,
	    endings[settled->outcome].state, text);
	snprintf(final.outcome, sizeof final.outcome, "%s",
	    job_outcome_name(settled->outcome));
	rc = outbox_want(s, &final, err);
	return rc == -1 ? -1 : 0;
}

int
outbox_again(struct spool *s, const char *job_id, int clear, struct err *err)
{
	struct status_report r;
	int lock = -1, rc;

	if (lock_files(s, &lock, err) == -1)
		return -1;
	rc = outbox_read(s, job_id, &r, err);
	if (rc == 0) {
		r.result = RESULT_WAITING;
		r.tries = 0;
		r.due = 0;
		r.wanted = clock_wall();
		r.words[0] = '\0';
		if (clear) {
			r.form = FORM_NONE;
			r.attempted = r.posted = COMMIT_NONE;
		}
		rc = write_report(s, &r, err);
	}
	fs_close(&lock);
	return rc;
}

int
outbox_has(struct spool *s, const char *job_id)
{
	return head_job_id_valid(job_id) &&
	       faccessat(spool_fd(s, SPOOL_OUT), job_id, F_OK,
		   AT_SYMLINK_NOFOLLOW) == 0;
}

int
outbox_remove(struct spool *s, const char *job_id, struct err *err)
{
	if (!head_job_id_valid(job_id))
		return err_set(
		    err, ERR_BAD, 0, "%.64s: not a job's ID", job_id);
	if (unlinkat(spool_fd(s, SPOOL_OUT), job_id, 0) == -1 &&
	    errno != ENOENT)
		return err_sys(err, "out/%s", job_id);
	return 0;
}

int
outbox_each(struct spool *s,
    int (*visit)(
	void *arg, const char *name, const struct status_report *report),
    void *arg, struct err *err)
{
	int fd = -1, rc = 0;
	DIR *dir;
	struct dirent *entry;

	if (fs_open_dir(&fd, spool_fd(s, SPOOL_OUT), ".", err) == -1)
		return -1;
	dir = fdopendir(fd);
	if (dir == NULL) {
		rc = err_sys(err, "out");
		fs_close(&fd);
		return rc;
	}
	while (rc == 0 && (entry = readdir(dir)) != NULL) {
		struct status_report report;
		struct err unread;
		int readable;

		if (entry->d_name[0] == '.')
			continue;
		readable = outbox_read(s, entry->d_name, &report, &unread) == 0;
		if (!readable && unread.sys == ENOENT)
			continue; /* removed while we looked */
		rc = visit(arg, entry->d_name, readable ? &report : NULL);
	}
	closedir(dir);
	return rc;
}

static int
count(void *arg, const char *name, const struct status_report *report)
{
	uint64_t *counts = arg;

	(void)name;
	if (report != NULL)
		counts[report->result]++;
	return 0;
}

int
outbox_count(struct spool *s, uint64_t counts[RESULTS], struct err *err)
{
	memset(counts, 0, RESULTS * sizeof *counts);
	return outbox_each(s, count, counts, err) == -1 ? -1 : 0;
}

/* ---- one sender, and the newest job ---- */

/* Repository, commit and context: what GitHub shows one status for. */
static int
hash_place(char out[33], const struct status_report *report, struct err *err)
{
	uint8_t sum[DIGEST_LEN];
	struct buf place;
	int rc = -1;

	buf_init(&place, 2048);
	buf_addf(&place, "%s\n%s\n%s", report->repository, report->sha,
	    report->context);
	if (buf_check(&place, "report", err) == 0)
		rc = digest_of(sum, place.data, place.len, err);
	if (rc == 0)
		hex_encode(out, sum, 16);
	buf_release(&place);
	return rc;
}

int
outbox_lock(struct spool *s, const struct status_report *report, int *fd,
    struct err *err)
{
	char hash[33], key[64];

	if (hash_place(hash, report, err) == -1)
		return -1;
	snprintf(key, sizeof key, "status:%s", hash);
	return spool_lock_key(s, key, fd, err);
}

int
outbox_is_newest(
    struct spool *s, const struct status_report *report, struct err *err)
{
	char hash[33], name[64], text[CLOCK_TEXT + JOB_ID_MAX + 2];
	struct buf file;
	int64_t newest = 0;
	int rc = 1;

	if (hash_place(hash, report, err) == -1)
		return -1;
	snprintf(name, sizeof name, NEWEST "%s", hash);
	buf_init(&file, FILE_MAX);
	/* A memory that is missing or damaged knows of nobody newer. */
	if (fs_read_file(&file, spool_fd(s, SPOOL_OUT), name, err) == 0)
		newest = strtoll(file.data, NULL, 10);
	buf_release(&file);
	if (newest > report->received)
		return 0;
	if (newest == report->received)
		return 1;
	snprintf(text, sizeof text, "%" PRId64 " %s\n", report->received,
	    report->job_id);
	if (fs_replace(spool_fd(s, SPOOL_OUT), name, text, strlen(text), 0640,
		err) == -1)
		rc = -1;
	return rc;
}
