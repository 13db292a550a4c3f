/* SPDX-License-Identifier: MIT */
#ifndef AGENT_BRANCH_H
#define AGENT_BRANCH_H

#include "err.h"

struct work;

/*
 * Which branch the work goes to, and from which commit it starts. Asked after
 * the mirror was fetched; fills target, branch, base, exists and resumed of
 * the work.
 *
 *   the branch is not there     a new one from the target branch
 *   it is there, reuse          goes on from its head
 *   it is there, suffix         NAME-2, NAME-3 ... from the target branch
 *   its head is this job's      an earlier attempt pushed it: only the pull
 *                               request is missing
 */
int branch_choose(struct work *w, struct err *err) CHECKED;

#endif
