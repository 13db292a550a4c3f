/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>

#include "clock.h"
#include "command.h"
#include "filetree.h"
#include "quota.h"

#define PAUSE_MIN (CLOCK_SECOND / 2) /* between two looks */
#define PAUSE	  20 /* times as long as a look took: at most 5 % of the time */

void
quota_init(struct quota *q, const struct command *c)
{
	*q = (struct quota){ .max = c->disk_max, .paths = { c->scratch } };
	if (c->cwd != NULL && strcmp(c->cwd, c->scratch) != 0)
		q->paths[1] = c->cwd;
	q->next = clock_boot() + PAUSE_MIN;
}

int64_t
quota_next(const struct quota *q)
{
	return q->max != 0 ? q->next : INT64_MAX;
}

int
quota_final(struct quota *q)
{
	uint64_t sum = 0;

	if (q->max == 0)
		return 0;
	for (size_t i = 0; i < 2 && q->paths[i] != NULL; i++) {
		uint64_t bytes;
		struct err ignored;

		/* What cannot be counted is on its way out. */
		if (filetree_size(
			AT_FDCWD, q->paths[i], q->max, &bytes, &ignored) == 0)
			sum += bytes;
	}
	q->bytes = sum;
	return sum > q->max;
}

int
quota_exceeded(struct quota *q)
{
	int64_t began = clock_boot(), pause;
	int over;

	if (q->max == 0 || began < q->next)
		return 0;
	over = quota_final(q);
	pause = (clock_boot() - began) * PAUSE;
	q->next = clock_boot() + (pause > PAUSE_MIN ? pause : PAUSE_MIN);
	return over;
}
