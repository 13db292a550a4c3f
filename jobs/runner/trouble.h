/* SPDX-License-Identifier: MIT */
#ifndef TROUBLE_H
#define TROUBLE_H

#include <stdint.h>

#include "err.h"

/*
 * Something that does not work now and may work later: a full disk, no more
 * processes. It is logged when it begins, when its reason changes and when
 * it is over, not each time it is tried; between tries the wait doubles, from
 * 1 s to 30 s.
 *
 * Calling sequence: a zeroed struct, trouble_tell() at each failure,
 * trouble_over() at each success.
 */

struct trouble {
	const char *what; /* what does not work; NULL: nothing */
	int64_t wait;	  /* the last one, ns */
	char why[ERR_TEXT_MAX];
};

/* Returns the time for the next try. `what` is a constant. */
int64_t trouble_tell(
    struct trouble *t, int64_t now, const char *what, const struct err *err);
void trouble_over(struct trouble *t);

#endif
