/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/comment.h"
#include "agent/context.h"
#include "agent/environment.h"
#include "agent/message.h"
#include "agent/programs.h"
#include "agent/work.h"
#include "clock.h"
#include "config.h"
#include "exec/command.h"
#include "filetree.h"
#include "fsio.h"
#include "git/workspace.h"
#include "hook.h"
#include "log.h"
#include "worker/command_step.h"
#include "worker/history.h"
#include "worker/job.h"

#define CONTEXT_MAX (16u * 1024 * 1024) /* bytes; comments are most of it */
#define TAIL_MAX    6000		/* bytes of output in a comment */
#define PROBE	    (10 * CLOCK_SECOND)
#define READABLE    64 /* paths, at most */

/* One run of one of the two commands. */
struct program {
	const char *const *argv;
	const char *name; /* of its step */
	const char *readable[READABLE + 2];
	struct command_limits limits;
	int stdin_fd;
	struct step *step;
	struct command_result result;
};

/* What the sandbox shows: the mirror's objects, and what was asked for. */
static void
list_readable(const char *list[READABLE + 2], const struct work *w)
{
	const char *const *given = w->options.readable;
	size_t n = 0;

	for (; given != NULL && given[n] != NULL && n < READABLE; n++)
		list[n] = given[n];
	list[n] = workspace_objects(w->checkout.workspace);
	list[n + 1] = NULL;
}

static void
start_program(struct program *p, struct work *w)
{
	list_readable(p->readable, w);
	buf_init(&p->result.tail, 0);
	p->limits = (struct command_limits){ .timeout = w->options.timeout,
		.disk_max =
		    config_size(w->job->config, NULL, "workspace.job-bytes") };
	p->step = step_start(&w->job->log, p->name);
	step_data_int(p->step, "round", w->round);
}

static void
end_program(struct program *p)
{
	fs_close(&p->stdin_fd);
	command_result_release(&p->result);
}

static int
run_program(struct work *w, struct program *p, struct err *err)
{
	const struct config *config = w->job->config;
	char **env = NULL;
	struct command c = {
		.argv = p->argv,
		.scratch = w->scratch.path,
		.cwd = workspace_path(w->checkout.workspace),
		.stdin_fd = p->stdin_fd,
		.cancel_fd = w->job->cancel_fd,
		.timeout = p->limits.timeout,
		.grace = config_duration(config, NULL, "stop-grace"),
		.level = w->level,
		.network = w->options.network,
		.writable = w->options.writable,
		.readable = p->readable,
		.disk_max = p->limits.disk_max,
		.output_max = config_size(config, NULL, "max-output"),
		.log = &w->job->log,
		.step = p->name,
	};
	int rc;

	if (environment_make(&env, w, err) == -1)
		return -1;
	c.cancel_grace = c.grace / 2;
	c.env = (const char *const *)env;
	rc = command_run(&p->result, &c, err);
	hook_argv_free(env);
	if (rc == 0)
		command_step(p->step, p->argv[0], &p->result);
	return rc;
}

/* ---- before ---- */

/* Whether bubblewrap works here is known only by trying. */
static int
strict_works(struct work *w)
{
	static const char *const argv[] = { "true", NULL };
	struct command c = { .argv = argv,
		.scratch = w->scratch.path,
		.stdin_fd = -1,
		.cancel_fd = -1,
		.timeout = PROBE,
		.grace = CLOCK_SECOND,
		.level = LEVEL_STRICT };
	struct command_result result = { 0 };
	struct err err;
	int works;

	if (command_run(&result, &c, &err) == -1) {
		steplog_note(&w->job->log,
		    "no strict sandbox on this machine (%s): limits is used, "
		    "which hides no file and no network from the commands",
		    err.text);
		return 0;
	}
	works = result.exit_code == 0;
	command_result_release(&result);
	return works;
}

static enum sandbox_level
choose_level(struct work *w)
{
	static const enum sandbox_level levels[] = { LEVEL_NONE, LEVEL_LIMITS,
		LEVEL_STRICT };

	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		if (strcmp(w->options.sandbox, sandbox_name(levels[i])) == 0)
			return levels[i];
	}
	return strict_works(w) ? LEVEL_STRICT : LEVEL_LIMITS;
}

int
programs_prepare(struct work *w, struct err *err)
{
	if (scratch_make(&w->scratch, w->checkout.data, w->job->head.id, err) ==
	    -1)
		return -1;
	if (snprintf(w->message_file, sizeof w->message_file, "%s/message",
		w->scratch.path) >= (int)sizeof w->message_file)
		return err_set(err, ERR_CONF, 0, "the path is too long");
	w->level = choose_level(w);
	return 0;
}

void
programs_release(struct work *w)
{
	struct err err;

	if (scratch_remove(&w->scratch, &err) == -1)
		steplog_note(&w->job->log, "scratch directory: %s", err.text);
}

/* Anew for each program: the one before it could have written to it. */
static int
give_context(struct work *w, int *fd, struct err *err)
{
	struct buf comments, context;
	int rc = 0;

	buf_init(&comments, CONTEXT_MAX);
	buf_init(&context, CONTEXT_MAX);
	if (w->options.comments)
		rc = comments_read(&comments, w, err);
	if (rc == 0)
		rc = context_write(&context, w, comments.data, err);
	if (rc == 0 && w->context_file[0] != '\0')
		rc = filetree_remove(AT_FDCWD, w->context_file, err);
	if (rc == 0)
		rc = scratch_file(w->context_file, &w->scratch, "context.json",
		    context.data, context.len, err);
	buf_release(&comments);
	buf_release(&context);
	if (rc == 0) {
		*fd = open(w->context_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (*fd == -1)
			rc = err_sys(err, "the job's context");
	}
	return rc;
}

/* ---- the command that works ---- */

/* How often it has failed by its own fault in earlier attempts. */
static int64_t
earlier_failures(struct work *w, const char *step)
{
	struct history past = { 0 };
	const struct history_row *row;
	struct err ignored;
	int64_t tries = 0;

	if (w->job->spool == NULL || !w->job->options->attempt_given ||
	    history_read(&past, w->job->spool, w->job->head.id, &ignored) == -1)
		return 0;
	row = history_of(&past, step);
	if (row != NULL)
		tries = row->tries;
	history_release(&past);
	return tries;
}

static void
say_failure(
    struct work *w, const struct command_result *result, const char *what)
{
	buf_addf(&w->say, "The command that works on this issue failed: %s.\n",
	    what);
	if (result->tail.len == 0)
		return;
	buf_adds(&w->say, "\nThe end of its output:\n\n");
	work_put_block(&w->say, command_excerpt(&result->tail, TAIL_MAX));
}

static int
fail_agent(struct work *w, struct step *step,
    const struct command_result *result, struct err *err)
{
	int64_t left =
	    w->options.retries - earlier_failures(w, "agent_command");

	if (err->class == ERR_PERM && left > 0) {
		err->class = ERR_TEMP;
		step_data_int(step, "retries_left", left);
	}
	if (err->class == ERR_PERM) {
		step_data_bool(step, "final", 1);
		say_failure(w, result, err->text);
	}
	step_fail(step, err);
	return err_prefix(err, "agent_command");
}

int
program_agent(struct work *w, struct err *err)
{
	struct program p = { .argv = w->options.command,
		.name = "agent_command",
		.stdin_fd = -1 };
	int rc;

	start_program(&p, w);
	rc = give_context(w, &p.stdin_fd, err);
	if (rc == 0)
		rc = run_program(w, &p, err);
	if (rc == 0) {
		step_data_bool(p.step, "network",
		    w->options.network || w->level != LEVEL_STRICT);
		rc = command_judge(&p.result, &p.limits, err);
	}
	if (rc == -1)
		rc = fail_agent(w, p.step, &p.result, err);
	else
		step_complete(p.step);
	end_program(&p);
	return rc;
}

void
program_message(struct buf *out, const struct work *w)
{
	char text[MESSAGE_FILE_MAX + 4096];
	struct buf file;
	struct err ignored;
	size_t len;

	buf_init(&file, MESSAGE_FILE_MAX);
	/* Not there, not a file, too long: there is no message. */
	if (fs_read_file(&file, AT_FDCWD, w->message_file, &ignored) == 0 &&
	    strlen(file.data) == file.len) {
		memcpy(text, file.data, file.len + 1);
		len = redact(text, file.len, sizeof text - 1);
		buf_add(out, text, len);
	}
	buf_release(&file);
}

/* ---- the command that tests ---- */

static void
take_verdict(struct work *w, const struct program *p)
{
	struct err how = { 0 };

	w->test.ran = 1;
	w->test.passed = command_judge(&p->result, &p->limits, &how) == 0;
	snprintf(w->test.how, sizeof w->test.how, "%.110s",
	    w->test.passed ? "passed" : how.text);
	buf_reset(&w->test.output);
	buf_adds(&w->test.output, p->result.tail.data);
}

int
program_test(struct work *w, struct err *err)
{
	struct program p = {
		.argv = w->options.test, .name = "test_command", .stdin_fd = -1
	};
	int rc;

	start_program(&p, w);
	rc = run_program(w, &p, err);
	/* Neither is a verdict on the work. */
	if (rc == 0 && (p.result.cancelled || p.result.disk_over > 0))
		rc = command_judge(&p.result, &p.limits, err);
	if (rc == -1 && err->class == ERR_PERM)
		buf_addf(&w->say, "The test command failed: %s.\n", err->text);
	if (rc == 0) {
		take_verdict(w, &p);
		step_data_bool(p.step, "passed", w->test.passed);
		step_complete(p.step);
	} else {
		step_fail(p.step, err);
	}
	end_program(&p);
	return rc;
}
