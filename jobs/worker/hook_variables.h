/* SPDX-License-Identifier: MIT */
#ifndef HOOK_VARIABLES_H
#define HOOK_VARIABLES_H

#include "err.h"

struct hook;
struct job;

/*
 * The environment of a hook's command: HOOKSPOOL_* variables about the
 * event (the table in hook_variables.c; docs/hooks.md), then what the hook's
 * `environment:` says. `payload_file` may be NULL. Free with
 * hook_argv_free().
 */
int hook_variables(char ***out, const struct job *job, const struct hook *hook,
    const char *payload_file, struct err *err) CHECKED;

#endif
