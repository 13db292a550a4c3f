/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "config.h"
#include "spool.h"

/*
 * `hookspool complete -- WORD...`: what may stand where the cursor is, one
 * candidate a line, for scripts/completion/hookspool.bash. The words are
 * those behind "hookspool"; the last is what was begun. Says nothing where
 * something fails: nobody wants an error in the middle of typing.
 */

#define CANDIDATES 200 /* job IDs */

struct typed {
	struct cli *cli;
	const struct cli_command *row;	 /* the command, NULL: none yet */
	const struct cli_command *level; /* where its name is looked up */
	const char *begun;
	unsigned shown;
};

static void walk(struct typed *t);
static int takes_value(const struct typed *t, const char *word);
static int has_option(const struct cli_option *options, const char *name);
static void offer(struct typed *t, const char *prefix, const char *text);
static void offer_options(struct typed *t, const struct cli_option *options);
static void offer_jobs(struct typed *t);
static int offer_job(void *arg, const struct spool_name *name);

int
cli_complete(struct cli *cli)
{
	struct typed t = {
		.cli = cli,
		.level = cli_commands,
		.begun = cli->argc > 0 ? cli->argv[cli->argc - 1] : "",
	};

	walk(&t);
	if (t.begun[0] == '-') {
		if (t.row != NULL)
			offer_options(&t, t.row->options);
		offer_options(&t, cli_globals);
	} else if (t.level != NULL) {
		for (size_t i = 0; t.level[i].name != NULL; i++) {
			if (!(t.level[i].needs & CLI_HIDDEN))
				offer(&t, "", t.level[i].name);
		}
	} else if (strstr(t.row->args, "ID") != NULL) {
		offer_jobs(&t);
	}
	return CLI_YES;
}

/* Which row the words before the last have come to. */
static void
walk(struct typed *t)
{
	for (int i = 0; i + 1 < t->cli->argc; i++) {
		const char *word = t->cli->argv[i];
		const struct cli_command *row = t->level;

		if (word[0] == '-') {
			i += takes_value(t, word);
			continue;
		}
		while (row != NULL && row->name != NULL &&
		       strcmp(row->name, word) != 0)
			row++;
		if (row == NULL || row->name == NULL)
			continue;
		t->row = row;
		t->level = row->sub;
	}
}

static int
takes_value(const struct typed *t, const char *word)
{
	if (strncmp(word, "--", 2) != 0)
		return 0;
	return has_option(cli_globals, word + 2) ||
	       (t->row != NULL && has_option(t->row->options, word + 2));
}

static int
has_option(const struct cli_option *options, const char *name)
{
	for (; options != NULL && options->name != NULL; options++) {
		if (strcmp(options->name, name) == 0)
			return options->value != NULL;
	}
	return 0;
}

static void
offer(struct typed *t, const char *prefix, const char *text)
{
	char whole[128];

	snprintf(whole, sizeof whole, "%s%s", prefix, text);
	if (strncmp(whole, t->begun, strlen(t->begun)) != 0)
		return;
	puts(whole);
	t->shown++;
}

static void
offer_options(struct typed *t, const struct cli_option *options)
{
	for (; options != NULL && options->name != NULL; options++)
		offer(t, "--", options->name);
}

static void
offer_jobs(struct typed *t)
{
	struct err ignored = { 0 };

	if (config_load(&t->cli->config,
		config_default_path(cli_value(t->cli, "config")), NULL,
		&ignored) == -1)
		return;
	if (cli_open_spool(t->cli, &ignored) == -1)
		return;
	for (unsigned i = SPOOL_NEW; i < SPOOL_STATES; i++) {
		if (spool_each(t->cli->spool, i, offer_job, t, &ignored) != 0)
			return;
	}
}

static int
offer_job(void *arg, const struct spool_name *name)
{
	struct typed *t = arg;

	offer(t, "", name->id);
	return t->shown >= CANDIDATES;
}
