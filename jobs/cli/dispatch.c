/* SPDX-License-Identifier: MIT */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "config.h"
#include "spool.h"

/*
 * From the command line to the row of the table that it names. What a row
 * needs is opened here, so that no command can forget to check.
 */

static const struct cli_command *find_row(
    const struct cli_command *level, const char *name);
static int skip_options(int argc, char **argv, int at);
static int dispatch(const char *path, const struct cli_command *level,
    const struct cli_command *parent, int argc, char **argv);
static int run_command(
    const char *path, const struct cli_command *row, int argc, char **argv);
static int show_level(const char *path, const struct cli_command *parent,
    const struct cli_command *level, int argc, char **argv);
static int open_needs(struct cli *cli, struct err *err);
static int find_spool(struct cli *cli, struct err *err);
static int become_owner(const struct cli *cli, struct err *err);

int
cli_main(int argc, char **argv)
{
	int code = dispatch(
	    "hookspool", cli_commands, NULL, argc > 0 ? argc - 1 : 0, argv + 1);

	if (fflush(stdout) == EOF && code == CLI_YES)
		code = EXIT_TRYAGAIN;
	return code;
}

/* Global options may stand before a command's name or behind it. */
static int
dispatch(const char *path, const struct cli_command *level,
    const struct cli_command *parent, int argc, char **argv)
{
	int at = skip_options(argc, argv, 0);
	const struct cli_command *row;
	char longer[128], *word;

	if (at >= argc)
		return show_level(path, parent, level, argc, argv);
	row = find_row(level, argv[at]);
	if (row == NULL)
		return cli_usage("%s %.40s: no such command", path, argv[at]);

	/* The name to the front, whatever stood before it behind it. */
	word = argv[at];
	memmove(argv + 1, argv, (size_t)at * sizeof *argv);
	argv[0] = word;
	snprintf(longer, sizeof longer, "%s %s", path, row->name);
	if (row->sub != NULL)
		return dispatch(longer, row->sub, row, argc - 1, argv + 1);
	return run_command(longer, row, argc - 1, argv + 1);
}

/* Index of the first word that is no global option nor a value of one. */
static int
skip_options(int argc, char **argv, int at)
{
	while (at < argc && argv[at][0] == '-') {
		int takes = 0;

		for (const struct cli_option *o = cli_globals; o->name; o++)
			takes |= o->value != NULL && argv[at][1] == '-' &&
				 strcmp(argv[at] + 2, o->name) == 0;
		at += 1 + takes;
	}
	return at;
}

static const struct cli_command *
find_row(const struct cli_command *level, const char *name)
{
	for (; level->name != NULL; level++) {
		if (strcmp(level->name, name) == 0)
			return level;
	}
	return NULL;
}

/* Options alone, without a command behind them. */
static int
show_level(const char *path, const struct cli_command *parent,
    const struct cli_command *level, int argc, char **argv)
{
	struct cli cli = { 0 };

	if (cli_parse(&cli, argc, argv) == -1)
		return CLI_USAGE;
	if (cli_value(&cli, "version") != NULL) {
		printf("hookspool %s\n", HOOKSPOOL_VERSION);
		return CLI_YES;
	}
	if (cli_value(&cli, "help") == NULL)
		return cli_usage("%s ... which command?", path);
	cli_help(path, parent, level);
	return CLI_YES;
}

static int
run_command(
    const char *path, const struct cli_command *row, int argc, char **argv)
{
	struct cli cli = { .command = row };
	struct err err = { 0 };
	int code;

	if (cli_parse(&cli, argc, argv) == -1)
		return CLI_USAGE;
	if (cli_value(&cli, "help") != NULL) {
		cli_help(path, row, NULL);
		return CLI_YES;
	}
	if (cli_value(&cli, "version") != NULL) {
		printf("hookspool %s\n", HOOKSPOOL_VERSION);
		return CLI_YES;
	}
	if (cli.argc < row->least || (row->most != -1 && cli.argc > row->most))
		return cli_usage("usage: %s %s", path, row->args);
	cli.json = cli_value(&cli, "json") != NULL;
	code = open_needs(&cli, &err) == -1 ? cli_error(&err) : row->run(&cli);
	spool_close(cli.spool);
	config_free(cli.config);
	return code;
}

static int
open_needs(struct cli *cli, struct err *err)
{
	unsigned needs = cli->command->needs;
	const char *given = cli_value(cli, "spool");

	if ((needs & CLI_CONFIG) || ((needs & CLI_SPOOL) && given == NULL)) {
		if (config_load(&cli->config,
			config_default_path(cli_value(cli, "config")), NULL,
			err) == -1)
			return err_prefix(err, "configuration");
	}
	return needs & CLI_SPOOL ? cli_open_spool(cli, err) : 0;
}

int
cli_open_spool(struct cli *cli, struct err *err)
{
	if (find_spool(cli, err) == -1 || become_owner(cli, err) == -1)
		return -1;
	return spool_open(&cli->spool, cli->spool_path, 0, err);
}

static int
become_owner(const struct cli *cli, struct err *err)
{
	struct stat st;

	if (geteuid() != 0 || stat(cli->spool_path, &st) == -1 ||
	    st.st_uid == 0)
		return 0;
	if (setgroups(1, &st.st_gid) == -1 || setgid(st.st_gid) == -1 ||
	    setuid(st.st_uid) == -1)
		return err_sys(err, "becoming the spool's owner");
	return 0;
}

static int
find_spool(struct cli *cli, struct err *err)
{
	const char *given = cli_value(cli, "spool");
	int n;

	if (given != NULL)
		n = snprintf(
		    cli->spool_path, sizeof cli->spool_path, "%s", given);
	else
		n = snprintf(cli->spool_path, sizeof cli->spool_path,
		    "%s/spool",
		    config_str(cli->config, NULL, "data-directory"));
	if (n < 0 || (size_t)n >= sizeof cli->spool_path)
		return err_set(err, ERR_CONF, 0, "spool directory: too long");
	return 0;
}

enum record_form
cli_record_form(const struct cli *cli)
{
	const char *form = cli->config == NULL
			       ? NULL
			       : config_str(cli->config, NULL, "log-format");

	return form != NULL && strcmp(form, "pretty") == 0 ? RECORD_PRETTY
							   : RECORD_LINES;
}
