/* SPDX-License-Identifier: MIT */
#ifndef RESPONDER_ATTEMPTS_H
#define RESPONDER_ATTEMPTS_H

#include <sys/types.h>

#include "responder.h"

/*
 * What a responder tries, once with its sandbox and once without: what it
 * must not be able to do, and what it is there for. Each attempt answers 0
 * where it went through, else the errno that kept it in.
 *
 * attempts_at() first; the place is borrowed.
 */

enum need { SECCOMP = 1, LANDLOCK = 2, TRACING = 4, NAMESPACES = 8 };

struct attempt {
	const char *what; /* NULL ends a table */
	int (*try)(void);
	int needs; /* what keeps it out */
};

extern const struct attempt attempts_forbidden[], attempts_allowed[];

struct attempt_place {
	const struct responder *r;
	char config_dir[128];
	pid_t victim; /* a process of the same user, as the runner is */
};

/* One of them, to ask whether this machine allows it at all. */
int try_trace(void);

void attempts_at(const struct attempt_place *where);

#endif
