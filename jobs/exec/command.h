/* SPDX-License-Identifier: MIT */
#ifndef COMMAND_H
#define COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "sandbox.h"

struct steplog;

/*
 * The one function that runs a program for a job.
 *
 * Calling sequence: fill a struct command (zeroed first), command_run(),
 * look at the result, command_result_release().
 *
 * The program gets an argument vector, never a line for a shell; standard
 * input, output and error and no other descriptor; a session of its own; the
 * environment PATH, HOME, TMPDIR, LANG and what `env` adds, nothing of ours.
 * What it writes to either output is one stream, see output.h.
 *
 * It ends when its process ends. Whatever it leaves running, also in another
 * session, is ended then: services are started by the service manager. At
 * the time limit, when its files take too much room (quota.h), and when
 * `cancel_fd` becomes readable, all of it gets TERM and, after `grace`, KILL.
 * When command_run() returns, none of it lives.
 *
 * The calling process becomes a child subreaper and must have no other
 * children meanwhile; it should have one thread.
 *
 * Fails (-1, *result untouched) only where the program did not run: ERR_CONF
 * where it is not there or its sandbox is not to be had, ERR_TEMP for lack of
 * processes, memory, descriptors. A program that ran and failed is a result.
 */

struct command {
	const char *const *argv; /* NULL-terminated; [0] is looked up in PATH */
	const char *const *env;	 /* "NAME=value", NULL-terminated, or NULL */
	const char *scratch;	 /* absolute; HOME and TMPDIR; writable */
	const char *cwd;	 /* absolute; NULL: scratch */
	int stdin_fd;		 /* -1: /dev/null */
	int cancel_fd;		 /* readable: stop; -1: none */
	int64_t timeout, grace;	 /* ns */
	int64_t cancel_grace;	 /* ns, after a cancel; 0: grace */
	enum sandbox_level level;
	int network;		     /* strict: 1 shares the host's */
	const char *const *writable; /* limits, strict: more paths */
	const char *const *readable; /* strict: more paths */
	uint64_t disk_max;	     /* bytes that cwd and scratch may come to
				      * take together; 0: no limit */
	size_t output_max;	     /* bytes of the kept tail */
	struct steplog *log;	     /* NULL: output is not logged */
	const char *step;	     /* whose output it is */
};

struct command_result {
	int exit_code; /* -1 where a signal ended it */
	int signal;    /* 0 where it exited */
	int timed_out, cancelled;
	uint64_t disk_over; /* bytes, where they were more than disk_max */
	enum sandbox_level level; /* that ran */
	int landlock;		  /* version in force, 0: none */
	int64_t duration;	  /* ns, clock_mono() */
	uint64_t bytes, lines;	  /* of output, all of it */
	unsigned leftovers;	  /* processes that outlived the program */
	struct buf tail;	  /* the output's end, redacted */
};

int command_run(struct command_result *result, const struct command *c,
    struct err *err) CHECKED;
void command_result_release(struct command_result *result);

#endif
