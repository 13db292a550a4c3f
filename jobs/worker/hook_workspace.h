/* SPDX-License-Identifier: MIT */
#ifndef HOOK_WORKSPACE_H
#define HOOK_WORKSPACE_H

#include "err.h"

struct checkout;
struct hook;
struct job;

/*
 * The checkout that a command hook asks for with `workspace:`. What each
 * kind means for an event is the table in hook_workspace.c (docs/
 * workspaces.md has it in words).
 *
 * 0: the workspace is ready. 1: there is nothing to check out, and *why says
 * so (a branch that was deleted). -1 with ERR_TEMP where the remote may show
 * it later, ERR_BAD where the event has no such thing.
 *
 * The caller ends it with checkout_close(), whatever came out.
 */
int hook_workspace(struct checkout *out, struct job *job,
    const struct hook *hook, const char **why, struct err *err) CHECKED;

#endif
