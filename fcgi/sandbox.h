/* SPDX-License-Identifier: MIT */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "err.h"

struct settings;
struct spool;

/*
 * Gives up what a responder does not need, as far as the kernel lets it, and
 * logs how far that was: no core files, few descriptors, no new privileges,
 * and by Landlock no files but the configuration (read) and the spool's
 * directories, no TCP.
 *
 * Must be called in the only thread, with everything open that has no name
 * in the list. A kernel without Landlock is no error: the system's service
 * manager may confine us instead (the units shipped does).
 */
int sandbox_enter(const struct settings *s, const struct spool *spool,
    struct err *err) CHECKED;

#endif
