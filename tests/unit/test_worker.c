/* SPDX-License-Identifier: MIT */
/*
 * The worker as its runner starts it: what it makes of an event, a row each.
 * tests/unit/test_worker_attempts.c has what happens when it is not the first.
 */
#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "head.h"
#include "worker_fixture.h"

#define SH "\n- {name: h, command: [/bin/sh, -c, "

static const struct {
	const char *why;
	struct event event;
	const char *hooks;
	int exit_code;
	const char *holds[3];
} runs[] = {
	{ "ping is handled",
	    { "ping", NULL, NULL,
		"{\"zen\":\"Keep "
		"it\",\"hook_id\":30,\"hook\":{\"type\":\"App\","
		"\"events\":[\"push\",\"issues\"],\"config\":"
		"{\"insecure_ssl\":\"1\"}}}" },
	    " []", 0,
	    { "\"zen\":\"Keep it\"", "\"events\":2", "TLS certificates" } },
	{ "an issue without an issue job is left alone",
	    { "issues", "opened", NULL, "{\"issue\":{\"number\":7}}" }, " []",
	    0, { "\"ignored\":\"no_issue_job\"", NULL, NULL } },
	{ "an event nobody wants is done", { "fork", NULL, NULL, "{\"a\":1}" },
	    " []", 0,
	    { "\"handler\":\"none\"", "no handler and no hook", NULL } },
	{ "an unknown event can have hooks",
	    { "brand_new", NULL, NULL, "{\"a\":1}" }, SH "echo hi]}", 0,
	    { "\"step\":\"hook:h\"", "\"text\":\"hi\"", "\"exit_code\":0" } },
	{ "the step says what ran", { "push", NULL, NULL, PUSH },
	    SH "echo hi]}", 0,
	    { "\"command\":\"/bin/sh\"", "\"sandbox\":\"none\"",
		"\"output\":\"hi\\n\"" } },
	{ "a form's payload is decoded",
	    { "push", NULL, HEAD_TYPE_FORM,
		"payload=%7B%22ref%22%3A%22a+b%26c%22%7D&x=1" },
	    "\n- {name: h, stdin: payload, command: [cat]}", 0,
	    { "\"text\":\"{\\\"ref\\\":\\\"a b&c\\\"}\"", NULL, NULL } },
	{ "a form without payload fails for good",
	    { "push", NULL, HEAD_TYPE_FORM, "load=1" }, " []", 100,
	    { "step_failed", "bad_input", NULL } },
	{ "broken JSON fails for good", { "push", NULL, NULL, "{\"a\":1" },
	    " []", 100, { "step_failed", "bad_input", NULL } },
	{ "a lone surrogate is read as U+FFFD",
	    { "push", NULL, NULL, "{\"ref\":\"a\\ud83d\"}" },
	    "\n- {name: h, command: [printf, '%s', '{{ref}}']}", 0,
	    { "\"text\":\"a\xef\xbf\xbd\"", NULL, NULL } },
	{ "numbers of 64 bits stay exact", { "push", NULL, NULL, PUSH },
	    "\n- {name: h, command: [echo, 'n={{n}}']}", 0,
	    { "\"text\":\"n=9007199254740993\"", NULL, NULL } },
	{ "shell characters arrive as one argument",
	    { "push", NULL, NULL,
		"{\"ref\":\"refs/heads/$(touch ran);`id`|&\\n'\\\" *\"}" },
	    "\n- {name: h, command: [printf, '[%s]', '{{ref}}', end]}", 0,
	    { "\"text\":\"[refs/heads/$(touch ran);`id`|&\"",
		"\"text\":\"'\\\" *][end]\"", NULL } },
	{ "a value cannot become an option",
	    { "push", NULL, NULL, "{\"ref\":\"--upload-pack=evil\"}" },
	    "\n- {name: h, command: [echo, '{{ref}}']}", 100,
	    { "could be taken for an option", "\"final\":true", NULL } },
	{ "but may stand behind --", { "push", NULL, NULL, "{\"ref\":\"-x\"}" },
	    "\n- {name: h, command: [echo, --, '{{ref}}']}", 0,
	    { "\"text\":\"-- -x\"", NULL, NULL } },
	{ "values reach the environment", { "push", NULL, NULL, PUSH },
	    "\n- {name: h, environment: {A: 'x{{after}}y'}, command: [sh, -c, "
	    "'echo $A $HOOKSPOOL_REF $HOOKSPOOL_NUMBER $HOOKSPOOL_JOB_ID']}",
	    0, { "x0123y refs/heads/main 7 " JOB_ID, NULL, NULL } },
	{ "nothing of ours is in the environment", { "push", NULL, NULL, PUSH },
	    "\n- {name: h, command: [sh, -c, 'env | grep -c SENTINEL; "
	    "tr \"\\\\0\" \" \" < /proc/$PPID/cmdline | grep -c Secret; "
	    "true']}",
	    0, { "\"output\":\"0\\n0\\n\"", NULL, NULL } },
	{ "a pull request has a ref",
	    { "issue_comment", "created", NULL,
		"{\"issue\":{\"pull_request\":{}}}" },
	    SH "'echo $HOOKSPOOL_REF']}", 0,
	    { "\"text\":\"refs/pull/7/head\"", NULL, NULL } },
	{ "the payload is a private file", { "push", NULL, NULL, PUSH },
	    "\n- {name: h, payload-file: true, command: [sh, -c, "
	    "'stat -c %a $HOOKSPOOL_PAYLOAD $HOME; cat $HOOKSPOOL_PAYLOAD']}",
	    0,
	    { "\"text\":\"600\"", "\"text\":\"700\"",
		"\\\"after\\\":\\\"0123\\\"" } },
	{ "no file is left in the way of standard input",
	    { "push", NULL, NULL, PUSH },
	    "\n- {name: h, stdin: payload, command: [sh, -c, "
	    "'ls -A $HOME; wc -c']}",
	    0, { "\"output\":\"101\\n\"", NULL, NULL } },
	{ "a failed hook does not keep the next from running",
	    { "push", NULL, NULL, PUSH },
	    "\n- {name: a, command: ['false']}\n- {name: b, command: [echo, "
	    "x]}",
	    100, { "\"step\":\"hook:a\"", "exit code 1", "\"text\":\"x\"" } },
	{ "a retry outweighs a failure", { "push", NULL, NULL, PUSH },
	    "\n- {name: a, command: ['false']}\n"
	    "- {name: b, retries: 1, command: ['false']}",
	    111, { "\"final\":true", "\"retries_left\":1", NULL } },
	{ "a late command fails", { "push", NULL, NULL, PUSH },
	    "\n- {name: h, timeout: 200ms, command: [sleep, '60']}", 100,
	    { "timed out after 0.2 s", "\"timed_out\":true", NULL } },
	{ "a signal is told", { "push", NULL, NULL, PUSH },
	    SH "'kill -SEGV $$']}", 100,
	    { "ended by signal 11", "\"signal\":11", NULL } },
	{ "a missing program is a mistake of ours",
	    { "push", NULL, NULL, PUSH },
	    "\n- {name: h, retries: 5, command: [/nonexistent]}", 100,
	    { "No such file", "\"final\":true", NULL } },
	{ "strict sees neither spool nor configuration",
	    { "push", NULL, NULL, PUSH },
	    "\n- {name: h, sandbox: strict, payload-file: true, command: [sh, "
	    "-c, 'cat $HOOKSPOOL_PAYLOAD; echo; ls $HOME/../..']}",
	    0,
	    { "\"sandbox\":\"strict\"", "\"text\":\"scratch\"",
		"\"output_bytes\":110" } },
	{ "secrets are not logged", { "push", NULL, NULL, PUSH },
	    SH "\"echo It\\\\'s a Secret to Everybody\"]}", 0,
	    { "[redacted]", NULL, NULL } },
	{ "a key is held while the command runs", { "push", NULL, NULL, PUSH },
	    "\n- {name: h, key: 'deploy-{{repository.full_name}}', "
	    "command: ['true']}",
	    0, { "\"key\":\"deploy-octo/hello\"", "\"waited_ms\":", NULL } },
};

static void
events_are_worked_on(void **state)
{
	(void)state;
	assert_int_equal(setenv("SENTINEL", SECRET, 1), 0);
	for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
		int code;

		forget_log();
		write_config(runs[i].hooks);
		write_job(&runs[i].event);
		code = run_attempt("0");
		if (code != runs[i].exit_code)
			fail_msg("%s: exit %d\n%s%s", runs[i].why, code,
			    step_log(), read_back("stderr"));
		for (int k = 0; k < 3; k++)
			must_hold(runs[i].why, step_log(), runs[i].holds[k]);
		if (strstr(step_log(), SECRET) != NULL)
			fail_msg("%s: the secret is in the log", runs[i].why);
		if (access(in_top("scratch/" JOB_ID), F_OK) == 0)
			fail_msg(
			    "%s: the scratch directory is left", runs[i].why);
	}
}

/* ---- files that are no jobs, configurations that are none ---- */

static void
a_torn_file_fails_for_good(void **state)
{
	const struct event push = { "push", NULL, NULL, PUSH };
	struct stat st;

	(void)state;
	write_config(" []");
	write_job(&push);
	assert_int_equal(stat(in_top("job"), &st), 0);
	assert_int_equal(truncate(in_top("job"), st.st_size - 1), 0);
	assert_int_equal(run_attempt("0"), 100);
	write_file("job", "no job at all", 13);
	assert_int_equal(run_attempt("0"), 100);
	write_file("job", "", 0);
	assert_int_equal(run_attempt("0"), 100);
}

static void
a_broken_configuration_means_try_again(void **state)
{
	const struct event push = { "push", NULL, NULL, PUSH };
	const char *argv[] = { "job-worker", "--config", config_path, "--spool",
		spool_path, NULL };

	(void)state;
	forget_log();
	write_job(&push);
	write_config("\n- {name: h, comand: [x]}");
	assert_int_equal(end_worker(start_worker(argv)), 111);
	must_hold("configuration", step_log(), "\"step\":\"configuration\"");
	must_hold("configuration", step_log(), "comand");
	unlink(in_top("config.yaml"));
	assert_int_equal(end_worker(start_worker(argv)), 111);
}

static void
without_a_spool_steps_go_to_standard_error(void **state)
{
	const struct event push = { "push", NULL, NULL, PUSH };
	const char *argv[] = { "job-worker", "--config", config_path, NULL };
	static const char config[] = "data-directory: /nonexistent\n"
				     "webhook-secret: aaaaaaaaaaaaaaaaaaaa\n"
				     "hooks:\n- {name: h, command: [pwd]}\n";

	(void)state;
	forget_log();
	write_job(&push);
	write_file("config.yaml", config, sizeof config - 1);
	assert_int_equal(end_worker(start_worker(argv)), 0);
	must_hold("by hand", read_back("stderr"), "\"step\":\"hook:h\"");
	must_hold("by hand", read_back("stderr"), "\"text\":\"/tmp/hookspool-");
	assert_string_equal(step_log(), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_worked_on),
		cmocka_unit_test(a_torn_file_fails_for_good),
		cmocka_unit_test(a_broken_configuration_means_try_again),
		cmocka_unit_test(without_a_spool_steps_go_to_standard_error),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
