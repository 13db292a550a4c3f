/* SPDX-License-Identifier: MIT */
#ifndef AGENT_OPTIONS_H
#define AGENT_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct config;

/*
 * What `issue-job` says for one repository, in one place. Strings belong to
 * the configuration; the lists are arrays of our own around its strings, so
 * release them with agent_options_release() before the configuration goes.
 */

struct agent_options {
	const char *label;	      /* NULL: there is no issue job */
	const char *const *events;    /* NULL-terminated, as all lists here */
	const char *target;	      /* NULL: the default branch */
	const char *branch;	      /* template with {N} */
	int suffix;		      /* an existing branch is not reused */
	const char *const *command;   /* NULL: there is no issue job */
	const char *const *test;      /* NULL: none */
	const char *sandbox;	      /* auto, none, limits, strict */
	const char *environment_file; /* NULL: none */
	int network, comments;
	const char *const *writable, *const *readable; /* NULL: none */
	int64_t timeout;			       /* ns */
	int64_t retries, rounds;
	const char *const *allowed, *const *restricted; /* NULL: none */
	int64_t max_files, max_lines;			/* 0: no limit */
	const char *author_name, *author_email;
};

int agent_options_read(struct agent_options *out, const struct config *config,
    const char *repository, struct err *err) CHECKED;
void agent_options_release(struct agent_options *o);

#endif
