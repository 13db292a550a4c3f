/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/*
 * Reading a command line against the table. getopt_long() is not used: it
 * takes abbreviations, which would turn into other options as the table
 * grows, and it writes messages of its own.
 */

static const struct cli_option *find_option(
    const struct cli_option *options, const char *name, size_t len);
static int take_option(struct cli *cli, int argc, char **argv, int *i);

const char *
cli_value(const struct cli *cli, const char *name)
{
	for (size_t i = cli->nvalues; i-- > 0;) {
		if (strcmp(cli->values[i].option->name, name) == 0)
			return cli->values[i].text;
	}
	return NULL;
}

/* The arguments that are no options are moved to the front of argv. */
int
cli_parse(struct cli *cli, int argc, char **argv)
{
	int rest = 0, only_args = 0;

	for (int i = 0; i < argc; i++) {
		if (only_args || argv[i][0] != '-' || argv[i][1] == '\0') {
			argv[rest++] = argv[i];
		} else if (strcmp(argv[i], "--") == 0) {
			only_args = 1;
		} else if (take_option(cli, argc, argv, &i) == -1) {
			return -1;
		}
	}
	cli->argc = rest;
	cli->argv = argv;
	return 0;
}

/* Options are "--name", "--name VALUE" and "--name=VALUE"; "-h" is help. */
static int
take_option(struct cli *cli, int argc, char **argv, int *i)
{
	const char *name = argv[*i] + 2, *equals;
	const struct cli_option *option = NULL;
	size_t len;

	if (strcmp(argv[*i], "-h") == 0)
		name = "help";
	else if (argv[*i][1] != '-')
		name = "";
	equals = strchr(name, '=');
	len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	if (cli->command != NULL && cli->command->options != NULL)
		option = find_option(cli->command->options, name, len);
	if (option == NULL)
		option = find_option(cli_globals, name, len);
	if (option == NULL)
		return cli_usage("unknown option %s", argv[*i]), -1;
	if (option->value == NULL && equals != NULL)
		return cli_usage("--%s takes no value", option->name), -1;
	if (option->value != NULL && equals == NULL && *i + 1 == argc)
		return cli_usage("--%s needs a value (%s)", option->name,
			   option->value),
		       -1;
	if (cli->nvalues == CLI_VALUES)
		return cli_usage("too many options"), -1;

	cli->values[cli->nvalues].option = option;
	if (option->value == NULL)
		cli->values[cli->nvalues].text = "";
	else
		cli->values[cli->nvalues].text =
		    equals != NULL ? equals + 1 : argv[++*i];
	cli->nvalues++;
	return 0;
}

static const struct cli_option *
find_option(const struct cli_option *options, const char *name, size_t len)
{
	for (; options->name != NULL; options++) {
		if (strlen(options->name) == len &&
		    memcmp(options->name, name, len) == 0)
			return options;
	}
	return NULL;
}
