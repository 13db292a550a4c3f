/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "clock.h"
#include "exec/command.h"
#include "steplog.h"
#include "worker/command_step.h"

#define EXCERPT 4000 /* bytes of output in the step's own line */

const char *
command_excerpt(const struct buf *tail, size_t max)
{
	const char *text = tail->data, *line;

	if (tail->len > max) {
		text += tail->len - max;
		line = strchr(text, '\n');
		text = line != NULL ? line + 1 : text;
	}
	return text;
}

void
command_step(
    struct step *step, const char *program, const struct command_result *result)
{
	step_data(step, "command", program);
	step_data(step, "sandbox", sandbox_name(result->level));
	if (result->level == LEVEL_LIMITS)
		step_data_int(step, "landlock", result->landlock);
	if (result->signal != 0)
		step_data_int(step, "signal", result->signal);
	else
		step_data_int(step, "exit_code", result->exit_code);
	if (result->timed_out)
		step_data_bool(step, "timed_out", 1);
	if (result->disk_over > 0)
		step_data_int(
		    step, "workspace_bytes", (int64_t)result->disk_over);
	step_data_int(step, "command_ms", result->duration / CLOCK_MSEC);
	if (result->leftovers > 0)
		step_data_int(step, "left_running", result->leftovers);
	step_data_int(step, "output_bytes", (int64_t)result->bytes);
	step_data(step, "output", command_excerpt(&result->tail, EXCERPT));
}

int
command_judge(const struct command_result *result,
    const struct command_limits *limits, struct err *err)
{
	if (result->cancelled)
		return err_set(err, ERR_TEMP, 0, "told to stop");
	if (result->timed_out)
		return err_set(err, ERR_PERM, 0, "timed out after %.1f s",
		    (double)limits->timeout / (double)CLOCK_SECOND);
	if (result->disk_over > 0)
		return err_set(err, ERR_PERM, 0,
		    "the workspace takes %llu bytes, workspace.job-bytes "
		    "allows %llu",
		    (unsigned long long)result->disk_over,
		    (unsigned long long)limits->disk_max);
	if (result->signal != 0)
		return err_set(err, ERR_PERM, 0, "ended by signal %d (%s)",
		    result->signal, strsignal(result->signal));
	if (result->exit_code != 0)
		return err_set(
		    err, ERR_PERM, 0, "exit code %d", result->exit_code);
	return 0;
}
