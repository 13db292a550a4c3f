/* SPDX-License-Identifier: MIT */
/*
 * The one function that runs a program: what it gets, how it ends, and that
 * nothing of it is left. tests/unit/test_sandbox.c has the walls around it.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include <fcntl.h>
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

#include "clock.h"
#include "command_fixture.h"
#include "err.h"
#include "exec/command.h"
#include "processes.h"

#define SENTINEL "sentinel-secret-6f1d"

static char self[4096];

/* ---- how it ends ---- */

static const struct {
	const char *why, *script;
	int exit_code, signal;
	const char *tail;
} ends[] = {
	{ "success with output", "echo hello", 0, 0, "hello\n" },
	{ "both outputs are one stream", "echo a; echo b >&2; echo c", 0, 0,
	    "a\nb\nc\n" },
	{ "a failure's code is kept", "exit 7", 7, 0, "" },
	{ "a signal is told from a code", "kill -SEGV $$", -1, SIGSEGV, "" },
	{ "no newline at the end", "printf x", 0, 0, "x" },
	{ "standard input is empty", "cat; echo end", 0, 0, "end\n" },
	{ "the directory is the scratch one", "test \"$PWD\" = \"$HOME\"", 0, 0,
	    "" },
	{ "the session is its own", "test $(cut -d' ' -f6 /proc/$$/stat) = $$",
	    0, 0, "" },
	{ "no core dump", "ulimit -c", 0, 0, "0\n" },
	/* Signals 32 and 33 are glibc's own; its posix_spawn(), which make
	 * uses, leaves them ignored, and nobody else may touch them. */
	{ "signals are as at login",
	    "grep -E 'Sig(Ign|Blk)' /proc/self/status | sed "
	    "s/0180000000/0000000000/",
	    0, 0, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n" },
};

static void
endings_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct command_result r =
		    run_script(plain_command(NULL), ends[i].script);

		if (r.exit_code != ends[i].exit_code ||
		    r.signal != ends[i].signal ||
		    strcmp(r.tail.data, ends[i].tail) != 0)
			fail_msg("%s: exit %d signal %d output \"%s\"",
			    ends[i].why, r.exit_code, r.signal, r.tail.data);
		assert_true(r.duration > 0);
		command_result_release(&r);
	}
}

static void
what_cannot_start_is_an_error(void **state)
{
	static const struct {
		const char *program, *cwd, *want;
	} rows[] = {
		{ "/nonexistent/x", NULL,
		    "/nonexistent/x: starting it: No such file or directory" },
		{ "/etc/passwd", NULL,
		    "/etc/passwd: starting it: Permission denied" },
		{ "/bin/true", "/nonexistent",
		    "/bin/true: entering the working directory: "
		    "No such file or directory" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *argv[] = { rows[i].program, NULL };
		struct command c = plain_command(argv);
		struct command_result r = { .exit_code = 77 };
		struct err err = { 0 };

		c.cwd = rows[i].cwd;
		assert_int_equal(command_run(&r, &c, &err), -1);
		assert_string_equal(err.text, rows[i].want);
		assert_int_equal(err.class, ERR_CONF);
		assert_int_equal(r.exit_code, 77);
	}
}

/* ---- time ---- */

static void
late_commands_are_stopped(void **state)
{
	static const struct {
		const char *why, *script;
		int signal, exit_code;
	} rows[] = {
		{ "TERM is enough", "echo begun; sleep $MARK", SIGTERM, -1 },
		{ "TERM can be handled",
		    "trap 'echo tidy; exit 3' TERM; echo begun; "
		    "while :; do sleep 0.05; done",
		    0, 3 },
		{ "TERM is ignored",
		    "trap '' TERM; echo begun; "
		    "while :; do sleep $MARK; done",
		    SIGKILL, -1 },
		{ "a grandchild in a session of its own ignores TERM too",
		    "(trap '' TERM; setsid sleep $MARK & setsid setsid sh -c "
		    "'trap \"\" TERM; sleep $MARK; sleep $MARK' &) ; trap '' "
		    "TERM; echo begun; sleep $MARK; sleep $MARK",
		    SIGKILL, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct command c = plain_command(NULL);
		struct command_result r;
		int64_t began = clock_mono();

		c.timeout = 300 * CLOCK_MSEC;
		c.grace = 300 * CLOCK_MSEC;
		r = run_script(c, rows[i].script);
		if (!r.timed_out || r.signal != rows[i].signal ||
		    r.exit_code != rows[i].exit_code)
			fail_msg("%s: timed out %d, signal %d, exit %d",
			    rows[i].why, r.timed_out, r.signal, r.exit_code);
		if (strncmp(r.tail.data, "begun\n", 6) != 0)
			fail_msg("%s: output was lost", rows[i].why);
		if (clock_mono() - began > 2 * CLOCK_SECOND)
			fail_msg("%s: took too long", rows[i].why);
		if (processes_with_argument(sleep_mark) != 0)
			fail_msg("%s: something lives on", rows[i].why);
		command_result_release(&r);
	}
}

/* ---- room ---- */

static void
what_takes_too_much_room_is_stopped(void **state)
{
	static const struct {
		const char *why, *script;
		uint64_t max;
		int over, is_early;
	} rows[] = {
		{ "one file, while it runs",
		    "head -c 3000000 /dev/zero > big; sleep $MARK", 1 << 20, 1,
		    1 },
		{ "many empty files, while it runs",
		    "mkdir d; cd d; i=0; while [ $i -lt 3000 ]; do : > $i; "
		    "i=$((i+1)); done; sleep $MARK",
		    1 << 20, 1, 1 },
		{ "at its end", "head -c 3000000 /dev/zero > big", 1 << 20, 1,
		    0 },
		{ "a file of that size without blocks is none",
		    "rm -rf big d; truncate -s 3000000 big", 1 << 20, 0, 0 },
		{ "no limit", "head -c 3000000 /dev/zero > big", 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct command c = plain_command(NULL);
		struct command_result r;
		int64_t began = clock_mono();

		c.disk_max = rows[i].max;
		c.timeout = 60 * CLOCK_SECOND;
		r = run_script(c, rows[i].script);
		if ((r.disk_over > 0) != rows[i].over || r.timed_out ||
		    (r.disk_over > 0 && r.disk_over <= rows[i].max))
			fail_msg("%s: %llu bytes over, timed out %d",
			    rows[i].why, (unsigned long long)r.disk_over,
			    r.timed_out);
		if ((r.signal == SIGTERM) != rows[i].is_early)
			fail_msg("%s: signal %d", rows[i].why, r.signal);
		if (clock_mono() - began > 40 * CLOCK_SECOND)
			fail_msg("%s: took too long", rows[i].why);
		if (processes_with_argument(sleep_mark) != 0)
			fail_msg("%s: something lives on", rows[i].why);
		command_result_release(&r);
	}
}

static void
what_is_left_running_is_ended(void **state)
{
	struct command c = plain_command(NULL);
	struct command_result r;

	(void)state;
	c.grace = 200 * CLOCK_MSEC;
	r = run_script(c,
	    "setsid sleep $MARK & (setsid sh -c \"trap '' TERM; "
	    "sleep $MARK; sleep $MARK\" &) ; sleep 0.1; echo done");
	assert_int_equal(r.exit_code, 0);
	assert_string_equal(r.tail.data, "done\n");
	assert_true(r.leftovers >= 2);
	assert_int_equal(r.timed_out, 0);
	assert_int_equal(processes_with_argument(sleep_mark), 0);
	command_result_release(&r);
}

static void
a_readable_descriptor_cancels(void **state)
{
	struct command c = plain_command(NULL);
	struct command_result r;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	c.cancel_fd = fds[0];
	r = run_script(c, "sleep $MARK");
	assert_int_equal(r.cancelled, 1);
	assert_int_equal(r.timed_out, 0);
	assert_int_equal(r.signal, SIGTERM);
	command_result_release(&r);
	close(fds[0]);
	close(fds[1]);
}

static void
a_fork_storm_is_ended(void **state)
{
	struct command c = plain_command(NULL);
	struct command_result r;

	(void)state;
	c.timeout = 200 * CLOCK_MSEC;
	c.grace = 50 * CLOCK_MSEC;
	r = run_script(c,
	    "trap '' TERM; f() { for i in 1 2 3 4 5 6; do "
	    "setsid sh -c 'trap \"\" TERM; sleep 0.02; sleep 0.02; "
	    "while :; do setsid sleep $MARK & sleep 0.05; done' & done; }; f; "
	    "sleep $MARK");
	assert_int_equal(r.timed_out, 1);
	assert_int_equal(processes_with_argument(sleep_mark), 0);
	command_result_release(&r);
}

/* ---- what it gets ---- */

static void
environment_is_fixed(void **state)
{
	static const char *const env[] = { "REF=refs/heads/x; rm -rf /",
		"LANG=de_DE.UTF-8", NULL };
	static const char *const argv[] = { "env", NULL };
	struct command c = plain_command(NULL);
	struct command_result r;
	struct err err = { 0 };
	char want[512];

	(void)state;
	assert_int_equal(setenv("SENTINEL", SENTINEL, 1), 0);
	c.env = env;
	c.argv = argv;
	assert_int_equal(command_run(&r, &c, &err), 0);
	snprintf(want, sizeof want,
	    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
	    "/bin\nHOME=%s\nTMPDIR=%s\nREF=refs/heads/x; rm -rf /\n"
	    "LANG=de_DE.UTF-8\n",
	    scratch_dir, scratch_dir);
	assert_string_equal(r.tail.data, want);
	command_result_release(&r);
}

static void
descriptors_do_not_leak(void **state)
{
	static const enum sandbox_level levels[] = { LEVEL_NONE, LEVEL_LIMITS,
		LEVEL_STRICT };
	int fd;

	(void)state;
	/* Neither is close-on-exec: the command must not have them anyway. */
	fd = open("/dev/null", O_RDONLY);
	assert_true(fd != -1 && dup2(fd, 200) == 200);
	for (size_t i = 0; i < 3; i++) {
		struct command c = plain_command(NULL);
		struct command_result r;

		c.level = levels[i];
		r = run_script(c, "n=3; while [ $n -lt 256 ]; do "
				  "[ -e /proc/$$/fd/$n ] && echo $n; "
				  "n=$((n + 1)); done; echo end");
		if (strcmp(r.tail.data, "end\n") != 0)
			fail_msg(
			    "%s: %s", sandbox_name(levels[i]), r.tail.data);
		command_result_release(&r);
	}
	close(200);
	close(fd);
}

static void
arguments_stay_whole(void **state)
{
	const char *argv[] = { "/usr/bin/printf", "[%s]", "$(id) `id` ; | & \n",
		"", "*", NULL };
	struct command c = plain_command(argv);
	struct command_result r;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(command_run(&r, &c, &err), 0);
	assert_string_equal(r.tail.data, "[$(id) `id` ; | & \n][][*]");
	command_result_release(&r);
}

static void
standard_input_is_a_descriptor(void **state)
{
	struct command c = plain_command(NULL);
	struct command_result r;
	char path[128];
	int fd;

	(void)state;
	snprintf(path, sizeof path, "%s/input", outside_dir);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(write(fd, "the payload", 11), 11);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	c.stdin_fd = fd;
	r = run_script(c, "cat");
	assert_string_equal(r.tail.data, "the payload");
	command_result_release(&r);
	close(fd);
}

/* ---- output ---- */

/* In a process of its own, for its peak of memory is what is measured. */
static void
a_flood_needs_little_memory(void **state)
{
	struct rusage usage;
	int status;
	pid_t pid = fork();

	(void)state;
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		execl(self, self, "flood", scratch_dir, (char *)NULL);
		_exit(99);
	}
	assert_int_equal(wait4(pid, &status, 0, &usage), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
#ifndef __SANITIZE_ADDRESS__
	assert_true(usage.ru_maxrss < 32 * 1024); /* kB */
#endif
}

static int
play_flood(const char *directory)
{
	const char *argv[] = { "/bin/sh", "-c",
		"head -c 1073741824 /dev/zero | tr '\\0' 'a'; echo; echo last",
		NULL };
	struct command c = { .argv = argv,
		.scratch = directory,
		.stdin_fd = -1,
		.cancel_fd = -1,
		.timeout = 120 * CLOCK_SECOND,
		.grace = CLOCK_SECOND,
		.output_max = 1 << 20 };
	struct command_result r;
	struct err err;
	int good;

	if (command_run(&r, &c, &err) == -1)
		return 1;
	good = r.exit_code == 0 && r.bytes == 1073741824 + 6 && r.lines == 2 &&
	       r.tail.len <= 1 << 20 &&
	       strcmp(r.tail.data + r.tail.len - 6, "\nlast\n") == 0;
	command_result_release(&r);
	return !good;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endings_are_told),
		cmocka_unit_test(what_cannot_start_is_an_error),
		cmocka_unit_test(late_commands_are_stopped),
		cmocka_unit_test(what_takes_too_much_room_is_stopped),
		cmocka_unit_test(what_is_left_running_is_ended),
		cmocka_unit_test(a_readable_descriptor_cancels),
		cmocka_unit_test(a_fork_storm_is_ended),
		cmocka_unit_test(environment_is_fixed),
		cmocka_unit_test(descriptors_do_not_leak),
		cmocka_unit_test(arguments_stay_whole),
		cmocka_unit_test(standard_input_is_a_descriptor),
		cmocka_unit_test(a_flood_needs_little_memory),
	};
	sigset_t blocked;

	/* What a command must not inherit from its parent. */
	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	if (argc == 3 && strcmp(argv[1], "flood") == 0)
		return play_flood(argv[2]);
	if (readlink("/proc/self/exe", self, sizeof self - 1) == -1)
		return 1;
	return cmocka_run_group_tests(
	    tests, make_directories, remove_directories);
}
