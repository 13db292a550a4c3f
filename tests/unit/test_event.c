/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "event.h"

static void
the_table_is_ordered_and_complete(void **state)
{
	const struct event_kind *kind, *last = NULL;

	(void)state;
	for (size_t i = 0; (kind = event_at(i)) != NULL; i++) {
		if (last != NULL && strcmp(last->name, kind->name) >= 0)
			fail_msg("%s stands behind %s", kind->name, last->name);
		if (event_find(kind->name) != kind)
			fail_msg("%s is not found", kind->name);
		if (!event_name_valid(kind->name) || kind->subject[0] == NULL)
			fail_msg("%s: row is wrong", kind->name);
		last = kind;
	}
	assert_null(event_find("nothing"));
	assert_null(event_find(""));
	assert_null(event_find("pus"));
	assert_null(event_find("pushx"));
}

static const struct {
	const char *name;
	int valid;
} names[] = {
	{ "push", 1 },
	{ "projects_v2_item", 1 },
	{ "0", 1 },
	{ "", 0 },
	{ "Push", 0 },
	{ "push ", 0 },
	{ "pu-sh", 0 },
	{ "../push", 0 },
	{ "push\n", 0 },
	{ "a123456789b123456789c123456789d123456789e123456789f123456789abcd",
	    1 },
	{ "a123456789b123456789c123456789d123456789e123456789f123456789abcde",
	    0 },
};

static void
names_are_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (event_name_valid(names[i].name) != names[i].valid)
			fail_msg("'%s'", names[i].name);
	}
}

static const struct {
	const char *event, *action;
	int want;
} superseded[] = {
	{ "check_run", "completed", 1 },
	{ "check_run", "created", 1 },
	{ "check_run", "rerequested", 0 },
	{ "check_run", "requested_action", 0 },
	{ "check_run", NULL, 0 },
	{ "check_suite", "completed", 1 },
	{ "check_suite", "requested", 0 },
	{ "status", "", 1 },
	{ "status", NULL, 1 },
	{ "pull_request", "synchronize", 1 },
	{ "pull_request", "opened", 0 },
	{ "pull_request_review_thread", "resolved", 1 },
	{ "issue_comment", "created", 0 },
	{ "push", NULL, 0 },
	{ "nothing", "completed", 0 },
};

static void
only_rechecks_are_superseded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof superseded / sizeof *superseded; i++) {
		const struct event_kind *kind = event_find(superseded[i].event);

		if (event_supersedes(superseded[i].event,
			superseded[i].action) != superseded[i].want)
			fail_msg("%s", superseded[i].event);
		if (superseded[i].want &&
		    strcmp(superseded[i].event, "pull_request") != 0)
			assert_true(kind->flags & EVENT_RECHECK);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_ordered_and_complete),
		cmocka_unit_test(names_are_words),
		cmocka_unit_test(only_rechecks_are_superseded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
