/* SPDX-License-Identifier: MIT */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "err.h"

struct settings;
struct spool;

/*
 * Gives up what a responder does not need, as far as the kernel lets it, and
 * logs how far that was.
 *
 * Calling sequence: sandbox_forgo() in the supervisor, when its socket is
 * open: no core files, no new privileges, and by seccomp no programs, no
 * sockets, no looking into other processes. It still reads any file its user
 * may, since what a reload will name is not known yet. Then, in each process
 * it forks, sandbox_enter(): few descriptors, no further process, no signals,
 * and by Landlock no files but the configuration (read) and the spool's
 * directories, no TCP.
 *
 * Both must be called in the only thread, sandbox_enter() with everything
 * open that has no name in the list. A kernel without seccomp or Landlock is
 * no error: the system's service manager may confine us instead (the units
 * shipped do).
 */
int sandbox_forgo(struct err *err) CHECKED;
int sandbox_enter(const struct settings *s, const struct spool *spool,
    struct err *err) CHECKED;

#endif
