/* SPDX-License-Identifier: MIT */
#ifndef AGENT_WORK_H
#define AGENT_WORK_H

#include <stddef.h>

#include "agent/options.h"
#include "buf.h"
#include "err.h"
#include "exec/sandbox.h"
#include "exec/scratch.h"
#include "worker/checkout.h"

struct change;
struct job;
struct publication;

/*
 * The issue job while it runs: what its steps (run.c has them in order) hand
 * to each other. Filled from top to bottom.
 */

#define BRANCH_MAX 256 /* bytes of a branch's name, with the NUL */

struct work_test {
	int ran, passed;
	struct buf output; /* its end */
	char how[120];	   /* how it failed */
};

struct work {
	struct job *job;
	struct agent_options options;
	struct checkout checkout;
	char target[BRANCH_MAX]; /* the pull request's base */
	char branch[BRANCH_MAX]; /* its head */
	char base[65];		 /* checked out; the commit's parent */
	int exists;		 /* the remote has the branch */
	int resumed;		 /* with this job's commit, by an attempt that
				  * did not live to tell */
	struct scratch scratch;
	char context_file[SCRATCH_PATH_MAX];
	char message_file[SCRATCH_PATH_MAX];
	enum sandbox_level level; /* of the programs */
	unsigned round;		  /* of work, from 1 */
	struct work_test test;	  /* the last one */
	struct publication *publication;
	const struct change *changes;
	size_t count;
	struct buf message; /* of the commit; the first line is the title */
	char commit[65];
	int64_t pull;	/* number of the pull request */
	struct buf say; /* what the issue is to be told, or "" */
};

/* ---- the payload's words, never NULL ---- */

const char *work_title(const struct work *w);
const char *work_text(const struct work *w); /* the body */
const char *work_author(const struct work *w);

/* Adds a block of text that no Markdown in it can end. */
void work_put_block(struct buf *out, const char *text);

#endif
