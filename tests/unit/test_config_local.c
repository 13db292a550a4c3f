/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"
#include "config_files.h"
#include "config_table.h"

/* A repository's own file is a stranger's: what it must not do. */

#define L	    ".github-webhook-server.yaml:"
#define ONLY	    "may be set in config.yaml only"
#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static const struct wrong_file wrong[] = {
	{ "its name", "name: evil/api\n", L "1: name: " ONLY },
	{ "other repositories", "repositories: {a: {name: o/a}}\n",
	    L "1: repositories: " ONLY },
	{ "where data is kept", "data-directory: /tmp\n",
	    L "1: data-directory: " ONLY },
	{ "the webhook's secret", "webhook-secret: x\n",
	    L "1: webhook-secret: " ONLY },
	{ "a file of the server as secret",
	    "webhook-secret-file: /etc/shadow\n",
	    L "1: webhook-secret-file: " ONLY },
	{ "that nothing need be signed", "allow-unsigned: true\n",
	    L "1: allow-unsigned: " ONLY },
	{ "who may send", "allow-ips: [0.0.0.0/0]\n", L "1: allow-ips: " ONLY },
	{ "which proxy is believed", "trusted-proxies: [0.0.0.0/0]\n",
	    L "1: trusted-proxies: " ONLY },
	{ "commands on the server",
	    "hooks:\n  - {name: a, command: [/bin/sh, -c, x]}\n",
	    L "1: hooks: " ONLY },
	{ "a limit", "limits: {min-free-bytes: 0}\n", L "1: limits: " ONLY },
	{ "how long things are kept", "retention: {log-age: 1s}\n",
	    L "1: retention: " ONLY },
	{ "how many jobs run", "concurrency: 1000\n",
	    L "1: concurrency: " ONLY },
	{ "how long a job runs", "job-timeout: 7d\n",
	    L "1: job-timeout: " ONLY },
	{ "how much output is kept", "max-output: 1G\n",
	    L "1: max-output: " ONLY },
	{ "limits of a kind of job", "kinds: {push: {timeout: 7d}}\n",
	    L "1: kinds: " ONLY },
	{ "who sees the logs", "viewer-users: [me]\n",
	    L "1: viewer-users: " ONLY },
	{ "the log", "log-level: DEBUG\n", L "1: log-level: " ONLY },
	{ "a log file", "log-file: /tmp/x\n", L "1: log-file: " ONLY },
	{ "masking", "mask-sensitive-data: false\n",
	    L "1: mask-sensitive-data: " ONLY },
	{ "tokens", "github-tokens: [x]\n", L "1: github-tokens: " ONLY },
	{ "a file as token", "github-tokens-file: /etc/shadow\n",
	    L "1: github-tokens-file: " ONLY },
	{ "the App", "github-app-id: 1\n", L "1: github-app-id: " ONLY },
	{ "where tokens are sent", "github-api-url: https://evil.example\n",
	    L "1: github-api-url: " ONLY },
	{ "where queries are sent",
	    "github-graphql-url: https://evil.example\n",
	    L "1: github-graphql-url: " ONLY },
	{ "whose certificates are believed", "ca-file: /tmp/ca.pem\n",
	    L "1: ca-file: " ONLY },
	{ "under which name statuses stand", "status-context: ci/build\n",
	    L "1: status-context: " ONLY },
	{ "events", "events: [push]\n", L "1: events: " ONLY },
	{ "the checks that branches require", "default-status-checks: []\n",
	    L "1: default-status-checks: " ONLY },
	{ "which branches are protected", "protected-branches: {main: []}\n",
	    L "1: protected-branches: " ONLY },
	{ "commands on drafts", "allow-commands-on-draft-prs: []\n",
	    L "1: allow-commands-on-draft-prs: " ONLY },
	{ "where tests are asked for",
	    "test-oracle: {server-url: http://10.0.0.1, ai-provider: claude, "
	    "ai-model: x}\n",
	    L "1: test-oracle: " ONLY },
	{ "sizes", "pr-size-thresholds: {S: {threshold: 1}}\n",
	    L "1: pr-size-thresholds: " ONLY },
	{ "how many must approve",
	    "branch-protection:\n  required_approving_review_count: 0\n",
	    L "2: branch-protection.required_approving_review_count: " ONLY },
	{ "an account", "docker: {username: x}\n", L "1: docker: " ONLY },
	{ "a password's file", "container: {password-file: /etc/shadow}\n",
	    L "1: container.password-file: " ONLY },
	{ "the issue job", "issue-job: {label: x}\n", L "1: issue-job: " ONLY },
	{ "workspaces", "workspace: {job-bytes: 1T}\n",
	    L "1: workspace: " ONLY },
	{ "a recipe outside its workspace",
	    "container: {dockerfile: /etc/passwd}\n",
	    L "1: container.dockerfile: expected a path inside the "
	      "repository (letters, digits, \".\", \"_\", \"-\", \"/\"; not "
	      "absolute, no \"..\"), got \"/etc/passwd\"" },
	{ "a context above its workspace", "container: {context: a/../../b}\n",
	    L "1: container.context: expected a path inside the repository "
	      "(letters, digits, \".\", \"_\", \"-\", \"/\"; not absolute, no "
	      "\"..\"), got \"a/../../b\"" },
	{ "an unknown key", "pre-comit: true\n",
	    L "1: pre-comit: unknown key; did you mean pre-commit?" },
	{ "a key that it may not set is not proposed", "hook: []\n",
	    L "1: hook: unknown key" },
	{ "an alias", "tox: *x\n", L "1:6: aliases are not supported" },
	{ "a wrong value", "minimum-lgtm: -1\n",
	    L "1: minimum-lgtm: expected a value from 0 to 1000, got -1" },
};

static void
strangers_are_refused(void **state)
{
	(void)state;
	check_wrong_local(wrong, COUNT(wrong));
}

/* Taken with a warning, since the reference takes them, and never seen. */
static const struct {
	const char *text, *key;
} ignored[] = {
	{ "slack-webhook-url: http://10.0.0.1/\n", "slack-webhook-url" },
	{ "pypi: {token: mine}\n", "pypi" },
	{ "container: {username: me}\n", "container.username" },
	{ "container: {password: mine}\n", "container.password" },
	{ "container: {repository: evil.example/x}\n", "container.repository" },
	{ "container: {args: \"-v /:/host\"}\n", "container.args" },
};

static int
has_line(const struct config_report *report, const char *want)
{
	for (size_t i = 0; i < report->errors + report->warnings; i++) {
		if (strcmp(report->lines[i], want) == 0)
			return 1;
	}
	return 0;
}

static void
secrets_and_ways_out_are_ignored_aloud(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ignored); i++) {
		struct config_report report = { 0 };
		struct config *c = NULL;
		struct err err = { 0 };
		char want[256];

		if (config_overlay(&c, NULL, "org/api", ignored[i].text,
			strlen(ignored[i].text), &report, &err) == -1)
			fail_msg("%s", err.text);
		snprintf(want, sizeof want,
		    L "1: %s: warning: not followed in a repository's own "
		      "file; set it in config.yaml",
		    ignored[i].key);
		if (!has_line(&report, want))
			fail_msg("no warning: %s", want);
		config_report_free(&report);
		config_free(c);
	}
}

static void
the_servers_secrets_stay_the_servers(void **state)
{
	static const char local[] =
	    "container: {username: me, password: mine, repository: "
	    "evil.example/x, args: [-v, \"/:/host\"]}\n"
	    "pypi: {token: mine}\nslack-webhook-url: http://10.0.0.1/\n";
	struct config_dir d;
	struct config *c, *over = NULL;
	struct err err = { 0 };
	const struct secret *const *secrets;
	const char *const *items;

	(void)state;
	config_dir_make(&d);
	c = config_of(&d, "repositories:\n  api:\n    name: org/api\n"
			  "    container: {username: u, password: p, "
			  "repository: q.io/x}\n");
	assert_int_equal(config_overlay(&over, c, "org/api", local,
			     sizeof local - 1, NULL, &err),
	    0);
	assert_string_equal(
	    config_str(over, "org/api", "container.repository"), "q.io/x");
	assert_int_equal(
	    config_list(over, "org/api", "container.args", &items), 0);
	assert_int_equal(
	    config_secrets(over, "org/api", "pypi.token", &secrets), 0);
	assert_null(config_node(over, "org/api", "pypi"));
	assert_int_equal(
	    config_secrets(over, "org/api", "slack-webhook-url", &secrets), 0);
	assert_int_equal(
	    config_secrets(over, "org/api", "container.password", &secrets), 1);
	config_free(over);
	config_free(c);
	config_dir_remove(&d);
}

/* The table itself: no row may ever open this door. */
static void
no_secret_has_the_local_scope(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_keys(); i++) {
		const struct config_key *key = config_key_at(i);

		if (key->marks & (MARK_SECRET | MARK_SECRET_FILE) &&
		    config_key_scopes(key) & SCOPE_LOCAL)
			fail_msg("%s may be set by a stranger", key->name);
	}
}

/* What is wrong in one repository's file is that repository's matter. */
static void
a_mistake_leaves_the_rest_alone(void **state)
{
	struct config_dir d;
	struct config *c, *over = NULL;
	struct err err = { 0 };

	(void)state;
	config_dir_make(&d);
	c = config_of(&d, "minimum-lgtm: 3\n");
	assert_int_equal(
	    config_overlay(&over, c, "org/api", "}", 1, NULL, &err), -1);
	assert_null(over);
	assert_int_equal(err.class, ERR_CONF);
	assert_int_equal(config_int(c, "org/api", "minimum-lgtm"), 3);
	config_free(c);
	config_dir_remove(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers_are_refused),
		cmocka_unit_test(secrets_and_ways_out_are_ignored_aloud),
		cmocka_unit_test(the_servers_secrets_stay_the_servers),
		cmocka_unit_test(no_secret_has_the_local_scope),
		cmocka_unit_test(a_mistake_leaves_the_rest_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
