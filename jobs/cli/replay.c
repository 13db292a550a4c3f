/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cli/cli.h"
#include "cli/job_find.h"
#include "cli/screen.h"
#include "fsio.h"
#include "json.h"
#include "spool.h"
#include "steplog.h"

/*
 * `hookspool replay`: an event once more, under its own job ID, so that what
 * the first run left at GitHub is found again and not doubled.
 *
 * A settled job of this spool moves back to new/ as attempt 0. A spool file
 * from anywhere (a copy, another machine's) is verified and accepted like a
 * request, but for one thing: seen/ is told to forget the delivery and the
 * body first, since running it twice is what was asked for.
 */

struct replay {
	struct cli *cli;
	char id[JOB_ID_MAX];
	const char *how; /* a sentence for the operator */
};

static int replay_file(struct replay *r, const char *path);
static int replay_settled(struct replay *r, const struct job_ref *job);
static int accept_file(struct replay *r, struct job_head *head, int fd,
    size_t body_at, struct err *err);
static int copy_body(
    struct draft *d, int fd, size_t body_at, uint64_t len, struct err *err);
static int report(const struct replay *r);

/* A name with a slash, or of a file that is there, is a file. */
int
cli_replay(struct cli *cli)
{
	struct replay r = { .cli = cli };
	const char *what = cli->argv[0];
	struct job_ref job;
	int code;

	if (strchr(what, '/') != NULL || access(what, F_OK) == 0)
		return replay_file(&r, what);
	code = job_find(cli, what, &job);
	return code != 0 ? code : replay_settled(&r, &job);
}

/* The line that tells the worker to run again what an earlier run completed;
 * a retry has none and runs only what failed. */
static int
log_replay(struct spool *s, const struct job_head *head, struct err *err)
{
	struct steplog log;

	if (steplog_open(&log, s, head, 0, err) == -1)
		return -1;
	steplog_line(&log, "info", "replayed", NULL, NULL);
	steplog_close(&log);
	return 0;
}

static int
replay_settled(struct replay *r, const struct job_ref *job)
{
	struct job_head head;
	struct err err = { 0 };
	int rc;

	if (job->state != SPOOL_DONE && job->state != SPOOL_DEAD) {
		fprintf(stderr, "hookspool: %s: %s (in %s/)\n", job->name.id,
		    job->state == SPOOL_BAD ? "cannot be read"
					    : "is not settled yet",
		    spool_dir_name(job->state));
		return CLI_NO;
	}
	if (spool_read_head(
		r->cli->spool, job->state, &job->name, &head, &err) == -1 ||
	    log_replay(r->cli->spool, &head, &err) == -1)
		return cli_error(&err);
	rc = spool_rearm(r->cli->spool, job->state, &job->name, 0, &err);
	if (rc == -1)
		return cli_error(&err);
	if (rc == 1) {
		fprintf(stderr, "hookspool: %s: is no longer in %s/\n",
		    job->name.id, spool_dir_name(job->state));
		return CLI_NO;
	}
	snprintf(r->id, sizeof r->id, "%s", job->name.id);
	r->how = "the settled job is queued again";
	return report(r);
}

static int
replay_file(struct replay *r, const char *path)
{
	struct job_ref job = { 0 };
	struct job_head head;
	struct err err = { 0 };
	size_t body_at;
	int fd = -1, code;

	if (fs_open_read(&fd, AT_FDCWD, path, &err) == -1 ||
	    head_verify(&head, &body_at, fd, &err) == -1) {
		err_prefix(&err, "%.80s", path);
		code = cli_error(&err);
	} else if (spool_find(r->cli->spool, head.id, &job.state, &job.name,
		       &err) == 0) {
		code = replay_settled(r, &job);
	} else if (err.class != ERR_BAD) {
		code = cli_error(&err);
	} else if (accept_file(r, &head, fd, body_at, &err) == -1) {
		code = cli_error(&err);
	} else {
		code = report(r);
	}
	fs_close(&fd);
	return code;
}

static int
accept_file(struct replay *r, struct job_head *head, int fd, size_t body_at,
    struct err *err)
{
	enum accepted how = ACCEPTED_NEW;
	struct draft *d = NULL;
	int rc = -1;

	if (spool_draft_new(&d, r->cli->spool, err) == -1)
		return -1;
	if (copy_body(d, fd, body_at, head->length, err) == -1)
		goto out;
	if (spool_forget(r->cli->spool, head, err) == -1 ||
	    log_replay(r->cli->spool, head, err) == -1)
		goto out;
	if (draft_commit(d, head, &how, err) == -1)
		goto out;
	if (how != ACCEPTED_NEW) {
		err_set(err, ERR_TEMP, 0,
		    "%s: the same delivery came in just now", head->id);
		goto out;
	}
	snprintf(r->id, sizeof r->id, "%s", head->id);
	r->how = "the file is queued as a new job; that its delivery or body "
		 "may have been seen before was passed over";
	rc = 0;
out:
	draft_free(d);
	return rc;
}

static int
copy_body(
    struct draft *d, int fd, size_t body_at, uint64_t len, struct err *err)
{
	char chunk[65536];
	off_t at = (off_t)body_at;

	while (len > 0) {
		size_t want = len < sizeof chunk ? len : sizeof chunk, got;

		if (fs_pread_full(fd, chunk, want, at, &got, err) == -1 ||
		    draft_write(d, chunk, got, err) == -1)
			return -1;
		if (got < want)
			return err_set(err, ERR_BAD, 0,
			    "the file became shorter while it was read");
		len -= got;
		at += (off_t)got;
	}
	return 0;
}

static int
report(const struct replay *r)
{
	struct buf out;
	int code;

	if (!r->cli->json) {
		printf("%s: %s\n", r->id, r->how);
		return CLI_YES;
	}
	buf_init(&out, 4096);
	buf_addc(&out, '{');
	json_put_member(&out, "job_id", r->id);
	json_put_member(&out, "state", spool_dir_name(SPOOL_NEW));
	json_put_member(&out, "text", r->how);
	buf_addc(&out, '}');
	code = screen_document(&out);
	buf_release(&out);
	return code;
}
