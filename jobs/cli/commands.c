/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

/* The whole command line as a table: see cli.h. */

/* clang-format off */
const struct cli_option cli_globals[] = {
	{ "config", "FILE", "configuration file" },
	{ "spool", "DIR", "spool directory, instead of the configuration's" },
	{ "json", NULL, "one JSON document instead of text" },
	{ "help", NULL, "this text" },
	{ "version", NULL, "print the version" },
	{ NULL, NULL, NULL },
};

static const struct cli_option list_options[] = {
	{ "state", "STATE", "new, run, retry, hold, done, dead, bad, active, "
			    "settled or all (default: active)" },
	{ "repo", "OWNER/NAME", "only jobs of this repository" },
	{ "limit", "N", "show at most N jobs, 0: all (default: 100)" },
	{ NULL, NULL, NULL },
};

static const struct cli_option show_options[] = {
	{ "payload", NULL, "print the body and nothing else" },
	{ NULL, NULL, NULL },
};

static const struct cli_option logs_options[] = {
	{ "delivery", "UUID", "only this delivery, or those that begin so" },
	{ "job", "ID", "only this job" },
	{ "repo", "OWNER/NAME", "only this repository" },
	{ "pr", "N", "only this issue or pull request" },
	{ "event", "NAME", "only this event, such as push" },
	{ "status", "STATUS", "only this outcome, such as failed" },
	{ "since", "TIME", "settled at or after: a time, a day, or 2h ago" },
	{ "until", "TIME", "settled at or before" },
	{ "limit", "N", "show the last N, 0: all (default: 100)" },
	{ "steps", NULL, "show each job's steps" },
	{ "follow", NULL, "wait for more; with --job: its steps as they "
			  "happen, until it settles" },
	{ NULL, NULL, NULL },
};

static const struct cli_option test_options[] = {
	{ "event", "NAME", "the file is a bare payload of this event" },
	{ NULL, NULL, NULL },
};

static const struct cli_option doctor_options[] = {
	{ "url", "URL", "post 25 MB through the web server at this address" },
	{ NULL, NULL, NULL },
};

static const struct cli_command queue_commands[] = {
	{ .name = "list", .args = "",
	  .help = "jobs that wait, run or are held",
	  .needs = CLI_SPOOL,
	  .options = list_options, .run = cli_queue_list },
	{ .name = "show", .args = "ID",
	  .help = "all that is known of one job",
	  .needs = CLI_SPOOL, .least = 1, .most = 1,
	  .options = show_options, .run = cli_queue_show },
	{ .name = "retry", .args = "ID...",
	  .help = "run waiting, held or dead jobs at once",
	  .needs = CLI_SPOOL, .least = 1, .most = -1,
	  .run = cli_queue_retry },
	{ .name = "hold", .args = "ID...",
	  .help = "keep waiting jobs from running",
	  .needs = CLI_SPOOL, .least = 1, .most = -1,
	  .run = cli_queue_hold },
	{ .name = "release", .args = "ID...",
	  .help = "let held jobs run",
	  .needs = CLI_SPOOL, .least = 1, .most = -1,
	  .run = cli_queue_release },
	{ .name = "cancel", .args = "ID...",
	  .help = "end jobs that wait or run",
	  .needs = CLI_SPOOL, .least = 1, .most = -1,
	  .run = cli_queue_cancel },
	{ .name = "drop", .args = "ID...",
	  .help = "remove settled jobs' files",
	  .needs = CLI_SPOOL, .least = 1, .most = -1,
	  .run = cli_queue_drop },
	{ .name = NULL },
};

static const struct cli_option status_list_options[] = {
	{ "result", "RESULT", "only these: pending, reported, refused, expired "
			      "or superseded" },
	{ NULL, NULL, NULL },
};

static const struct cli_option status_retry_options[] = {
	{ "failed", NULL, "all that were refused or expired" },
	{ NULL, NULL, NULL },
};

static const struct cli_command status_commands[] = {
	{ .name = "list", .args = "",
	  .help = "jobs' commit statuses and what became of them",
	  .needs = CLI_SPOOL, .options = status_list_options,
	  .run = cli_status_list },
	{ .name = "show", .args = "ID",
	  .help = "all that is known of one",
	  .needs = CLI_SPOOL, .least = 1, .most = 1,
	  .run = cli_status_show },
	{ .name = "retry", .args = "[ID...]",
	  .help = "send them again, unless GitHub has them",
	  .needs = CLI_SPOOL, .most = -1,
	  .options = status_retry_options, .run = cli_status_retry },
	{ .name = "clear", .args = "ID...",
	  .help = "forget what was sent, and send anew without asking",
	  .needs = CLI_SPOOL, .least = 1, .most = -1,
	  .run = cli_status_clear },
	{ .name = NULL },
};

static const struct cli_command hook_commands[] = {
	{ .name = "test", .args = "FILE|ID",
	  .help = "which hooks an event would run, and why not the others",
	  .needs = CLI_CONFIG | CLI_SPOOL, .least = 1, .most = 1,
	  .options = test_options, .run = cli_hook_test },
	{ .name = NULL },
};

const struct cli_command cli_commands[] = {
	{ .name = "queue", .args = "",
	  .help = "look at jobs and change what becomes of them",
	  .sub = queue_commands },
	{ .name = "replay", .args = "FILE|ID",
	  .help = "run a settled job or a spool file once more",
	  .needs = CLI_SPOOL, .least = 1, .most = 1,
	  .run = cli_replay },
	{ .name = "logs", .args = "",
	  .help = "records of settled jobs",
	  .needs = CLI_SPOOL,
	  .options = logs_options, .run = cli_logs },
	{ .name = "status", .args = "",
	  .help = "commit statuses: look, and send again",
	  .sub = status_commands },
	{ .name = "stats", .args = "",
	  .help = "jobs by state, today's outcomes, disk space",
	  .needs = CLI_SPOOL, .run = cli_stats },
	{ .name = "hook", .args = "",
	  .help = "try the configuration's hooks",
	  .sub = hook_commands },
	{ .name = "config", .args = "",
	  .help = "check and show the configuration",
	  .sub = cli_config_commands },
	{ .name = "setup", .args = "",
	  .help = "make a first configuration",
	  .sub = cli_setup_commands },
	{ .name = "doctor", .args = "",
	  .help = "examine the installation",
	  .options = doctor_options, .run = cli_doctor },
	{ .name = "complete", .args = "[WORD...]",
	  .help = "candidates for the shell's completion",
	  .needs = CLI_HIDDEN, .most = -1, .run = cli_complete },
	{ .name = NULL },
};
/* clang-format on */
