/* SPDX-License-Identifier: MIT */
#ifndef CLI_H
#define CLI_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "record.h"

struct buf;
struct config;
struct spool;

/*
 * The operator's command, `hookspool`. Every command is a row of a table
 * (commands.c): its name, what it takes, what must be there before it runs,
 * one line of help. From the table come the dispatch, --help at each level
 * and the shell completion; a test holds docs/hookspool.1 against it.
 *
 * Calling sequence: cli_main() finds the row, reads the options the row
 * lists, opens the configuration and the spool if the row needs them, and
 * calls run(), whose answer is the exit code. A command writes to standard
 * output through screen.h; what failed goes to standard error with
 * cli_error(), which also gives the exit code.
 *
 * Exit codes: 0 done; 1 the answer is no (nothing found, a check failed);
 * 2 wrong usage; 100 and 111 for errors, by their class.
 */

#define CLI_YES	  0
#define CLI_NO	  1
#define CLI_USAGE 2

#define CLI_VALUES 16 /* options a command line can give */

struct cli_option {
	const char *name;  /* without dashes */
	const char *value; /* what it takes, as --help shows it; NULL: none */
	const char *help;  /* one line */
};

struct cli_value {
	const struct cli_option *option;
	const char *text; /* "" for an option that takes nothing */
};

struct cli {
	const struct cli_command *command;
	int argc; /* what is left beside the options */
	char *const *argv;
	struct cli_value values[CLI_VALUES];
	size_t nvalues;
	int json;	       /* one JSON document instead of text */
	struct config *config; /* where the row needs it, else NULL */
	struct spool *spool;
	char spool_path[4096]; /* "" where no spool is needed */
};

/* What must be there before run() is called. */
#define CLI_SPOOL  1u
#define CLI_CONFIG 2u
#define CLI_HIDDEN 4u /* not in --help: for the shell completion */

struct cli_command {
	const char *name;
	const char *args; /* as --help shows them: "ID..." */
	const char *help;
	unsigned needs;
	int least, most;		  /* arguments; most -1: any number */
	const struct cli_option *options; /* name NULL ends; NULL: none */
	const struct cli_command *sub;	  /* the level below; name NULL ends */
	int (*run)(struct cli *cli);
};

/* The top of the table, name NULL ends; and what every command takes. */
extern const struct cli_command cli_commands[];
extern const struct cli_option cli_globals[];

int cli_main(int argc, char **argv);

/* The option's value, "" if it takes none and was given, NULL if not. */
const char *cli_value(const struct cli *cli, const char *name);

/*
 * Reads the arguments behind a command's name: *cli gets the values and the
 * rest. -1 after a message on standard error.
 */
int cli_parse(struct cli *cli, int argc, char **argv) CHECKED;

/* --help of one level: `path` is what was typed to get there. */
void cli_help(const char *path, const struct cli_command *command,
    const struct cli_command *level);

/*
 * Opens the spool of --spool or of cli->config, as its owner: root gives its
 * rights up first, or what it leaves there would be out of the runner's
 * reach.
 */
int cli_open_spool(struct cli *cli, struct err *err) CHECKED;

/* "hookspool: text" on standard error; the exit code for the error. */
int cli_error(const struct err *err);
int cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The form of records the configuration asks for; lines without one. */
enum record_form cli_record_form(const struct cli *cli);

/* ---- the commands ---- */

extern const struct cli_command cli_config_commands[]; /* name NULL ends */
extern const struct cli_command cli_setup_commands[];

int cli_queue_list(struct cli *cli);
int cli_queue_show(struct cli *cli);
int cli_queue_retry(struct cli *cli);
int cli_queue_hold(struct cli *cli);
int cli_queue_release(struct cli *cli);
int cli_queue_cancel(struct cli *cli);
int cli_queue_drop(struct cli *cli);
int cli_status_list(struct cli *cli);
int cli_status_show(struct cli *cli);
int cli_status_clear(struct cli *cli);
int cli_status_retry(struct cli *cli);
int cli_replay(struct cli *cli);
int cli_logs(struct cli *cli);
int cli_stats(struct cli *cli);
int cli_hook_test(struct cli *cli);
int cli_doctor(struct cli *cli);
int cli_complete(struct cli *cli);

#endif
