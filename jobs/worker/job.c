/* SPDX-License-Identifier: MIT */
#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "events/events.h"
#include "form.h"
#include "fsio.h"
#include "hook.h"
#include "json.h"
#include "runner/report.h"
#include "spool.h"
#include "worker/checkout.h"
#include "worker/hooks.h"
#include "worker/job.h"
#include "worker/reporting.h"

/* ---- opening ---- */

/* The spool that was named ("-": none), or the configured one if it is
 * there. */
static int
open_spool(struct job *job, struct err *err)
{
	const char *data;
	char path[1024];

	job->spool = job->options->opened;
	if (job->spool != NULL)
		return 0;
	if (job->options->spool != NULL &&
	    strcmp(job->options->spool, "-") == 0)
		return 0;
	if (job->options->spool != NULL)
		return spool_open(&job->spool, job->options->spool, 0, err);
	if (job->config == NULL)
		return 0;
	data = config_str(job->config, NULL, "data-directory");
	if (data == NULL ||
	    snprintf(path, sizeof path, "%s/spool", data) >= (int)sizeof path ||
	    access(path, F_OK) == -1)
		return 0;
	return spool_open(&job->spool, path, 0, err);
}

static int
open_log(struct job *job, struct err *err)
{
	if (job->spool != NULL)
		return steplog_open(&job->log, job->spool, &job->head,
		    job->options->attempt, err);
	job->log = (struct steplog){ .fd = dup(STDERR_FILENO),
		.attempt = job->options->attempt,
		.head = &job->head };
	return 0;
}

int
job_config_load(
    struct job_config *out, int copy, const char *path, struct err *err)
{
	struct job_config c = { NULL, NULL };
	int rc = copy == -1 ? config_load(&c.config, path, NULL, err)
			    : config_load_copy(&c.config, copy, path, err);

	if (rc == 0 && hooks_compile(&c.hooks, c.config, err) == 0) {
		*out = c;
		return 0;
	}
	if (rc == 0)
		config_free(c.config);
	return -1;
}

void
job_config_free(struct job_config *c)
{
	hooks_free(c->hooks);
	config_free(c->config);
	*c = (struct job_config){ NULL, NULL };
}

/*
 * A file that cannot be read is not the job's fault: somebody is editing it.
 * The runner's copy of the last good one stays in force; without a runner
 * the job is tried again. 0 with *broken filled where it is the copy.
 */
static int
read_config(struct job *job, struct err *broken)
{
	const char *path = config_default_path(job->options->config);
	const char *copy = getenv(CONFIG_COPY_ENV);
	struct job_config c = job->options->ready;
	struct err ignored;

	job->borrowed = c.config != NULL;
	if (!job->borrowed && job_config_load(&c, -1, path, broken) == -1 &&
	    (copy == NULL || *copy < '0' || *copy > '9' ||
		job_config_load(&c, atoi(copy), path, &ignored) == -1))
		return -1;
	job->config = c.config;
	job->hooks = c.hooks;
	return 0;
}

int
job_open(struct job *job, const struct job_options *options, int cancel_fd,
    struct err *err)
{
	struct err conf = { 0 };
	int configured;

	*job = (struct job){
		.options = options, .cancel_fd = cancel_fd, .log.fd = -1
	};
	buf_init(&job->form, SPOOL_BODY_MAX);
	if (head_verify(&job->head, &job->body_at, STDIN_FILENO, err) == -1) {
		if (err->class == ERR_BAD)
			report_unreadable(err->text);
		return -1;
	}
	configured = read_config(job, &conf) == 0;
	if (open_spool(job, err) == -1 || open_log(job, err) == -1)
		return -1;
	if (configured) {
		if (conf.class != ERR_NONE)
			steplog_note(&job->log,
			    "%s; the last good configuration is used",
			    conf.text);
		if (!job->options->swept)
			checkout_sweep(job);
		return 0;
	}
	step_fail(step_start(&job->log, "configuration"), &conf);
	conf.class = ERR_TEMP;
	*err = conf;
	return -1;
}

void
job_close(struct job *job)
{
	json_free(job->payload);
	buf_release(&job->form);
	if (job->file != NULL)
		munmap(job->file, job->file_len);
	if (job->log.fd != -1)
		steplog_close(&job->log);
	if (!job->borrowed) {
		hooks_free(job->hooks);
		config_free(job->config);
	}
	if (job->options->opened == NULL)
		spool_close(job->spool);
}

/* ---- running ---- */

int
job_cancelled(const struct job *job)
{
	struct pollfd fd = { .fd = job->cancel_fd, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

int
job_worse(struct job *job, int code, int other, const char *reason)
{
	if (other <= code)
		return code;
	snprintf(job->reason, sizeof job->reason, "%s", reason);
	return other;
}

static int
read_payload(struct job *job, struct err *err)
{
	const char *body;

	job->file_len = job->body_at + job->head.length;
	job->file =
	    mmap(NULL, job->file_len, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
	if (job->file == MAP_FAILED) {
		job->file = NULL;
		return err_sys(err, "mapping the job's file");
	}
	body = job->file + job->body_at;
	job->text = body;
	job->text_len = job->head.length;
	if (strcmp(job->head.type, HEAD_TYPE_FORM) == 0) {
		if (form_field(
			&job->form, body, job->text_len, "payload", err) == -1)
			return -1;
		job->text = job->form.data;
		job->text_len = job->form.len;
	}
	return json_parse(&job->payload, job->text, job->text_len, err);
}

/* Says who will look at this event. 0, or -1 where nobody can. */
static int
route(struct job *job, const struct event_row **row, struct err *err)
{
	struct step *step = step_start(&job->log, "webhook_routing");
	size_t wanted;

	step_data(step, "event_type", job->head.event);
	if (*job->head.action != '\0')
		step_data(step, "action", job->head.action);
	if (read_payload(job, err) == -1) {
		step_fail(step, err);
		return -1;
	}
	*row = event_row_find(&job->head);
	wanted = hooks_wanted(job);
	step_data(step, "handler", *row != NULL ? (*row)->event : "none");
	step_data_int(step, "hooks", (int64_t)wanted);
	step_complete(step);
	if (*row == NULL && wanted == 0)
		steplog_note(&job->log, "no handler and no hook wants this");
	else
		reporting_begin(job);
	return 0;
}

int
job_fail(struct job *job, int code, struct err *err)
{
	err_wait_for_permission(err);
	return job_worse(job, code, err_exit_code(err->class), err->text);
}

int
job_run(struct job *job)
{
	const struct event_row *row = NULL;
	struct err err = { 0 };
	int code = EXIT_DONE;

	if (route(job, &row, &err) == -1) {
		code = job_fail(job, code, &err);
	} else {
		if (row != NULL && row->handle(job, &err) == -1)
			code = job_fail(job, code, &err);
		code = hooks_run(job, code);
	}
	if (code != EXIT_DONE)
		report_reason(job->reason);
	return code;
}
