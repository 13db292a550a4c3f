/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "exec/command.h"
#include "exec/scratch.h"
#include "fsio.h"
#include "git/workspace.h"
#include "hook.h"
#include "spool.h"
#include "utf8.h"
#include "worker/checkout.h"
#include "worker/command_step.h"
#include "worker/hook_run.h"
#include "worker/hook_variables.h"
#include "worker/hook_workspace.h"
#include "worker/job.h"

#define STEP_NAME_MAX (HOOK_NAME_MAX + 8)
#define LOCK_POLL_MIN 20   /* ms */
#define LOCK_POLL_MAX 1000 /* ms */

struct hook_run {
	struct job *job;
	const struct hook *hook;
	unsigned tries; /* that failed in earlier attempts */
	char step_name[STEP_NAME_MAX];
	struct step *step;
	struct checkout checkout;
	const char **readable; /* with the mirror's objects */
	const char *nothing;   /* why the command is not to run, or NULL */
	struct scratch scratch;
	char payload_path[SCRATCH_PATH_MAX];
	char **argv, **env;
	int stdin_fd, lock_fd;
	struct command_limits limits;
	struct command_result result;
};

/* ---- before the command ---- */

static int
give_scratch(struct hook_run *r, struct err *err)
{
	const struct job *job = r->job;
	const char *data = config_str(job->config, NULL, "data-directory");

	if (r->hook->sandbox == SANDBOX_STRICT)
		return scratch_make(&r->scratch, data, job->head.id, err);
	return scratch_take(&r->scratch, data, job->head.id, err);
}

static int
give_payload(struct hook_run *r, struct err *err)
{
	if (!r->hook->payload_file && !r->hook->payload_on_stdin)
		return 0;
	if (scratch_file(r->payload_path, &r->scratch, "payload.json",
		r->job->text, r->job->text_len, err) == -1)
		return -1;
	if (!r->hook->payload_on_stdin)
		return 0;
	r->stdin_fd = open(r->payload_path, O_RDONLY | O_CLOEXEC);
	if (r->stdin_fd == -1)
		return err_sys(err, "%.100s", r->payload_path);
	if (!r->hook->payload_file && unlink(r->payload_path) == -1)
		return err_sys(err, "%.100s", r->payload_path);
	return 0;
}

/* What the sandbox must show besides what the hook says. */
static int
make_readable(struct hook_run *r, struct err *err)
{
	const char *const *given = r->hook->readable;
	size_t n = 0;

	while (given != NULL && given[n] != NULL)
		n++;
	r->readable = calloc(n + 2, sizeof *r->readable);
	if (r->readable == NULL)
		return err_set(err, ERR_TEMP, 0, "hook: out of memory");
	for (size_t i = 0; i < n; i++)
		r->readable[i] = given[i];
	r->readable[n] = workspace_objects(r->checkout.workspace);
	return 0;
}

static int
give_workspace(struct hook_run *r, struct err *err)
{
	int rc;

	if (r->hook->workspace == WORKSPACE_NONE)
		return 0;
	rc = hook_workspace(&r->checkout, r->job, r->hook, &r->nothing, err);
	if (rc == 1)
		step_data(r->step, "ignored", r->nothing);
	return rc == 0 ? make_readable(r, err) : rc == 1 ? 0 : -1;
}

static int
prepare(struct hook_run *r, struct err *err)
{
	struct job *job = r->job;
	struct hook_given given = { 0 };

	if (hook_argv(&r->argv, r->hook, &job->head, job->payload, err) == -1 ||
	    give_workspace(r, err) == -1)
		return -1;
	if (r->nothing != NULL)
		return 0;
	if (give_scratch(r, err) == -1 || give_payload(r, err) == -1)
		return -1;
	if (r->hook->payload_file)
		given.payload_file = r->payload_path;
	if (r->checkout.workspace != NULL) {
		given.workspace = workspace_path(r->checkout.workspace);
		given.workspace_sha = r->checkout.sha;
	}
	return hook_variables(&r->env, job, r->hook, &given, err);
}

/* Waits with growing pauses; the lock has no queue of its own. */
static int
wait_for_lock(struct hook_run *r, const char *key, struct err *err)
{
	int64_t until = clock_boot() + r->hook->timeout;
	int pause = LOCK_POLL_MIN;

	for (;;) {
		struct pollfd cancel = { .fd = r->job->cancel_fd,
			.events = POLLIN };
		int rc = spool_lock_key(r->job->spool, key, &r->lock_fd, err);

		if (rc != 1)
			return rc;
		if (clock_boot() >= until)
			return err_set(err, ERR_TEMP, 0,
			    "another job has held %.80s all the time", key);
		if (poll(&cancel, 1, pause) == 1)
			return err_set(err, ERR_TEMP, 0, "told to stop");
		if (pause < LOCK_POLL_MAX)
			pause *= 2;
	}
}

static int
take_key(struct hook_run *r, struct err *err)
{
	struct buf key;
	int64_t began = clock_mono();
	int rc;

	if (r->hook->key == NULL || r->job->spool == NULL)
		return 0;
	buf_init(&key, 4096);
	buf_adds(&key, "hook:");
	hook_expand(&key, r->hook->key, &r->job->head, r->job->payload);
	rc = buf_check(&key, "the hook's key", err);
	if (rc == 0)
		rc = wait_for_lock(r, key.data, err);
	if (rc == 0) {
		step_data(r->step, "key", key.data + strlen("hook:"));
		step_data_int(
		    r->step, "waited_ms", (clock_mono() - began) / CLOCK_MSEC);
	}
	buf_release(&key);
	return rc;
}

/* ---- the command ---- */

static enum sandbox_level
level_of(const struct hook *hook)
{
	static const enum sandbox_level levels[] = {
		[SANDBOX_NONE] = LEVEL_NONE,
		[SANDBOX_LIMITS] = LEVEL_LIMITS,
		[SANDBOX_STRICT] = LEVEL_STRICT,
	};

	return levels[hook->sandbox];
}

static int
run_command(struct hook_run *r, struct err *err)
{
	const struct hook *hook = r->hook;
	const struct config *config = r->job->config;
	struct command c = {
		.scratch = r->scratch.path,
		.cwd = hook->working_directory,
		.stdin_fd = r->stdin_fd,
		.cancel_fd = r->job->cancel_fd,
		.timeout = r->limits.timeout,
		.grace = config_duration(config, NULL, "stop-grace"),
		.level = level_of(hook),
		.network = hook->network,
		.writable = hook->writable,
		.readable = r->readable != NULL ? r->readable : hook->readable,
		.output_max = config_size(config, NULL, "max-output"),
		.log = &r->job->log,
		.step = r->step_name,
	};

	if (r->checkout.workspace != NULL) {
		c.cwd = workspace_path(r->checkout.workspace);
		c.disk_max = r->limits.disk_max;
	}
	/* Our own runner waits stop-grace for us: leave time to tell. */
	c.cancel_grace = c.grace / 2;
	c.argv = (const char *const *)r->argv;
	c.env = (const char *const *)r->env;
	return command_run(&r->result, &c, err);
}

static int
do_command(struct hook_run *r, struct err *err)
{
	if (take_key(r, err) == -1)
		return -1;
	if (run_command(r, err) == -1) {
		r->scratch.kept = 0; /* something of it may live */
		return -1;
	}
	command_step(r->step, r->argv[0], &r->result);
	return command_judge(&r->result, &r->limits, err);
}

/* ---- after it ---- */

/* What is the machine's fault (ERR_TEMP) costs no retry. */
static int
end_step(struct hook_run *r, int rc, struct err *err)
{
	if (rc == 0) {
		step_complete(r->step);
		return EXIT_DONE;
	}
	err_wait_for_permission(err);
	if (err->class == ERR_PERM && r->tries < r->hook->retries) {
		err->class = ERR_TEMP;
		step_data_int(r->step, "retries_left",
		    (int64_t)(r->hook->retries - r->tries));
	}
	if (err->class != ERR_TEMP)
		step_data_bool(r->step, "final", 1);
	step_fail(r->step, err);
	(void)err_prefix(err, "hook %s", r->hook->name);
	return err_exit_code(err->class);
}

static void
clean_up(struct hook_run *r)
{
	struct err err;

	fs_close(&r->stdin_fd);
	fs_close(&r->lock_fd);
	hook_argv_free(r->argv);
	hook_argv_free(r->env);
	command_result_release(&r->result);
	checkout_close(&r->checkout);
	free(r->readable);
	if (scratch_remove(&r->scratch, &err) == -1)
		steplog_note(&r->job->log, "scratch directory: %s", err.text);
}

int
hook_run(struct job *job, const struct hook *hook, unsigned tries, int code)
{
	struct hook_run r = { .job = job,
		.hook = hook,
		.tries = tries,
		.limits = { .timeout = hook->timeout,
		    .disk_max =
			config_size(job->config, NULL, "workspace.job-bytes") },
		.stdin_fd = -1,
		.lock_fd = -1 };
	struct err err = { 0 };
	int rc, own;

	snprintf(r.step_name, sizeof r.step_name, "hook:%s", hook->name);
	buf_init(&r.result.tail, 0);
	r.step = step_start(&job->log, r.step_name);
	rc = prepare(&r, &err);
	if (rc == 0 && r.nothing == NULL)
		rc = do_command(&r, &err);
	own = end_step(&r, rc, &err);
	clean_up(&r);
	return job_worse(job, code, own, err.text);
}
