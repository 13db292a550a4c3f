/* SPDX-License-Identifier: MIT */
#ifndef SPOOL_SEEN_H
#define SPOOL_SEEN_H

#include "clock.h"

/*
 * Names and times in seen/ that both who makes entries (spool_seen.c) and
 * who sweeps them (spool_sweep.c) must know. Inside the spool only.
 */

#define SEEN_ANCHOR	 ".anchor-"
#define SEEN_ANCHOR_LIFE (3600 * CLOCK_SECOND) /* then a new one is made */

#endif
