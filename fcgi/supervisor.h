/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include "process.h"

/*
 * Keeps `count` responder processes alive until it is told to end. A peer
 * that can write to the socket can make libfcgi abort its process (see
 * listener.h); the supervisor touches no request and so outlives them.
 *
 * SIGTERM and SIGINT are passed on, and it returns when the last process has
 * ended; SIGHUP is passed on, and its own copy of the configuration is read
 * again, for processes still to come. Returns the exit code.
 */
#define SUPERVISOR_MAX 64 /* processes */

int supervisor_run(
    const struct process *model, struct listener *listener, unsigned count);

#endif
