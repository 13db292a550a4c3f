/* SPDX-License-Identifier: MIT */
#ifndef AGENT_PULL_H
#define AGENT_PULL_H

#include "err.h"

struct step;
struct work;

/*
 * The draft pull request of the branch: made, or brought up to date where the
 * branch has an open one. Looked for before it is made and after an answer
 * that was lost, so that there is one. Gets the trigger label.
 *
 * Fills w->pull; `step` is told its number, its URL and what was done.
 */
int pull_put(struct work *w, struct step *step, struct err *err) CHECKED;

#endif
