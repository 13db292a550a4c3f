/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* --help, made from the table. */

static void print_options(const char *title, const struct cli_option *options);
static int widest(const struct cli_command *level);

void
cli_help(const char *path, const struct cli_command *command,
    const struct cli_command *level)
{
	printf("usage: %s", path);
	if (level != NULL)
		printf(" COMMAND");
	if (command != NULL && command->args[0] != '\0')
		printf(" %s", command->args);
	printf(" [option...]\n");
	if (command != NULL)
		printf("\n%s\n", command->help);
	if (level != NULL) {
		int width = widest(level);

		printf("\ncommands:\n");
		for (; level->name != NULL; level++) {
			if (level->needs & CLI_HIDDEN)
				continue;
			printf("  %s %-*s  %s\n", level->name,
			    width - (int)strlen(level->name), level->args,
			    level->help);
		}
	}
	if (command != NULL && command->options != NULL)
		print_options("options", command->options);
	print_options("options of every command", cli_globals);
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

static int
widest(const struct cli_command *level)
{
	size_t width = 0;

	for (; level->name != NULL; level++) {
		size_t len = strlen(level->name) + strlen(level->args);

		if (!(level->needs & CLI_HIDDEN) && len > width)
			width = len;
	}
	return (int)width;
}
