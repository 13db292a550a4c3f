/* SPDX-License-Identifier: MIT */
/*
 * The table of event handlers is complete: each row has its file, its test
 * and its line of documentation. Run from the top of the source.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "event.h"
#include "events/events.h"
#include "fsio.h"
#include "head.h"

static int
mentions(const char *path, const char *part)
{
	struct buf text;
	struct err err;
	int found;

	buf_init(&text, 1 << 24);
	found = fs_read_file(&text, AT_FDCWD, path, &err) == 0 &&
		strstr(text.data, part) != NULL;
	buf_release(&text);
	return found;
}

static void
each_row_has_file_test_and_line(void **state)
{
	const struct event_row *row;
	char path[256], part[160];

	(void)state;
	for (size_t i = 0; (row = event_row_at(i)) != NULL; i++) {
		if (event_find(row->event) == NULL)
			fail_msg(
			    "%s: lib/event.c does not know it", row->event);
		snprintf(path, sizeof path, "jobs/events/%s.c", row->event);
		snprintf(part, sizeof part, "\nhandle_%s(", row->event);
		if (!mentions(path, part))
			fail_msg("%s: no handler in %s", row->event, path);
		snprintf(part, sizeof part, "{ \"%s\", ", row->event);
		if (!mentions("tests/unit/test_worker.c", part))
			fail_msg("%s: no row in tests/unit/test_worker.c",
			    row->event);
		snprintf(part, sizeof part, "\n| `%s` |", row->event);
		if (!mentions("docs/events.md", part))
			fail_msg("%s: no line in docs/events.md", row->event);
	}
	assert_true(row == NULL && event_row_at(0) != NULL);
}

static void
rows_are_found_by_what_they_need(void **state)
{
	struct job_head head = { .event = "ping" };

	(void)state;
	assert_non_null(event_row_find(&head));
	head.event[3] = '\0';
	assert_null(event_row_find(&head));
	head.event[0] = '\0';
	assert_null(event_row_find(&head));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_has_file_test_and_line),
		cmocka_unit_test(rows_are_found_by_what_they_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
