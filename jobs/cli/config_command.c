/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "cli/config_command.h"
#include "config.h"
#include "config_layers.h"
#include "fsio.h"
#include "json.h"

/*
 * hookspool config check|show|schema|doc. The files are named on the command
 * line or found as all programs find theirs; nothing is changed.
 */

#define LOCAL_MAX  (1024 * 1024) /* bytes read of a repository's own file */
#define OUTPUT_MAX (16 * 1024 * 1024)

static int run_check(struct cli *cli);
static int run_schema(struct cli *cli);
static int run_doc(struct cli *cli);

static const struct cli_option check_options[] = {
	{ "local", NULL, "the files are repositories' own" },
	{ NULL, NULL, NULL },
};
static const struct cli_option show_options[] = {
	{ "repo", "OWNER/NAME", "what holds for this repository" },
	{ "local", "FILE", "with the repository's own file over it" },
	{ "origin", NULL, "where each value comes from" },
	{ NULL, NULL, NULL },
};
static const struct cli_option schema_options[] = {
	{ "local", NULL, "of a repository's own file" },
	{ NULL, NULL, NULL },
};
static const struct cli_option doc_options[] = {
	{ "markdown", NULL, "for docs/configuration.md" },
	{ "man", NULL, "for docs/config.5" },
	{ NULL, NULL, NULL },
};

const struct cli_command cli_config_commands[] = {
	{ .name = "check",
	    .args = "[FILE...]",
	    .help = "say what is wrong with a configuration",
	    .most = -1,
	    .options = check_options,
	    .run = run_check },
	{ .name = "show",
	    .args = "",
	    .help = "the value of every key, without secrets",
	    .options = show_options,
	    .run = config_show },
	{ .name = "schema",
	    .args = "",
	    .help = "JSON Schema, for editors",
	    .options = schema_options,
	    .run = run_schema },
	{ .name = "doc",
	    .args = "",
	    .help = "the key reference of the manual",
	    .needs = CLI_HIDDEN,
	    .options = doc_options,
	    .run = run_doc },
	{ .name = NULL },
};

/* ---- check ---- */

static void
print_report(const char *path, const struct config_report *report)
{
	for (size_t i = 0; i < report->errors + report->warnings; i++)
		printf("%s\n", report->lines[i]);
	if (report->errors > 0)
		printf("%s: %zu error%s\n", path, report->errors,
		    report->errors == 1 ? "" : "s");
	else if (report->warnings > 0)
		printf("%s: good, %zu warning%s\n", path, report->warnings,
		    report->warnings == 1 ? "" : "s");
	else
		printf("%s: good\n", path);
}

static void
put_lines(struct buf *json, const char *key, char *const *lines, size_t n)
{
	json_put_key(json, key);
	buf_addc(json, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(json, ',');
		json_put_string(json, lines[i]);
	}
	buf_addc(json, ']');
}

static void
put_report(
    struct buf *json, const char *path, const struct config_report *report)
{
	if (json->len > 1)
		buf_addc(json, ',');
	buf_addc(json, '{');
	json_put_member(json, "file", path);
	put_lines(json, "errors", report->lines, report->errors);
	put_lines(
	    json, "warnings", report->lines + report->errors, report->warnings);
	buf_addc(json, '}');
}

static int
check_local(const char *path, struct config_report *report, struct err *err)
{
	struct config *c;
	struct buf text;
	int r = -1;

	buf_init(&text, LOCAL_MAX);
	if (fs_read_file(&text, AT_FDCWD, path, err) == 0)
		r = config_overlay(
		    &c, NULL, "", text.data, text.len, report, err);
	if (r == 0)
		config_free(c);
	buf_release(&text);
	return r;
}

/* 0 good, 1 not good; a file that cannot be read is a line of its own. */
static int
check_file(struct cli *cli, const char *path, struct buf *json)
{
	struct config_report report = { 0 };
	struct config *c;
	struct err err = { 0 };
	char *line = err.text;
	int r;

	if (cli_value(cli, "local") != NULL) {
		r = check_local(path, &report, &err);
	} else {
		r = config_load_with(
		    &c, path, CONFIG_CHECK_MODES, &report, &err);
		if (r == 0)
			config_free(c);
	}
	if (r == -1 && report.errors == 0) {
		struct config_report unread = { &line, 1, 0 };

		if (cli->json)
			put_report(json, path, &unread);
		else
			print_report(path, &unread);
		return 1;
	}
	if (cli->json)
		put_report(json, path, &report);
	else
		print_report(path, &report);
	config_report_free(&report);
	return r == -1;
}

static int
run_check(struct cli *cli)
{
	const char *usual = config_default_path(cli_value(cli, "config"));
	struct buf json;
	int bad = 0;

	if (cli_value(cli, "local") != NULL && cli->argc == 0)
		return cli_usage("config check --local needs a FILE");
	buf_init(&json, OUTPUT_MAX);
	buf_addc(&json, '[');
	if (cli->argc == 0)
		bad = check_file(cli, usual, &json);
	for (int i = 0; i < cli->argc; i++)
		bad |= check_file(cli, cli->argv[i], &json);
	buf_addc(&json, ']');
	if (cli->json)
		puts(json.data);
	buf_release(&json);
	return bad ? CLI_NO : CLI_YES;
}

/* ---- schema, doc ---- */

static int
print_made(struct buf *out, const char *what)
{
	struct err err = { 0 };
	int r = CLI_YES;

	if (buf_check(out, what, &err) == -1)
		r = cli_error(&err);
	else
		fputs(out->data, stdout);
	buf_release(out);
	return r;
}

static int
run_schema(struct cli *cli)
{
	struct buf out;

	buf_init(&out, OUTPUT_MAX);
	config_schema(&out, cli_value(cli, "local") != NULL);
	buf_addc(&out, '\n');
	return print_made(&out, "schema");
}

static int
run_doc(struct cli *cli)
{
	struct buf out;

	buf_init(&out, OUTPUT_MAX);
	if (cli_value(cli, "man") != NULL)
		config_man(&out);
	else
		config_markdown(&out);
	return print_made(&out, "key reference");
}
