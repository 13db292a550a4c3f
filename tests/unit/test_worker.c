/* SPDX-License-Identifier: MIT */
/*
 * The worker as its runner starts it: a spool file on standard input, a
 * configuration, a spool; then its exit code and the job's step log.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "buf.h"
#include "clock.h"
#include "digest.h"
#include "err.h"
#include "filetree.h"
#include "fsio.h"
#include "head.h"
#include "spool.h"

#define DELIVERY "72d3162e-cc78-11e3-81ab-4c9367dc0958"
#define JOB_ID	 "7-" DELIVERY
#define SECRET	 "It's a Secret to Everybody"

static char top[64], config_path[128], spool_path[128], program[1024];

static int
make_top(void **state)
{
	struct spool *s;
	struct err err;

	(void)state;
	strcpy(top, "/tmp/worker-test-XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	snprintf(config_path, sizeof config_path, "%s/config.yaml", top);
	snprintf(spool_path, sizeof spool_path, "%s/spool", top);
	if (spool_open(&s, spool_path, 1, &err) == -1) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	spool_close(s);
	return 0;
}

static int
remove_top(void **state)
{
	struct err err;

	(void)state;
	return filetree_remove(AT_FDCWD, top, &err);
}

static const char *
in_top(const char *name)
{
	static char path[4][256];
	static unsigned turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof path[turn], "%s/%s", top, name);
	return path[turn];
}

static void
write_file(const char *name, const void *bytes, size_t len)
{
	int fd = open(in_top(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct err err;

	assert_int_not_equal(fd, -1);
	assert_int_equal(fs_write_all(fd, bytes, len, &err), 0);
	close(fd);
}

/* The text of a file under the test's directory; static, "" if missing. */
static const char *
read_back(const char *name)
{
	static struct buf texts[2];
	static unsigned turn;
	struct buf *text = &texts[++turn % 2];
	struct err err;

	buf_release(text);
	buf_init(text, 1 << 24);
	if (access(in_top(name), F_OK) == 0)
		assert_int_equal(
		    fs_read_file(text, AT_FDCWD, in_top(name), &err), 0);
	return text->data;
}

static const char *
step_log(void)
{
	return read_back("spool/log/jobs/" JOB_ID ".jsonl");
}

static void
forget_log(void)
{
	unlink(in_top("spool/log/jobs/" JOB_ID ".jsonl"));
	unlink(in_top("ran"));
}

struct event {
	const char *event, *action, *type, *body;
};

static void
write_job(const struct event *e)
{
	struct job_head head = { .number = 7, .received = clock_wall() };
	size_t len = strlen(e->body);
	struct buf file;
	struct err err = { 0 };

	strcpy(head.id, JOB_ID);
	strcpy(head.delivery, DELIVERY);
	strcpy(head.request_id, DELIVERY);
	strcpy(head.hook_id, "-");
	strcpy(head.repository, "octo/hello");
	strcpy(head.key, "octo/hello#7");
	strcpy(head.sender, "octocat");
	strcpy(head.peer, "192.0.2.7");
	strcpy(head.event, e->event);
	strcpy(head.action, e->action != NULL ? e->action : "");
	strcpy(head.type, e->type != NULL ? e->type : HEAD_TYPE_JSON);
	head.length = len;
	assert_int_equal(digest_of(head.sha256, e->body, len, &err), 0);
	buf_init(&file, 1 << 25);
	if (head_format(&file, &head, 0, &err) == -1)
		fail_msg("%s", err.text);
	buf_add(&file, e->body, len);
	write_file("job", file.data, file.len);
	buf_release(&file);
}

static void
write_config(const char *hooks)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	buf_addf(&text,
	    "data-directory: %s\nwebhook-secret: %s\n"
	    "stop-grace: 2s\nhooks:%s\n",
	    top, SECRET, hooks);
	write_file("config.yaml", text.data, text.len);
	buf_release(&text);
}

static pid_t
start_worker(const char *const *argv)
{
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		int in = open(in_top("job"), O_RDONLY);
		int errors =
		    open(in_top("stderr"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

		if (dup2(in, 0) == -1 || dup2(errors, 2) == -1)
			_exit(98);
		execv(program, (char *const *)(uintptr_t)argv);
		_exit(99);
	}
	return pid;
}

static int
end_worker(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int
run_attempt(const char *attempt)
{
	const char *argv[] = { "job-worker", "--config", config_path,
		"--attempt", attempt, NULL };

	return end_worker(start_worker(argv));
}

static void
must_hold(const char *why, const char *text, const char *part)
{
	if (part != NULL && strstr(text, part) == NULL)
		fail_msg(
		    "%s: no %s in\n%s%s", why, part, text, read_back("stderr"));
}

/* ---- one run a row ---- */

#define SH "\n- {name: h, command: [/bin/sh, -c, "
#define PUSH                                                                   \
	"{\"ref\":\"refs/heads/"                                               \
	"main\",\"after\":\"0123\",\"n\":9007199254740993,"                    \
	"\"repository\":{\"full_name\":\"octo/hello\"}}"

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
	    0, { "\"text\":\"101\"", NULL, NULL } },
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
	    0, { "\"key\":\"deploy-octo/hello\"", "\"waited_ms\":0", NULL } },
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

/* ---- attempts ---- */

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
an_operators_retry_gives_failed_hooks_a_chance(void **state)
{
	static const char settled[] = "{\"event\":\"settled\",\"step\":\"\"}\n";
	const struct event push = { "push", NULL, NULL, PUSH };
	char hooks[512];
	int fd;

	(void)state;
	forget_log();
	write_job(&push);
	snprintf(hooks, sizeof hooks,
	    "\n- {name: good, command: [sh, -c, 'echo good >> %s']}"
	    "\n- {name: bad, command: [sh, -c, 'echo bad >> %s; exit 3']}",
	    in_top("ran"), in_top("ran"));
	write_config(hooks);
	assert_int_equal(run_attempt("0"), 100);
	fd = open(
	    in_top("spool/log/jobs/" JOB_ID ".jsonl"), O_WRONLY | O_APPEND);
	assert_int_equal(
	    write(fd, settled, sizeof settled - 1), sizeof settled - 1);
	close(fd);
	assert_int_equal(run_attempt("1"), 100);
	assert_string_equal(read_back("ran"), "good\nbad\nbad\n");
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
wait_for_text(const char *text)
{
	int64_t deadline = clock_mono() + 10 * CLOCK_SECOND;

	while (strstr(step_log(), text) == NULL) {
		if (clock_mono() > deadline)
			fail_msg("no %s in\n%s", text, step_log());
		(void)poll(NULL, 0, 10);
	}
}

static void
term_stops_the_command_and_keeps_its_output(void **state)
{
	const struct event push = { "push", NULL, NULL, PUSH };
	const char *argv[] = { "job-worker", "--config", config_path,
		"--attempt", "0", NULL };
	int64_t began;
	pid_t pid;

	(void)state;
	forget_log();
	write_job(&push);
	write_config(SH "\"trap '' TERM; setsid sleep 4721 & echo begun; "
			"while :; do sleep 4721; done\"]}"
			"\n- {name: next, command: [echo, never]}");
	pid = start_worker(argv);
	wait_for_text("\"text\":\"begun\"");
	began = clock_mono();
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(end_worker(pid), 111);
	assert_true(clock_mono() - began < 2 * CLOCK_SECOND);
	must_hold("stopped", step_log(), "told to stop");
	must_hold("stopped", step_log(), "\"output\":\"begun\\n\"");
	assert_null(strstr(step_log(), "never"));
	assert_int_not_equal(
	    system("grep -qszxF 4721 /proc/[1-9]*/cmdline"), 0);
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
		cmocka_unit_test(events_are_worked_on),
		cmocka_unit_test(a_torn_file_fails_for_good),
		cmocka_unit_test(a_broken_configuration_means_try_again),
		cmocka_unit_test(without_a_spool_steps_go_to_standard_error),
		cmocka_unit_test(completed_hooks_run_once),
		cmocka_unit_test(
		    an_operators_retry_gives_failed_hooks_a_chance),
		cmocka_unit_test(only_the_commands_own_failures_cost_retries),
		cmocka_unit_test(term_stops_the_command_and_keeps_its_output),
		cmocka_unit_test(a_held_key_is_waited_for),
		cmocka_unit_test(usage_errors_are_told_apart),
	};
	const char *build = getenv("HOOKSPOOL_BUILD");

	snprintf(program, sizeof program, "%s/job-worker",
	    build != NULL ? build : "build");
	return cmocka_run_group_tests(tests, make_top, remove_top);
}
