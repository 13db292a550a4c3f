/* SPDX-License-Identifier: MIT */
/*
 * The walls around a command: what each level keeps from it, and that a
 * command without walls would get through.
 */
#include <sys/socket.h>

#include <netinet/in.h>

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
#include "command_fixture.h"
#include "err.h"
#include "exec/command.h"
#include "processes.h"

#define SENTINEL "sentinel-secret-6f1d"

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
	struct command c = plain_command(NULL);
	struct command_result r;
	char script[512];

	(void)state;
	if (sandbox_landlock() == 0) {
		print_message("no Landlock here: nothing to see\n");
		skip();
	}
	snprintf(script, sizeof script, "%s/kept", outside_dir);
	write_file(script, "");
	c.level = LEVEL_LIMITS;
	snprintf(script, sizeof script,
	    "echo a > own && mkdir d && mv own d/ && rm -r d && "
	    "echo > /dev/null && ! (echo x > %s/x) 2>/dev/null && "
	    "! mkdir %s/y 2>/dev/null && ! rm %s/kept 2>/dev/null && "
	    "cat /etc/hostname > /dev/null && ! kill -0 %d 2>/dev/null && "
	    "echo good",
	    outside_dir, outside_dir, outside_dir, getpid());
	if (sandbox_landlock() < 6) /* signals are free before */
		memcpy(strstr(script, "! kill"), "echo good", 10);
	r = run_script(c, script);
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
	const char *const writable[] = { outside_dir, NULL };
	char script[256];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct command c = plain_command(NULL);
		struct command_result r;

		c.level = levels[i];
		c.writable = writable;
		snprintf(script, sizeof script, "echo %zu > %s/x && cat %s/x",
		    i, outside_dir, outside_dir);
		r = run_script(c, script);
		assert_int_equal(r.tail.data[0], '0' + (int)i);
		command_result_release(&r);
	}
}

static void
strict_sees_no_secret(void **state)
{
	char secret[128], script[1024];
	struct command c = plain_command(NULL);
	struct command_result r;

	(void)state;
	snprintf(secret, sizeof secret, "%s/secret", outside_dir);
	write_file(secret, SENTINEL "\n");
	c.level = LEVEL_STRICT;
	snprintf(script, sizeof script,
	    "cat %s; cat /proc/%d/environ; ls /root /home /srv /var/lib "
	    "/var/spool /etc/shadow /etc/hookspool; cat /proc/*/environ | tr "
	    "-d \"\\\\000\"; "
	    "echo x > /usr/x; echo x > /etc/x; ls %s; id -u; "
	    "grep CapEff /proc/self/status; echo $$",
	    secret, getpid(), outside_dir);
	r = run_script(c, script);
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
	struct command c = plain_command(NULL);
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
	r = run_script(c, script);
	assert_string_equal(r.tail.data, "reached\n");
	command_result_release(&r);
	c.level = LEVEL_STRICT;
	r = run_script(c, script);
	assert_null(strstr(r.tail.data, "reached\n"));
	command_result_release(&r);
	c.network = 1;
	r = run_script(c, script);
	assert_string_equal(r.tail.data, "reached\n");
	command_result_release(&r);
	close(listener);
}

static void
strict_commands_end_like_others(void **state)
{
	struct command c = plain_command(NULL);
	struct command_result r;
	struct err err = { 0 };
	const char *missing[] = { "/nonexistent/x", NULL };

	(void)state;
	c.level = LEVEL_STRICT;
	r = run_script(c, "echo in; touch here; exit 7");
	assert_int_equal(r.exit_code, 7);
	assert_string_equal(r.tail.data, "in\n");
	command_result_release(&r);
	c.timeout = 500 * CLOCK_MSEC;
	r = run_script(c, "trap 'echo tidy; exit 3' TERM; while :; do sleep "
			  "0.05; done");
	assert_int_equal(r.timed_out, 1);
	assert_non_null(strstr(r.tail.data, "tidy\n"));
	command_result_release(&r);
	r = run_script(c,
	    "trap '' TERM; setsid sleep $MARK & sleep $MARK; sleep "
	    "4715");
	assert_int_equal(r.timed_out, 1);
	assert_int_equal(processes_with_argument(sleep_mark), 0);
	command_result_release(&r);
	c.argv = missing;
	assert_int_equal(command_run(&r, &c, &err), -1);
	assert_string_equal(err.text,
	    "sandbox: /nonexistent/x: not started: "
	    "bwrap: execvp /nonexistent/x: No such file or directory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_allow_writing_only_where_it_belongs),
		cmocka_unit_test(named_paths_can_be_written),
		cmocka_unit_test(strict_sees_no_secret),
		cmocka_unit_test(strict_reaches_no_network),
		cmocka_unit_test(strict_commands_end_like_others),
	};

	return cmocka_run_group_tests(
	    tests, make_directories, remove_directories);
}
