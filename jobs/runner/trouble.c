/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "clock.h"
#include "log.h"
#include "runner/trouble.h"

#define WAIT_FIRST CLOCK_SECOND
#define WAIT_MOST  (30 * CLOCK_SECOND)

int64_t
trouble_tell(
    struct trouble *t, int64_t now, const char *what, const struct err *err)
{
	t->wait = t->wait == 0 ? WAIT_FIRST : 2 * t->wait;
	if (t->wait > WAIT_MOST)
		t->wait = WAIT_MOST;
	if (t->what == NULL || strcmp(t->why, err->text) != 0)
		log_event(LOG_ERROR_, "trouble", "%s: %s; it is tried again",
		    what, err->text);
	t->what = what;
	memcpy(t->why, err->text, sizeof t->why);
	return now + t->wait;
}

void
trouble_over(struct trouble *t)
{
	if (t->what == NULL)
		return;
	log_event(LOG_INFO_, "trouble_over", "%s works again", t->what);
	memset(t, 0, sizeof *t);
}
