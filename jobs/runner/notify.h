/* SPDX-License-Identifier: MIT */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdint.h>

/*
 * The service manager's notifications (sd_notify(3)), written as the plain
 * datagram they are: "READY=1", "WATCHDOG=1", "STOPPING=1", "RELOADING=1",
 * "STATUS=text" to the Unix socket that $NOTIFY_SOCKET names; a name that
 * begins with "@" is an abstract one.
 *
 * notify_start() reads the environment and then removes these variables, so
 * that no child speaks for us. Without them nothing is sent. Never fails and
 * never blocks.
 */

void notify_start(void);

/* One or more lines "KEY=value", joined by newlines. */
void notify_send(const char *lines);

/* How often the manager wants to hear WATCHDOG=1: ns, 0 if it does not. */
int64_t notify_watchdog(void);

#endif
