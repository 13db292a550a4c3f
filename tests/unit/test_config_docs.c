/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>

#include "buf.h"
#include "cli/config_command.h"
#include "config.h"
#include "fsio.h"

/* The pages say what the table says; `scripts/config-docs` makes it so. */

static void
check_page(const char *page, const char *begin, const char *end,
    void (*make)(struct buf *out))
{
	struct err err = { 0 };
	struct buf text, made;
	char *from, *to;

	buf_init(&text, 4 * 1024 * 1024);
	buf_init(&made, 4 * 1024 * 1024);
	if (fs_read_file(&text, AT_FDCWD, page, &err) == -1)
		fail_msg("%s", err.text);
	make(&made);
	assert_int_equal(buf_check(&made, page, &err), 0);
	from = strstr(text.data, begin);
	assert_non_null(from);
	from = strchr(from, '\n') + 1;
	to = strstr(from, end);
	assert_non_null(to);
	*to = '\0';
	if (strcmp(from, made.data) != 0)
		fail_msg("%s is not what the table says: run "
			 "scripts/config-docs",
		    page);
	buf_release(&text);
	buf_release(&made);
}

static void
pages_follow_the_table(void **state)
{
	(void)state;
	check_page("docs/configuration.md",
	    "<!-- keys:", "<!-- end of keys -->", config_markdown);
	check_page(
	    "docs/config.5", ".\\\" keys:", ".\\\" end of keys", config_man);
}

static void
the_example_has_no_mistake(void **state)
{
	struct config_report report = { 0 };
	struct config *c = NULL;
	struct err err = { 0 };

	(void)state;
	/* It names a secret's file, which is not there in a test. */
	assert_int_equal(
	    config_load(&c, "docs/examples/config.yaml", &report, &err), -1);
	for (size_t i = 0; i < report.errors; i++) {
		if (strstr(report.lines[i], "No such file") == NULL)
			fail_msg("%s", report.lines[i]);
	}
	config_report_free(&report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_follow_the_table),
		cmocka_unit_test(the_example_has_no_mistake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
