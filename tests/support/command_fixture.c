/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "command_fixture.h"
#include "filetree.h"

char scratch_dir[] = "/tmp/command-scratch-XXXXXX";
char outside_dir[] = "/tmp/command-outside-XXXXXX";
char sleep_mark[24];

static char environment[1][32];
static const char *const variables[] = { environment[0], NULL };

int
make_directories(void **state)
{
	(void)state;
	snprintf(sleep_mark, sizeof sleep_mark, "4711.%d", getpid());
	snprintf(environment[0], sizeof environment[0], "MARK=%s", sleep_mark);
	return mkdtemp(scratch_dir) == NULL || mkdtemp(outside_dir) == NULL;
}

int
remove_directories(void **state)
{
	struct err err;

	(void)state;
	return filetree_remove(AT_FDCWD, scratch_dir, &err) == -1 ||
	       filetree_remove(AT_FDCWD, outside_dir, &err) == -1;
}

struct command
plain_command(const char *const *argv)
{
	return (struct command){ .argv = argv,
		.env = variables,
		.scratch = scratch_dir,
		.stdin_fd = -1,
		.cancel_fd = -1,
		.timeout = 20 * CLOCK_SECOND,
		.grace = CLOCK_SECOND,
		.output_max = 65536 };
}

struct command_result
run_script(struct command c, const char *script)
{
	const char *argv[] = { "/bin/sh", "-c", script, NULL };
	struct command_result result;
	struct err err = { 0 };

	c.argv = argv;
	if (command_run(&result, &c, &err) == -1)
		fail_msg("%s: %s", script, err.text);
	return result;
}
