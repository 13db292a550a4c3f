/* SPDX-License-Identifier: MIT */
#ifndef COMMAND_FIXTURE_H
#define COMMAND_FIXTURE_H

#include "exec/command.h"

/*
 * For tests of commands: two directories in /tmp, made and removed with the
 * group of tests. `scratch_dir` is the command's, `outside_dir` is not.
 */

extern char scratch_dir[], outside_dir[];

/* How long a command of this test sleeps, told to it as MARK: nobody else's
 * has the same argument, so processes_with_argument() finds what is left. */
extern char sleep_mark[];

int make_directories(void **state);
int remove_directories(void **state);

/* A command of 20 s, with the scratch directory and MARK. */
struct command plain_command(const char *const *argv);

/* Runs a script for /bin/sh; the test fails if it did not start. */
struct command_result run_script(struct command c, const char *script);

#endif
