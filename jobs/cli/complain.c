/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "cli/cli.h"

/* What goes to standard error, and the exit code that goes with it. */

int
cli_error(const struct err *err)
{
	fprintf(stderr, "hookspool: %s\n", err->text);
	return err_exit_code(err->class);
}

int
cli_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("hookspool: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputs(" (hookspool --help tells more)\n", stderr);
	va_end(ap);
	return CLI_USAGE;
}
