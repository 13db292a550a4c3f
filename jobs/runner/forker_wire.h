/* SPDX-License-Identifier: MIT */
#ifndef FORKER_WIRE_H
#define FORKER_WIRE_H

#include <stdint.h>

/*
 * What runner and forker say to each other (forker.h), one message each on a
 * SOCK_SEQPACKET pair. The forker's first is an answer with pid 0. With a
 * request come descriptors, in this order: file, report, config and, with
 * `has_key`, the key's lock (child_enter.h). Both sides are of one build, for
 * the runner looks at the program's file before it asks.
 */

#define FORKER_FDS_MAX 4

struct forker_request {
	uint32_t attempt;
	uint32_t has_key;
};

struct forker_answer {
	int32_t pid; /* > 0; or what errno said, negative */
};

#endif
