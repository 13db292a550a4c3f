/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config_problems.h"
#include "config_table.h"
#include "config_value.h"

/*
 * Checks a tree against the table. `scope` says which file it is: SCOPE_ROOT
 * for config.yaml with all its blocks, SCOPE_LOCAL for a repository's own.
 *
 * Keys with SCOPE_IGNORED are emptied in a repository's own file, so that
 * nobody can find them there afterwards; that is all that changes.
 *
 * Planned and obsolete keys are warned of once each, at their first place.
 */
void config_check(
    struct problems *p, const struct config_value *top, unsigned scope);

/* ---- checks that rows of the table name ---- */

typedef void config_check_fn(
    struct problems *p, const struct config_value *v, const char *path);

config_check_fn check_repositories; /* some, no full name twice */
config_check_fn check_unique_names; /* of a list's items */
config_check_fn check_custom_runs;  /* unique and not reserved */
config_check_fn check_container;    /* a password, in one form */
config_check_fn check_address_gate; /* warns: the gate is not built */
config_check_fn check_kinds;	    /* warns: no known event */
config_check_fn check_hook_command; /* a program and its arguments */
config_check_fn check_hook_rule;    /* and, or, not, value, regex, cidr */
config_check_fn check_variables;    /* names of the environment */

#endif
