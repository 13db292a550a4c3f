/* SPDX-License-Identifier: MIT */
/*
 * The one function that runs a program: what it gets, how it ends, and that
 * nothing of it is left. This program is also the test's own hostile
 * command: started with an argument it plays that part.
 */
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
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

#include "clock.h"
#include "err.h"
#include "exec/command.h"
#include "exec/tree.h"
#include "filetree.h"

#define SENTINEL "sentinel-secret-6f1d"

static char scratch[64], outside[64], self[4096];

static int
make_directories(void **state)
{
	(void)state;
	strcpy(scratch, "/tmp/command-scratch-XXXXXX");
	strcpy(outside, "/tmp/command-outside-XXXXXX");
	return mkdtemp(scratch) == NULL || mkdtemp(outside) == NULL;
}

static int
remove_directories(void **state)
{
	struct err err;

	(void)state;
	return filetree_remove(AT_FDCWD, scratch, &err) == -1 ||
	       filetree_remove(AT_FDCWD, outside, &err) == -1;
}

static struct command
shell(const char *const *argv)
{
	return (struct command){ .argv = argv,
		.scratch = scratch,
		.stdin_fd = -1,
		.cancel_fd = -1,
		.timeout = 20 * CLOCK_SECOND,
		.grace = CLOCK_SECOND,
		.output_max = 65536 };
}

/* Runs a script and gives the result; the test fails if it did not start. */
static struct command_result
run_with(struct command c, const char *script)
{
	const char *argv[] = { "/bin/sh", "-c", script, NULL };
	struct command_result result;
	struct err err = { 0 };

	c.argv = argv;
	if (command_run(&result, &c, &err) == -1)
		fail_msg("%s: %s", script, err.text);
	return result;
}

static int
count_processes_named(const char *name)
{
	char line[256];
	int n = 0;
	FILE *ps;

	snprintf(line, sizeof line,
	    "grep -lzxF '%s' /proc/[0-9]*/cmdline 2>/dev/null", name);
	ps = popen(line, "r");
	assert_non_null(ps);
	while (fgets(line, sizeof line, ps) != NULL)
		n += strstr(line, "self") == NULL;
	pclose(ps);
	return n;
}

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
	{ "no core dump", "ulimit -c", 0, 0, "0\n" },
	{ "signals are as at login", "grep -E 'Sig(Ign|Blk)' /proc/self/status",
	    0, 0, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n" },
};

static void
endings_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct command_result r = run_with(shell(NULL), ends[i].script);

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
		struct command c = shell(argv);
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
		{ "TERM is enough", "echo begun; sleep 4711", SIGTERM, -1 },
		{ "TERM can be handled",
		    "trap 'echo tidy; exit 3' TERM; echo begun; "
		    "while :; do sleep 0.05; done",
		    0, 3 },
		{ "TERM is ignored",
		    "trap '' TERM; echo begun; "
		    "while :; do sleep 4711; done",
		    SIGKILL, -1 },
		{ "a grandchild in a session of its own ignores TERM too",
		    "(trap '' TERM; setsid sleep 4711 & setsid setsid sh -c "
		    "'trap \"\" TERM; sleep 4711; sleep 4711' &) ; trap '' "
		    "TERM; echo begun; sleep 4711; sleep 4711",
		    SIGKILL, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct command c = shell(NULL);
		struct command_result r;
		int64_t began = clock_mono();

		c.timeout = 300 * CLOCK_MSEC;
		c.grace = 300 * CLOCK_MSEC;
		r = run_with(c, rows[i].script);
		if (!r.timed_out || r.signal != rows[i].signal ||
		    r.exit_code != rows[i].exit_code)
			fail_msg("%s: timed out %d, signal %d, exit %d",
			    rows[i].why, r.timed_out, r.signal, r.exit_code);
		if (strncmp(r.tail.data, "begun\n", 6) != 0)
			fail_msg("%s: output was lost", rows[i].why);
		if (clock_mono() - began > 2 * CLOCK_SECOND)
			fail_msg("%s: took too long", rows[i].why);
		if (count_processes_named("4711") != 0)
			fail_msg("%s: something lives on", rows[i].why);
		command_result_release(&r);
	}
}

static void
what_is_left_running_is_ended(void **state)
{
	struct command c = shell(NULL);
	struct command_result r;

	(void)state;
	c.grace = 200 * CLOCK_MSEC;
	r = run_with(c, "setsid sleep 4712 & (setsid sh -c \"trap '' TERM; "
			"sleep 4712; sleep 4712\" &) ; sleep 0.1; echo done");
	assert_int_equal(r.exit_code, 0);
	assert_string_equal(r.tail.data, "done\n");
	assert_true(r.leftovers >= 2);
	assert_int_equal(r.timed_out, 0);
	assert_int_equal(count_processes_named("4712"), 0);
	command_result_release(&r);
}

static void
a_readable_descriptor_cancels(void **state)
{
	struct command c = shell(NULL);
	struct command_result r;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	c.cancel_fd = fds[0];
	r = run_with(c, "sleep 4713");
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
	struct command c = shell(NULL);
	struct command_result r;

	(void)state;
	c.timeout = 200 * CLOCK_MSEC;
	c.grace = 50 * CLOCK_MSEC;
	r = run_with(c,
	    "trap '' TERM; f() { for i in 1 2 3 4 5 6; do "
	    "setsid sh -c 'trap \"\" TERM; sleep 0.02; sleep 0.02; "
	    "while :; do setsid sleep 4714 & sleep 0.05; done' & done; }; f; "
	    "sleep 4714");
	assert_int_equal(r.timed_out, 1);
	assert_int_equal(count_processes_named("4714"), 0);
	command_result_release(&r);
}

/* ---- what it gets ---- */

static void
environment_is_fixed(void **state)
{
	static const char *const env[] = { "REF=refs/heads/x; rm -rf /",
		"LANG=de_DE.UTF-8", NULL };
	static const char *const argv[] = { "env", NULL };
	struct command c = shell(NULL);
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
	    scratch, scratch);
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
		struct command c = shell(NULL);
		struct command_result r;

		c.level = levels[i];
		r = run_with(c, "n=3; while [ $n -lt 256 ]; do "
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
	struct command c = shell(argv);
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
	struct command c = shell(NULL);
	struct command_result r;
	char path[128];
	int fd;

	(void)state;
	snprintf(path, sizeof path, "%s/input", outside);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(write(fd, "the payload", 11), 11);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	c.stdin_fd = fd;
	r = run_with(c, "cat");
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
		execl(self, self, "flood", scratch, (char *)NULL);
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

/* ---- walls ---- */

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void
limits_allow_writing_only_where_it_belongs(void **state)
{
	struct command c = shell(NULL);
	struct command_result r;
	char script[512];

	(void)state;
	if (sandbox_landlock() == 0) {
		print_message("no Landlock here: nothing to see\n");
		skip();
	}
	c.level = LEVEL_LIMITS;
	snprintf(script, sizeof script,
	    "echo a > own && mkdir d && mv own d/ && rm -r d && "
	    "echo > /dev/null && ! (echo x > %s/x) 2>/dev/null && "
	    "! mkdir %s/y 2>/dev/null && ! rm /tmp/* 2>/dev/null && "
	    "cat /etc/hostname > /dev/null && ! kill -0 %d 2>/dev/null && "
	    "echo good",
	    outside, outside, getpid());
	if (sandbox_landlock() < 6) /* signals are free before */
		strcpy(strstr(script, "! kill"), "echo good");
	r = run_with(c, script);
	assert_string_equal(r.tail.data, "good\n");
	assert_int_equal(r.level, LEVEL_LIMITS);
	assert_true(r.landlock > 0);
	command_result_release(&r);
}

static void
named_paths_can_be_written(void **state)
{
	static const enum sandbox_level levels[] = { LEVEL_LIMITS,
		LEVEL_STRICT };
	const char *const writable[] = { outside, NULL };
	char script[256];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct command c = shell(NULL);
		struct command_result r;

		c.level = levels[i];
		c.writable = writable;
		snprintf(script, sizeof script, "echo %zu > %s/x && cat %s/x",
		    i, outside, outside);
		r = run_with(c, script);
		assert_int_equal(r.tail.data[0], '0' + (int)i);
		command_result_release(&r);
	}
}

static void
strict_sees_no_secret(void **state)
{
	char secret[128], script[1024];
	struct command c = shell(NULL);
	struct command_result r;

	(void)state;
	snprintf(secret, sizeof secret, "%s/secret", outside);
	write_file(secret, SENTINEL "\n");
	c.level = LEVEL_STRICT;
	snprintf(script, sizeof script,
	    "cat %s; cat /proc/%d/environ; ls /root /home /srv /var/lib "
	    "/var/spool /etc/shadow /etc/hookspool; cat /proc/*/environ | tr "
	    "-d \"\\\\000\"; "
	    "echo x > /usr/x; echo x > /etc/x; ls %s; id -u; "
	    "grep CapEff /proc/self/status; echo $$",
	    secret, getpid(), outside);
	r = run_with(c, script);
	assert_null(strstr(r.tail.data, SENTINEL));
	assert_null(strstr(r.tail.data, "\nsecret"));
	assert_non_null(strstr(r.tail.data, "CapEff:\t0000000000000000"));
	assert_int_equal(access("/usr/x", F_OK), -1);
	assert_int_equal(r.level, LEVEL_STRICT);
	command_result_release(&r);
}

/* The plain run proves that the script would notice. */
static void
strict_reaches_no_network(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof address;
	struct command c = shell(NULL);
	struct command_result r;
	char script[128];
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (void *)&address, len), 0);
	assert_int_equal(listen(listener, 5), 0);
	assert_int_equal(getsockname(listener, (void *)&address, &len), 0);
	snprintf(script, sizeof script,
	    "exec bash -c 'exec 3<>/dev/tcp/127.0.0.1/%u && echo reached'",
	    ntohs(address.sin_port));
	r = run_with(c, script);
	assert_string_equal(r.tail.data, "reached\n");
	command_result_release(&r);
	c.level = LEVEL_STRICT;
	r = run_with(c, script);
	assert_null(strstr(r.tail.data, "reached\n"));
	command_result_release(&r);
	c.network = 1;
	r = run_with(c, script);
	assert_string_equal(r.tail.data, "reached\n");
	command_result_release(&r);
	close(listener);
}

static void
strict_commands_end_like_others(void **state)
{
	struct command c = shell(NULL);
	struct command_result r;
	struct err err = { 0 };
	const char *missing[] = { "/nonexistent/x", NULL };

	(void)state;
	c.level = LEVEL_STRICT;
	r = run_with(c, "echo in; touch here; exit 7");
	assert_int_equal(r.exit_code, 7);
	assert_string_equal(r.tail.data, "in\n");
	command_result_release(&r);
	c.timeout = 500 * CLOCK_MSEC;
	r = run_with(c, "trap 'echo tidy; exit 3' TERM; while :; do sleep "
			"0.05; done");
	assert_int_equal(r.timed_out, 1);
	assert_non_null(strstr(r.tail.data, "tidy\n"));
	command_result_release(&r);
	r = run_with(c, "trap '' TERM; setsid sleep 4715 & sleep 4715; sleep "
			"4715");
	assert_int_equal(r.timed_out, 1);
	assert_int_equal(count_processes_named("4715"), 0);
	command_result_release(&r);
	c.argv = missing;
	assert_int_equal(command_run(&r, &c, &err), -1);
	assert_string_equal(err.text,
	    "sandbox: /nonexistent/x: not started: "
	    "bwrap: execvp /nonexistent/x: No such file or directory");
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endings_are_told),
		cmocka_unit_test(what_cannot_start_is_an_error),
		cmocka_unit_test(late_commands_are_stopped),
		cmocka_unit_test(what_is_left_running_is_ended),
		cmocka_unit_test(a_readable_descriptor_cancels),
		cmocka_unit_test(a_fork_storm_is_ended),
		cmocka_unit_test(environment_is_fixed),
		cmocka_unit_test(descriptors_do_not_leak),
		cmocka_unit_test(arguments_stay_whole),
		cmocka_unit_test(standard_input_is_a_descriptor),
		cmocka_unit_test(a_flood_needs_little_memory),
		cmocka_unit_test(limits_allow_writing_only_where_it_belongs),
		cmocka_unit_test(named_paths_can_be_written),
		cmocka_unit_test(strict_sees_no_secret),
		cmocka_unit_test(strict_reaches_no_network),
		cmocka_unit_test(strict_commands_end_like_others),
	};

	if (argc == 3 && strcmp(argv[1], "flood") == 0)
		return play_flood(argv[2]);
	if (readlink("/proc/self/exe", self, sizeof self - 1) == -1)
		return 1;
	return cmocka_run_group_tests(
	    tests, make_directories, remove_directories);
}
