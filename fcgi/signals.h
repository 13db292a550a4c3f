/* SPDX-License-Identifier: MIT */
#ifndef SIGNALS_H
#define SIGNALS_H

/*
 * The signals that mean something: TERM and INT (end), HUP (reload), CHLD
 * (the supervisor's). They stay blocked in every thread and are read from a
 * descriptor or waited for, so that no handler ever interrupts anything.
 */
#include <signal.h>

void signals_block(sigset_t *set); /* before any thread or fork */

/* A signalfd of them, for one process. */
int signals_fd(void);

#endif
