/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>

#include "cli/cli.h"

#define WORDS 8

static const struct cli_option options[] = {
	{ "limit", "N", "" },
	{ "follow", NULL, "" },
	{ NULL, NULL, NULL },
};

static const struct cli_command command = { .name = "x", .options = options };

static const struct {
	const char *why;
	const char *words[WORDS];
	int rc, argc;
	const char *limit, *follow, *first;
} cases[] = {
	{ "no words", { NULL }, 0, 0, NULL, NULL, NULL },
	{ "an argument", { "a" }, 0, 1, NULL, NULL, "a" },
	{ "value behind a blank", { "--limit", "3" }, 0, 0, "3", NULL, NULL },
	{ "value behind =", { "--limit=3" }, 0, 0, "3", NULL, NULL },
	{ "an empty value", { "--limit=" }, 0, 0, "", NULL, NULL },
	{ "options behind arguments", { "a", "--follow", "b" }, 0, 2, NULL, "",
	    "a" },
	{ "the last of two counts", { "--limit=1", "--limit=2" }, 0, 0, "2",
	    NULL, NULL },
	{ "a value may look like an option", { "--limit", "--follow" }, 0, 0,
	    "--follow", NULL, NULL },
	{ "-- ends the options", { "--", "--follow", "--" }, 0, 2, NULL, NULL,
	    "--follow" },
	{ "a lone dash is an argument", { "-" }, 0, 1, NULL, NULL, "-" },
	{ "no abbreviations", { "--lim", "3" }, -1, 0, NULL, NULL, NULL },
	{ "no letters but -h", { "-l", "3" }, -1, 0, NULL, NULL, NULL },
	{ "a value is missing", { "--limit" }, -1, 0, NULL, NULL, NULL },
	{ "a value too many", { "--follow=1" }, -1, 0, NULL, NULL, NULL },
};

static int
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void
words_are_read_by_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct cli cli = { .command = &command };
		char room[WORDS][32], *argv[WORDS];
		int argc = 0;

		for (; cases[i].words[argc] != NULL; argc++) {
			snprintf(room[argc], sizeof room[argc], "%s",
			    cases[i].words[argc]);
			argv[argc] = room[argc];
		}
		if (cli_parse(&cli, argc, argv) != cases[i].rc)
			fail_msg("%s: want %d", cases[i].why, cases[i].rc);
		if (cases[i].rc == -1)
			continue;
		if (cli.argc != cases[i].argc ||
		    !same(cli_value(&cli, "limit"), cases[i].limit) ||
		    !same(cli_value(&cli, "follow"), cases[i].follow) ||
		    (cli.argc > 0 && !same(cli.argv[0], cases[i].first)))
			fail_msg("%s", cases[i].why);
	}
}

static void
too_many_options_are_refused(void **state)
{
	struct cli cli = { .command = &command };
	char word[] = "--follow", *argv[CLI_VALUES + 1];

	(void)state;
	for (size_t i = 0; i <= CLI_VALUES; i++)
		argv[i] = word;
	assert_int_equal(cli_parse(&cli, CLI_VALUES + 1, argv), -1);
}

/* What --help, completion and dispatch rely on. */
static void
check_level(const struct cli_command *level)
{
	for (; level->name != NULL; level++) {
		int ways = (level->run != NULL) + (level->sub != NULL);

		if (ways != 1 || level->args == NULL || level->help == NULL)
			fail_msg("%s: a row that is not whole", level->name);
		if (level->most != -1 && level->least > level->most)
			fail_msg("%s: counts", level->name);
		if (level->sub != NULL)
			check_level(level->sub);
	}
}

static void
every_row_is_whole(void **state)
{
	(void)state;
	check_level(cli_commands);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_read_by_the_table),
		cmocka_unit_test(too_many_options_are_refused),
		cmocka_unit_test(every_row_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
