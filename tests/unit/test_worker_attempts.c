/* SPDX-License-Identifier: MIT */
/*
 * The worker over several attempts of a job, told to stop, kept waiting, and
 * started wrongly.
 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "err.h"
#include "processes.h"
#include "spool.h"
#include "worker_fixture.h"

#define SH "\n- {name: h, command: [/bin/sh, -c, "

static unsigned
times(const char *text, const char *part)
{
	unsigned n = 0;

	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		n++;
	return n;
}

static void
completed_hooks_run_once(void **state)
{
	const struct event push = { "push", NULL, NULL, PUSH };
	char hooks[1024];

	(void)state;
	forget_log();
	write_job(&push);
	snprintf(hooks, sizeof hooks,
	    "\n- {name: good, command: [sh, -c, 'echo good >> %s']}"
	    "\n- {name: bad, retries: 2, command: [sh, -c, 'echo bad >> %s; "
	    "exit 3']}"
	    "\n- {name: final, command: [sh, -c, 'echo final >> %s; exit 4']}",
	    in_top("ran"), in_top("ran"), in_top("ran"));
	write_config(hooks);
	assert_int_equal(run_attempt("0"), 111);
	assert_string_equal(read_back("ran"), "good\nbad\nfinal\n");
	assert_int_equal(run_attempt("1"), 111);
	assert_string_equal(read_back("ran"), "good\nbad\nfinal\nbad\n");
	assert_int_equal(run_attempt("2"), 100);
	assert_string_equal(read_back("ran"), "good\nbad\nfinal\nbad\nbad\n");
	must_hold("retries", step_log(), "completed by an earlier attempt");
	must_hold("retries", step_log(), "failed for good in an earlier");
	assert_int_equal(times(step_log(), "\"step_failed\""), 4);
}

static void
operators_have_hooks_run_again(void **state)
{
	static const struct {
		const char *why, *line, *ran;
	} rows[] = {
		{ "a retry runs what failed", "{\"event\":\"settled\"}\n",
		    "good\nbad\nbad\n" },
		{ "a replay runs everything", "{\"event\":\"replayed\"}\n",
		    "good\nbad\ngood\nbad\n" },
		{ "a torn line is none", "{\"event\":\"replayed\"\n",
		    "good\nbad\n" },
	};
	const struct event push = { "push", NULL, NULL, PUSH };
	char hooks[512];

	(void)state;
	write_job(&push);
	snprintf(hooks, sizeof hooks,
	    "\n- {name: good, command: [sh, -c, 'echo good >> %s']}"
	    "\n- {name: bad, command: [sh, -c, 'echo bad >> %s; exit 3']}",
	    in_top("ran"), in_top("ran"));
	write_config(hooks);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int fd;

		forget_log();
		assert_int_equal(run_attempt("0"), 100);
		fd = open(in_top("spool/log/jobs/" JOB_ID ".jsonl"),
		    O_WRONLY | O_APPEND);
		assert_int_equal(write(fd, rows[i].line, strlen(rows[i].line)),
		    strlen(rows[i].line));
		close(fd);
		assert_int_equal(run_attempt("0"), 100);
		if (strcmp(read_back("ran"), rows[i].ran) != 0)
			fail_msg("%s: %s", rows[i].why, read_back("ran"));
	}
}

/* Attempts that were interrupted leave a hook its retries. */
static void
only_the_commands_own_failures_cost_retries(void **state)
{
	const struct event push = { "push", NULL, NULL, PUSH };

	(void)state;
	forget_log();
	write_job(&push);
	write_config("\n- {name: h, retries: 1, command: ['false']}");
	assert_int_equal(run_attempt("5"), 111);
	assert_int_equal(run_attempt("6"), 100);
}

/* ---- being stopped ---- */

static void
term_stops_the_command_and_keeps_its_output(void **state)
{
	const struct event push = { "push", NULL, NULL, PUSH };
	const char *argv[] = { "job-worker", "--config", config_path,
		"--attempt", "0", NULL };
	char hooks[512], mark[24];
	int64_t began;
	pid_t pid;

	(void)state;
	forget_log();
	write_job(&push);
	snprintf(mark, sizeof mark, "4721.%d", getpid());
	snprintf(hooks, sizeof hooks,
	    SH "\"trap '' TERM; setsid sleep %s & echo begun; "
	       "while :; do sleep %s; done\"]}"
	       "\n- {name: next, command: [echo, never]}",
	    mark, mark);
	write_config(hooks);
	pid = start_worker(argv);
	wait_for_text("\"text\":\"begun\"");
	began = clock_mono();
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(end_worker(pid), 111);
	assert_true(clock_mono() - began < 2 * CLOCK_SECOND);
	must_hold("stopped", step_log(), "told to stop");
	must_hold("stopped", step_log(), "\"output\":\"begun\\n\"");
	assert_null(strstr(step_log(), "never"));
	assert_int_equal(processes_with_argument(mark), 0);
}

static void
a_held_key_is_waited_for(void **state)
{
	const struct event push = { "push", NULL, NULL, PUSH };
	const char *argv[] = { "job-worker", "--config", config_path,
		"--attempt", "0", NULL };
	struct spool *s;
	struct err err;
	pid_t pid;
	int lock;

	(void)state;
	forget_log();
	write_job(&push);
	write_config("\n- {name: h, key: k, command: [echo, now]}");
	assert_int_equal(spool_open(&s, spool_path, 0, &err), 0);
	assert_int_equal(spool_lock_key(s, "hook:k", &lock, &err), 0);
	pid = start_worker(argv);
	wait_for_text("\"step\":\"hook:h\"");
	(void)poll(NULL, 0, 100);
	assert_null(strstr(step_log(), "\"text\":\"now\""));
	close(lock);
	assert_int_equal(end_worker(pid), 0);
	must_hold("key", step_log(), "\"text\":\"now\"");
	spool_close(s);
}

/* A wrong command line is not a reason to settle or retry a job. */
static void
usage_errors_are_told_apart(void **state)
{
	static const char *const rows[][3] = {
		{ "--attempt", "x", NULL },
		{ "--attempt", "1000", NULL },
		{ "--nonsense", NULL, NULL },
		{ "file", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *argv[] = { "job-worker", rows[i][0], rows[i][1],
			NULL };

		assert_int_equal(end_worker(start_worker(argv)), 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(completed_hooks_run_once),
		cmocka_unit_test(operators_have_hooks_run_again),
		cmocka_unit_test(only_the_commands_own_failures_cost_retries),
		cmocka_unit_test(term_stops_the_command_and_keeps_its_output),
		cmocka_unit_test(a_held_key_is_waited_for),
		cmocka_unit_test(usage_errors_are_told_apart),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
