/* SPDX-License-Identifier: MIT */
#ifndef HOOK_VARIABLES_H
#define HOOK_VARIABLES_H

#include "err.h"

struct hook;
struct job;

/*
 * The environment of a hook's command: HOOKSPOOL_* variables about the
 * event (the table in hook_variables.c; docs/hooks.md), then what the hook's
 * `environment:` says. Free with
 * hook_argv_free().
 */
struct hook_given {
	const char *payload_file;	       /* path, or NULL */
	const char *workspace, *workspace_sha; /* path, or NULL */
};

int hook_variables(char ***out, const struct job *job, const struct hook *hook,
    const struct hook_given *given, struct err *err) CHECKED;

#endif
