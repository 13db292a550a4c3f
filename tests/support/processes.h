/* SPDX-License-Identifier: MIT */
#ifndef PROCESSES_H
#define PROCESSES_H

/* How many processes have exactly this argument: tests give a command they
 * start one that nobody else has. */
unsigned processes_with_argument(const char *argument);

#endif
