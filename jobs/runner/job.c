/* SPDX-License-Identifier: MIT */
#include <sys/file.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fsio.h"
#include "runner/job.h"
#include "steplog.h"

#define LOST_LOOK (1u << 20) /* bytes of a step log that are searched */

struct job *
job_new(const struct spool_name *name, enum spool_state in)
{
	struct job *job = calloc(1, sizeof *job);

	if (job == NULL)
		fatal("out of memory");
	job->name = *name;
	job->in = in;
	job->fd = job->key_fd = job->report_fd = -1;
	job_head_of_name(&job->head, name);
	return job;
}

void
job_free(struct job *job)
{
	if (job == NULL)
		return;
	fs_close(&job->report_fd);
	fs_close(&job->fd);
	fs_close(&job->key_fd);
	free(job);
}

int
job_lock(struct spool *s, struct job *job, struct err *err)
{
	char file[SPOOL_NAME_MAX];
	int fd, rc = 0;

	spool_name_format(file, job->in, &job->name);
	if (fs_open_read(&fd, spool_fd(s, job->in), file, err) == -1) {
		if (err->sys == ENOENT)
			return 1;
		/* A link, a FIFO, a directory: only its name can be moved. */
		return err->class == ERR_TEMP ? -1 : 0;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == -1)
		rc = errno == EWOULDBLOCK ? 1 : err_sys(err, "%s", file);
	if (rc == 0)
		job->fd = fd;
	else
		close(fd);
	return rc;
}

void
job_head_of_name(struct job_head *head, const struct spool_name *name)
{
	const char *dash = strchr(name->id, '-');

	memset(head, 0, sizeof *head);
	snprintf(head->id, sizeof head->id, "%s", name->id);
	if (dash != NULL)
		snprintf(
		    head->delivery, sizeof head->delivery, "%.36s", dash + 1);
	head->number = (int64_t)strtoll(name->id, NULL, 10);
	snprintf(head->hook_id, sizeof head->hook_id, "-");
	snprintf(head->event, sizeof head->event, "unknown");
	head->received = clock_wall();
}

int
job_read_head(struct job *job, struct err *err)
{
	struct job_head head;
	size_t body_at;

	job_head_of_name(&job->head, &job->name);
	if (job->fd == -1)
		return err_set(err, ERR_BAD, 0, "it cannot be opened");
	if (head_read(&head, &body_at, job->fd, err) == -1)
		return -1;
	if (strcmp(head.id, job->name.id) != 0)
		return err_set(err, ERR_BAD, 0, "its name is not its job's");
	job->head = head;
	job->size = body_at + head.length;
	return 0;
}

void
job_line(struct spool *s, const struct job *job, const char *level,
    const char *event, const char *members)
{
	struct steplog log;
	struct err ignored;

	if (steplog_open(&log, s, &job->head, job->name.attempt, &ignored) ==
	    -1)
		return;
	steplog_line(&log, level, event, NULL, members);
	steplog_close(&log);
}

static unsigned
count_lost(const char *text, size_t len)
{
	/* As steplog_line() writes it; inside a string the quotes would be
	 * escaped. */
	static const char event[] = "\"event\":\"";
	const char *end = text + len, *p = text;
	unsigned count = 0;

	while (p < end && (p = memmem(p, (size_t)(end - p), event,
			       sizeof event - 1)) != NULL) {
		p += sizeof event - 1;
		if (end - p >= 5 && memcmp(p, "lost\"", 5) == 0)
			count++;
		else if (end - p >= 8 && memcmp(p, "settled\"", 8) == 0)
			count = 0;
	}
	return count;
}

unsigned
job_lost_count(struct spool *s, const char *id)
{
	char name[JOB_ID_MAX + 8], *text;
	size_t got = 0;
	struct err ignored;
	unsigned count = 0;
	int fd = -1;

	snprintf(name, sizeof name, "%s.jsonl", id);
	if (fs_open_read(&fd, spool_fd(s, SPOOL_LOG_JOBS), name, &ignored) ==
	    -1)
		return 0;
	text = malloc(LOST_LOOK);
	if (text != NULL &&
	    fs_pread_full(fd, text, LOST_LOOK, 0, &got, &ignored) == 0)
		count = count_lost(text, got);
	free(text);
	fs_close(&fd);
	return count;
}

int
job_settles(const struct job *job)
{
	return job->verdict.to == SPOOL_DONE || job->verdict.to == SPOOL_DEAD ||
	       job->verdict.to == SPOOL_BAD;
}

void
job_record(struct record *out, const struct job *job)
{
	memset(out, 0, sizeof *out);
	out->head = &job->head;
	out->outcome = job->verdict.outcome;
	out->reason = *job->verdict.reason == '\0' ? NULL : job->verdict.reason;
	out->attempts = job->name.attempt + (job->in == SPOOL_RUN);
	out->started = job->started;
	out->completed = job->completed;
	out->duration = job->started == 0 ? 0 : job->ended - job->began;
}
