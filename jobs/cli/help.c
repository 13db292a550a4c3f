/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/*
 * --help, made from the table. Above the commands it is the whole of it: each
 * command with its options, so that one page shows what there is.
 */

#define MARGIN 72 /* columns of a synopsis */

static void print_level(const char *path, const struct cli_command *level);
static void print_synopsis(const char *path, const struct cli_command *row);
static void print_options(const char *title, const struct cli_option *options);

void
cli_help(const char *path, const struct cli_command *command,
    const struct cli_command *level)
{
	if (level != NULL) {
		printf("usage: %s COMMAND [option...]\n\n", path);
		print_level(path, level);
	} else {
		printf("usage: ");
		print_synopsis(path, command);
		printf("\n%s\n", command->help);
		if (command->options != NULL)
			print_options("options", command->options);
	}
	print_options("options of every command", cli_globals);
}

static void
print_level(const char *path, const struct cli_command *level)
{
	char longer[128];

	for (; level->name != NULL; level++) {
		if (level->needs & CLI_HIDDEN)
			continue;
		snprintf(longer, sizeof longer, "%s %s", path, level->name);
		if (level->sub != NULL) {
			print_level(longer, level->sub);
			continue;
		}
		print_synopsis(longer, level);
		printf("	%s\n", level->help);
	}
}

static void
print_synopsis(const char *path, const struct cli_command *row)
{
	int column = printf("%s", path);

	if (row->args[0] != '\0')
		column += printf(" %s", row->args);
	for (const struct cli_option *o = row->options;
	     o != NULL && o->name != NULL; o++) {
		char text[80];

		snprintf(text, sizeof text, "[--%s%s%s]", o->name,
		    o->value != NULL ? " " : "",
		    o->value != NULL ? o->value : "");
		if (column + 1 + (int)strlen(text) > MARGIN)
			column = printf("\n   ") - 1;
		column += printf(" %s", text);
	}
	putchar('\n');
}

static void
print_options(const char *title, const struct cli_option *options)
{
	printf("\n%s:\n", title);
	for (; options->name != NULL; options++) {
		char text[64];

		snprintf(text, sizeof text, "--%s%s%s", options->name,
		    options->value != NULL ? " " : "",
		    options->value != NULL ? options->value : "");
		printf("  %-20s  %s\n", text, options->help);
	}
}
