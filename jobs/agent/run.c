/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "agent/active.h"
#include "agent/branch.h"
#include "agent/comment.h"
#include "agent/message.h"
#include "agent/programs.h"
#include "agent/pull.h"
#include "agent/run.h"
#include "agent/trigger.h"
#include "agent/work.h"
#include "config.h"
#include "git/guard.h"
#include "git/publish.h"
#include "git/workspace.h"
#include "github/client.h"
#include "worker/job.h"

#define MESSAGE_MAX 65536 /* bytes of a commit's message */
#define SAY_MAX	    60000 /* bytes of a comment */
#define LISTED_MAX  8000  /* bytes of the changes that are not allowed */
#define OUTPUT_MAX  (1u << 26)

#define ENDED 1 /* a step's answer: nothing more to do, and that is well */

/* ---- the steps ---- */

static int
fetch(struct work *w, struct err *err)
{
	if (checkout_client(&w->checkout, err) == -1)
		return -1;
	if (!github_usable(w->checkout.gh))
		return err_set(err, ERR_CONF, 0,
		    "issue-job needs github-tokens or a GitHub App");
	return checkout_fetch(&w->checkout, NULL, NULL, err);
}

static int
check_out(struct work *w, struct err *err)
{
	return checkout_make(
	    &w->checkout, w->resumed ? w->commit : w->base, err);
}

static int
make_branch(struct work *w, struct err *err)
{
	struct step *step = step_start(&w->job->log, "branch_created");

	step_data(step, "branch", w->branch);
	step_data(step, "target_branch", w->target);
	step_data(step, "base", w->base);
	step_data(step, "remote",
	    w->resumed	? "has this job's commit"
	    : w->exists ? "reused"
			: "new");
	if (workspace_branch(w->checkout.workspace, w->branch, err) == -1) {
		step_fail(step, err);
		return -1;
	}
	step_complete(step);
	return 0;
}

/* Compares the files with the base; w->changes. */
static int
look(struct work *w, struct err *err)
{
	struct publish_options options = { .job_id = w->job->head.id,
		.workspace = workspace_path(w->checkout.workspace),
		.base = w->base };

	publish_close(w->publication);
	w->publication = NULL;
	if (publish_open(&w->publication, w->checkout.data, w->checkout.mirror,
		&options, err) == -1)
		return -1;
	return publish_changes(w->publication, &w->changes, &w->count, err);
}

static int
say_nothing_changed(struct work *w)
{
	struct buf own;

	buf_init(&own, MESSAGE_MAX);
	program_message(&own, w);
	buf_adds(&w->say, "The command that works on this issue ended without "
			  "changing a file, so there is no pull request.\n");
	if (own.len > 0) {
		buf_adds(&w->say, "\nIt says:\n\n");
		work_put_block(&w->say, own.data);
	}
	buf_release(&own);
	steplog_note(&w->job->log, "the command changed nothing");
	return ENDED;
}

static int
guard_paths(struct work *w, struct err *err)
{
	struct guard guard = { .allowed = w->options.allowed,
		.restricted = w->options.restricted,
		.max_files = w->options.max_files,
		.max_lines = w->options.max_lines };
	struct buf why;
	struct step *step;
	unsigned against;

	buf_init(&why, LISTED_MAX);
	against = guard_check(&guard, w->changes, w->count, &why);
	if (against == 0) {
		buf_release(&why);
		return 0;
	}
	step = step_start(&w->job->log, "path_guard");
	step_data_int(step, "against", against);
	step_data(step, "why", why.data);
	buf_adds(&w->say, "Nothing was pushed: the command changed what it "
			  "may not change.\n\n");
	work_put_block(&w->say, why.data);
	buf_release(&why);
	err_set(err, ERR_PERM, 0, "path guard: %u changes are not allowed",
	    against);
	step_fail(step, err);
	return -1;
}

/* Work, look, test; again while the test fails and rounds are left. */
static int
work_in_rounds(struct work *w, struct err *err)
{
	if (programs_prepare(w, err) == -1)
		return -1;
	for (w->round = 1;; w->round++) {
		if (program_agent(w, err) == -1 || look(w, err) == -1)
			return -1;
		if (w->count == 0)
			return say_nothing_changed(w);
		if (guard_paths(w, err) == -1)
			return -1;
		if (w->options.test == NULL)
			return 0;
		if (program_test(w, err) == -1)
			return -1;
		if (w->test.passed || w->round > w->options.rounds)
			return 0;
	}
}

static int
write_commit(struct work *w, struct err *err)
{
	struct publish_author author = { w->options.author_name,
		w->options.author_email };
	struct buf own;
	int rc;

	buf_init(&own, MESSAGE_MAX);
	program_message(&own, w);
	rc = message_write(&w->message, w, own.data, err);
	buf_release(&own);
	if (rc == -1)
		return -1;
	return publish_commit(
	    w->publication, w->base, &author, w->message.data, w->commit, err);
}

static int
commit(struct work *w, struct err *err)
{
	struct step *step = step_start(&w->job->log, "commit");

	step_data_int(step, "files", (int64_t)w->count);
	if (write_commit(w, err) == -1) {
		step_fail(step, err);
		return -1;
	}
	step_data(step, "sha", w->commit);
	step_complete(step);
	return 0;
}

static int
push(struct work *w, struct err *err)
{
	struct step *step = step_start(&w->job->log, "push");
	int rc;

	step_data(step, "branch", w->branch);
	step_data(step, "sha", w->commit);
	rc = git_source_token(&w->checkout.source, w->checkout.gh, err);
	if (rc == 0)
		rc = publish_push(w->publication, &w->checkout.source.mirror,
		    w->commit, w->branch, err);
	if (rc == 0) {
		step_complete(step);
		return 0;
	}
	if (err->class == ERR_PERM) {
		buf_adds(&w->say, "The work is done, but the branch could not "
				  "be pushed.\n\n");
		work_put_block(&w->say, err->text);
	}
	step_fail(step, err);
	return -1;
}

static int
propose(struct work *w, struct err *err)
{
	struct step *step = step_start(&w->job->log, "pull_request_created");

	if ((w->publication == NULL && look(w, err) == -1) ||
	    pull_put(w, step, err) == -1) {
		step_fail(step, err);
		return -1;
	}
	step_complete(step);
	return 0;
}

/* ---- the recipe ---- */

static const struct {
	int (*step)(struct work *w, struct err *err);
	int always; /* also where an earlier attempt has pushed already */
} recipe[] = {
	{ fetch, 1 },
	{ branch_choose, 1 },
	{ check_out, 1 },
	{ make_branch, 1 },
	{ work_in_rounds, 0 },
	{ commit, 0 },
	{ push, 0 },
	{ propose, 1 },
};

static int
do_work(struct work *w, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof recipe / sizeof *recipe; i++) {
		if (recipe[i].always || !w->resumed)
			rc = recipe[i].step(w, err);
	}
	return rc;
}

static int
put_comment(struct work *w, struct err *err)
{
	struct step *step = step_start(&w->job->log, "comment_created");

	if (comment_put(w, err) == -1) {
		step_fail(step, err);
		return -1;
	}
	step_complete(step);
	return 0;
}

/*
 * The issue hears of an end without a pull request. Where it cannot be told,
 * the job's record is the only place that does: it has failed then, also
 * where the command did well, and says so. It is not tried again for that:
 * the command would work anew.
 */
static int
tell_issue(struct work *w, int rc, struct err *end)
{
	struct err err;

	if (rc == 0 || (rc == -1 && end->class == ERR_TEMP))
		return rc;
	if (w->say.len == 0)
		buf_addf(&w->say,
		    "The job for this issue failed; the log of job `%s` says "
		    "why.\n",
		    w->job->head.id);
	if (w->checkout.gh == NULL || !github_usable(w->checkout.gh) ||
	    put_comment(w, &err) == 0)
		return rc;
	if (rc == -1) {
		struct err first = *end;

		return err_set(end, first.class, 0,
		    "%.110s; the issue was not told: %.60s", first.text,
		    err.text);
	}
	return err_set(end, ERR_PERM, 0,
	    "the command changed nothing; the issue was not told: %.120s",
	    err.text);
}

static int
end_work(struct work *w, int rc, struct err *end)
{
	struct err err;

	publish_close(w->publication);
	programs_release(w);
	rc = tell_issue(w, rc, end);
	if ((rc != -1 || end->class != ERR_TEMP) &&
	    active_ended(w->checkout.data, &w->job->head, &err) == -1)
		steplog_note(&w->job->log, "%s", err.text);
	checkout_close(&w->checkout);
	buf_release(&w->test.output);
	buf_release(&w->message);
	buf_release(&w->say);
	return rc == -1 ? -1 : 0;
}

static int
run(struct work *w, struct err *err)
{
	int rc;

	buf_init(&w->test.output, OUTPUT_MAX);
	buf_init(&w->message, MESSAGE_MAX);
	buf_init(&w->say, SAY_MAX);
	if (checkout_open(&w->checkout, w->job, err) == -1)
		return -1;
	rc = do_work(w, err);
	return end_work(w, rc, err);
}

static int
ignore(struct job *job, const char *reason, const char *by)
{
	struct step *step = step_start(&job->log, "issue_job");

	step_data(step, "ignored", reason);
	if (by != NULL)
		step_data(step, "active_job", by);
	step_complete(step);
	return 0;
}

int
agent_run(struct job *job, struct err *err)
{
	struct work w = { .job = job };
	char by[JOB_ID_MAX];
	const char *reason;
	int rc;

	if (agent_options_read(
		&w.options, job->config, job->head.repository, err) == -1)
		return -1;
	reason = trigger_ignored(&w.options, &job->head, job->payload);
	if (reason != NULL)
		rc = ignore(job, reason, NULL);
	else if (active_job(by, config_str(job->config, NULL, "data-directory"),
		     &job->head))
		rc = ignore(job, TRIGGER_ACTIVE, by);
	else
		rc = run(&w, err);
	agent_options_release(&w.options);
	return rc;
}
