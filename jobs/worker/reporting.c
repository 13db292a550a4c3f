/* SPDX-License-Identifier: MIT */
#include <sys/file.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "event.h"
#include "fsio.h"
#include "github/names.h"
#include "github/status.h"
#include "log.h"
#include "outbox.h"
#include "spool.h"
#include "steplog.h"
#include "worker/job.h"
#include "worker/reporting.h"

/* ---- the job's own wish ---- */

static int
has_identity(const struct job *job)
{
	const struct secret *const *tokens;

	return config_secrets(job->config, job->head.repository,
		   "github-tokens", &tokens) > 0 ||
	       config_int(job->config, job->head.repository, "github-app-id") >
		   0;
}

/* A branch that was deleted is pushed as a commit of zeros. */
static int
has_commit(const struct job_head *head)
{
	return github_sha_valid(head->sha) &&
	       strspn(head->sha, "0") < strlen(head->sha);
}

static int
reports(const struct job *job)
{
	const struct event_kind *kind = event_find(job->head.event);

	return job->spool != NULL && job->options->attempt_given &&
	       kind != NULL && (kind->flags & EVENT_REPORTS) != 0 &&
	       has_commit(&job->head) &&
	       config_has_repository(job->config, job->head.repository) &&
	       has_identity(job);
}

void
reporting_begin(struct job *job)
{
	const char *repository = job->head.repository;
	const char *public = config_str(job->config, repository, "public-url");
	char target[STATUS_TARGET_MAX] = "", words[160];
	struct status_report report;
	struct err err;

	if (!reports(job))
		return;
	if (public != NULL)
		snprintf(target, sizeof target, "%.400s/jobs/%s", public,
		    job->head.id);
	snprintf(words, sizeof words, "%s is running", job->head.event);
	status_report_init(&report, &job->head,
	    config_str(job->config, repository, "status-context"), target,
	    COMMIT_PENDING, words);
	if (outbox_want(job->spool, &report, &err) == -1)
		steplog_note(&job->log, "commit status: %s", err.text);
}

/* ---- sending what waits ---- */

struct waiting {
	char id[JOB_ID_MAX];
	int64_t received;
	int due;
};

struct queue {
	struct waiting *list;
	size_t count, room;
	int64_t now;
	int no_memory;
};

static int
note_waiting(void *arg, const char *name, const struct status_report *report)
{
	struct queue *q = arg;
	struct waiting *w;

	(void)name;
	if (report == NULL || report->result != RESULT_WAITING)
		return 0;
	if (q->count == q->room) {
		size_t room = q->room + 64;
		struct waiting *list =
		    reallocarray(q->list, room, sizeof *list);

		if (list == NULL) {
			q->no_memory = 1; /* the next run takes the rest */
			return 1;
		}
		q->list = list;
		q->room = room;
	}
	w = &q->list[q->count++];
	snprintf(w->id, sizeof w->id, "%s", report->job_id);
	w->received = report->received;
	w->due = report->due <= q->now;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;

	return (x->received > y->received) - (x->received < y->received);
}

/* What a line of the step log needs of a job that may be gone. */
static int
read_names(
    struct spool *s, const char *id, struct job_head *head, struct err *err)
{
	struct status_report report;

	if (outbox_read(s, id, &report, err) == -1)
		return -1;
	*head = (struct job_head){ .received = report.received };
	snprintf(head->id, sizeof head->id, "%s", report.job_id);
	snprintf(
	    head->request_id, sizeof head->request_id, "%s", report.request_id);
	snprintf(head->delivery, sizeof head->delivery, "%s", report.delivery);
	snprintf(
	    head->repository, sizeof head->repository, "%s", report.repository);
	return 0;
}

static void
send_one(struct spool *s, const struct config *config, const char *id, int weed)
{
	struct job_head head;
	struct steplog log;
	struct err err;
	int opened;

	if (read_names(s, id, &head, &err) == -1)
		return;
	opened = steplog_open(&log, s, &head, 0, &err) == 0;
	if (status_send(s, config, id, weed, opened ? &log : NULL, &err) == -1)
		log_job(LOG_WARN_, &head, 0, "status_report", "%s", err.text);
	if (opened)
		steplog_close(&log);
}

static int
send_queue(struct spool *s, const struct config *config, struct err *err)
{
	struct queue q = { .now = clock_wall() };
	int rc = outbox_each(s, note_waiting, &q, err);

	if (q.count > 0)
		qsort(q.list, q.count, sizeof *q.list, compare);
	for (size_t i = q.count; i-- > 0;)
		send_one(s, config, q.list[i].id, 1);
	for (size_t i = 0; i < q.count; i++) {
		if (q.list[i].due)
			send_one(s, config, q.list[i].id, 0);
	}
	free(q.list);
	return rc == -1 ? -1 : 0;
}

int
reporting_send(const struct job_options *options, struct err *err)
{
	struct config *config = NULL;
	struct spool *s = NULL;
	int rc = -1;

	if (options->spool == NULL)
		return err_set(err, ERR_CONF, 0, "--reports needs --spool");
	if (config_load(&config, config_default_path(options->config), NULL,
		err) == 0 &&
	    spool_open(&s, options->spool, 0, err) == 0)
		rc = send_queue(s, config, err);
	spool_close(s);
	config_free(config);
	return rc;
}
