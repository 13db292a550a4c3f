/* SPDX-License-Identifier: MIT */
/*
 * What a hook's command can reach that runs code of strangers: through the
 * real worker, with `sandbox: strict`, everything below is out of reach; with
 * `sandbox: none` the same script reads it all, or it would prove nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "worker_fixture.h"

#define WORKSPACE "another workspace's text"

/* what a line of the script prints where it gets through | the command */
static const struct {
	const char *what, *command;
} reached[] = {
	{ "READ-CONFIG", "test -r %1$s/config.yaml" },
	{ "READ-SPOOL", "ls %1$s/spool/log" },
	{ "READ-JOB", "ls %1$s/spool/run || ls %1$s/spool/new" },
	{ "READ-WORKSPACE", "test -r %1$s/workspaces/other/file" },
	{ "WRITE-WORKSPACE", "echo x >> %1$s/workspaces/other/file" },
	{ "WRITE-SPOOL", "echo x > %1$s/spool/ctl/planted" },
	{ "WRITE-OUTBOX", "echo x > %1$s/spool/out/planted" },
	{ "SEE-WORKER", "grep -qs job-worker /proc/[0-9]*/comm" },
};

#define ITEMS(a) (sizeof(a) / sizeof *(a))

/* The tests' directory is below /tmp, which is empty in the sandbox anyway:
 * what is shown is that nothing of it was put back. */
static void
run_script_at(const char *level)
{
	char hook[8192], script[4096] = "";
	char top[256];
	struct event push = { "push", NULL, NULL, PUSH };

	snprintf(top, sizeof top, "%s", in_top("."));
	for (size_t i = 0; i < ITEMS(reached); i++) {
		size_t used = strlen(script);
		char command[512];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(command, sizeof command, reached[i].command, top);
#pragma GCC diagnostic pop
		snprintf(script + used, sizeof script - used,
		    "if (%s) >/dev/null 2>&1; then echo %s; fi; ", command,
		    reached[i].what);
	}
	snprintf(hook, sizeof hook,
	    "\n- {name: h, sandbox: %s, command: [/bin/sh, -c, '%s echo "
	    "end-of-it; cat %s/config.yaml; env']}\n",
	    level, script, top);
	write_config(hook);
	write_job(&push);
	forget_log();
	assert_int_equal(run_attempt("0"), 0);
	must_hold(level, step_log(), "end-of-it");
}

static void
strict_reaches_nothing(void **state)
{
	(void)state;
	if (access("/usr/bin/bwrap", X_OK) == -1)
		skip();
	run_script_at("strict");
	for (size_t i = 0; i < ITEMS(reached); i++) {
		char line[64];

		snprintf(line, sizeof line, "\"text\":\"%s\"", reached[i].what);
		if (strstr(step_log(), line) != NULL)
			fail_msg("strict: %s", reached[i].what);
	}
	assert_null(strstr(step_log(), SECRET));
	assert_int_equal(access(in_top("spool/ctl/planted"), F_OK), -1);
	assert_int_equal(access(in_top("spool/out/planted"), F_OK), -1);
	assert_string_equal(read_back("workspaces/other/file"), WORKSPACE);
}

static void
without_it_everything_is_reached(void **state)
{
	(void)state;
	run_script_at("none");
	for (size_t i = 0; i < ITEMS(reached); i++) {
		char line[64];

		snprintf(line, sizeof line, "\"text\":\"%s\"", reached[i].what);
		must_hold("none", step_log(), line);
	}
	/* But what it printed of the secret is not in the log. */
	assert_null(strstr(step_log(), SECRET));
}

static int
set_up(void **state)
{
	int rc = make_top(state);

	mkdir(in_top("workspaces"), 0700);
	mkdir(in_top("workspaces/other"), 0700);
	write_file("workspaces/other/file", WORKSPACE, strlen(WORKSPACE));
	return rc;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict_reaches_nothing),
		cmocka_unit_test(without_it_everything_is_reached),
	};

	return cmocka_run_group_tests(tests, set_up, remove_top);
}
