/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

/* The whole command line as a table: see cli.h. */

/* clang-format off */
const struct cli_option cli_globals[] = {
	{ "config", "FILE", "configuration file" },
	{ "spool", "DIR", "spool directory, instead of the configuration's" },
	{ "json", NULL, "one JSON document instead of text" },
	{ "help", NULL, "this text" },
	{ "version", NULL, "print the version" },
	{ NULL, NULL, NULL },
};

const struct cli_command cli_commands[] = {
	{ NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL, NULL },
};
/* clang-format on */
