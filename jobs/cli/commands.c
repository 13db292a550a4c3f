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
	{ "list", "", "jobs that wait, run or are held", CLI_SPOOL, 0, 0,
	  list_options, NULL, cli_queue_list },
	{ "show", "ID", "all that is known of one job", CLI_SPOOL, 1, 1,
	  show_options, NULL, cli_queue_show },
	{ "retry", "ID...", "run waiting, held or dead jobs at once",
	  CLI_SPOOL, 1, -1, NULL, NULL, cli_queue_retry },
	{ "hold", "ID...", "keep waiting jobs from running", CLI_SPOOL, 1, -1,
	  NULL, NULL, cli_queue_hold },
	{ "release", "ID...", "let held jobs run", CLI_SPOOL, 1, -1, NULL,
	  NULL, cli_queue_release },
	{ "cancel", "ID...", "end jobs that wait or run", CLI_SPOOL, 1, -1,
	  NULL, NULL, cli_queue_cancel },
	{ "drop", "ID...", "remove settled jobs' files", CLI_SPOOL, 1, -1,
	  NULL, NULL, cli_queue_drop },
	{ NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const struct cli_command hook_commands[] = {
	{ "test", "FILE|ID", "which hooks an event would run, and why not "
			     "the others",
	  CLI_CONFIG | CLI_SPOOL, 1, 1, test_options, NULL, cli_hook_test },
	{ NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL },
};

const struct cli_command cli_commands[] = {
	{ "queue", "", "look at jobs and change what becomes of them", 0, 0,
	  0, NULL, queue_commands, NULL },
	{ "replay", "FILE|ID", "run a settled job or a spool file once more",
	  CLI_SPOOL, 1, 1, NULL, NULL, cli_replay },
	{ "logs", "", "records of settled jobs", CLI_SPOOL, 0, 0,
	  logs_options, NULL, cli_logs },
	{ "stats", "", "jobs by state, today's outcomes, disk space",
	  CLI_SPOOL, 0, 0, NULL, NULL, cli_stats },
	{ "hook", "", "try the configuration's hooks", 0, 0, 0, NULL,
	  hook_commands, NULL },
	{ "config", "", "check and show the configuration", 0, 0, 0, NULL,
	  cli_config_commands, NULL },
	{ "setup", "", "make a first configuration", 0, 0, 0, NULL,
	  cli_setup_commands, NULL },
	{ "doctor", "", "examine the installation", 0, 0, 0, doctor_options,
	  NULL, cli_doctor },
	{ "complete", "[WORD...]", "candidates for the shell's completion",
	  CLI_HIDDEN, 0, -1, NULL, NULL, cli_complete },
	{ NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL },
};
/* clang-format on */
