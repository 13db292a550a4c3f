/* SPDX-License-Identifier: MIT */
#ifndef AGENT_PROGRAMS_H
#define AGENT_PROGRAMS_H

#include "err.h"

struct buf;
struct work;

/*
 * The two programs of an issue job, run in its workspace through the one
 * command function (exec/command.h): the command that works, and the one that
 * tests. Both get the context as a file and on standard input, a HOME of
 * their own that lasts as long as the job, and no credentials of ours.
 *
 * programs_prepare() once, after the workspace is there; programs_release()
 * on every way out.
 */
int programs_prepare(struct work *w, struct err *err) CHECKED;
void programs_release(struct work *w);

/*
 * The step agent_command. -1 with ERR_PERM where it failed for good (then
 * w->say says so), ERR_TEMP where it has tries left or the machine failed.
 */
int program_agent(struct work *w, struct err *err) CHECKED;

/* The step test_command: w->test. A test that fails is no error. */
int program_test(struct work *w, struct err *err) CHECKED;

/* The message that the command has left, added to `out`. */
void program_message(struct buf *out, const struct work *w);

#endif
