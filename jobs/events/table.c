/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "events/events.h"
#include "head.h"

static const struct event_row rows[] = {
	{ "issues", NULL, handle_issues, NEEDS_REPOSITORY | NEEDS_NUMBER },
	{ "ping", NULL, handle_ping, 0 },
};

const struct event_row *
event_row_at(size_t i)
{
	return i < sizeof rows / sizeof *rows ? &rows[i] : NULL;
}

static int
is_wanted(const char *const *actions, const char *action)
{
	if (actions == NULL)
		return 1;
	while (*actions != NULL && strcmp(*actions, action) != 0)
		actions++;
	return *actions != NULL;
}

const struct event_row *
event_row_find(const struct job_head *head)
{
	unsigned has = (*head->repository != '\0' ? NEEDS_REPOSITORY : 0) |
		       (head->number > 0 ? NEEDS_NUMBER : 0);

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (strcmp(rows[i].event, head->event) == 0 &&
		    is_wanted(rows[i].actions, head->action) &&
		    (rows[i].needs & ~has) == 0)
			return &rows[i];
	}
	return NULL;
}
