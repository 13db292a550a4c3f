/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"
#include "nodump.h"

int
main(int argc, char **argv)
{
	nodump_process();
	return cli_main(argc, argv);
}
