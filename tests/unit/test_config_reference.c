/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "buf.h"
#include "config.h"
#include "config_files.h"
#include "fsio.h"

#include <fcntl.h>

/*
 * The keys that users bring along from github-webhook-server: wrong values,
 * one rule each, and whole files that must load as they are.
 */

#define C	    "config.yaml:"
#define B	    "repositories:\n  api:\n    name: org/api\n"
#define P	    C "4: repositories.api."
#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static const struct wrong_file wrong[] = {
	{ "tox as a list", B "    tox: [main]\n",
	    P "tox: expected a mapping, got a list" },
	{ "tox as a word", B "    tox: all\n",
	    P "tox: expected a mapping, got a string" },
	{ "a branch of tox as a mapping", B "    tox: {main: {a: b}}\n",
	    P "tox.main: expected a string or a list, got a mapping" },
	{ "a branch of tox as a boolean", B "    tox: {main: true}\n",
	    P "tox.main: expected a string or a list, got a boolean" },
	{ "a branch of tox left empty", B "    tox: {main: }\n",
	    P "tox.main: expected a string or a list, got nothing" },
	{ "arguments of tox with an open quote",
	    B "    tox: {args: \"-e 'x\"}\n",
	    P "tox.args: expected a command with balanced quotes, got "
	      "\"-e 'x\"" },
	{ "pre-commit as a mapping", B "    pre-commit: {}\n",
	    P "pre-commit: expected true or false, got a mapping" },
	{ "pypi as a token", B "    pypi: token\n",
	    P "pypi: expected a mapping, got a string" },
	{ "an unknown key of pypi", B "    pypi: {tokn: abc}\n",
	    P "pypi.tokn: unknown key; did you mean token?" },
	{ "a title of no types", B "    conventional-title: \"\"\n",
	    P "conventional-title: expected \"*\" or types separated by "
	      "commas, such as \"feat,fix\", got \"\"" },
	{ "a title with a gap", B "    conventional-title: \"feat,,fix\"\n",
	    P "conventional-title: expected \"*\" or types separated by "
	      "commas, such as \"feat,fix\", got \"feat,,fix\"" },
	{ "custom checks as a mapping",
	    B "    custom-check-runs: {name: a, command: b}\n",
	    P "custom-check-runs: expected a list, got a mapping" },
	{ "a custom check without a name",
	    B "    custom-check-runs: [{command: make}]\n",
	    P "custom-check-runs[0].name: is required" },
	{ "a custom check without a command",
	    B "    custom-check-runs: [{name: a}]\n",
	    P "custom-check-runs[0].command: is required" },
	{ "a custom check with a name that is too long",
	    B "    custom-check-runs: [{command: x, name: aaaaaaaaaabbbbbbbbb"
	      "bccccccccccddddddddddeeeeeeeeeeffffffffffggggg}]\n",
	    P "custom-check-runs[0].name: expected 1 to 64 letters, digits, "
	      "\".\", \"_\" or \"-\", got \"aaaaaaaaaabbbbbbbbbbcccccccccc"
	      "ddddddddddeeeeeeeeeeffffffffff\"" },
	{ "a custom check with a server check's name",
	    B "    custom-check-runs: [{name: tox, command: make}]\n",
	    P "custom-check-runs[0].name: \"tox\" is the name of a check of "
	      "the server" },
	{ "two custom checks of one name",
	    B "    custom-check-runs:\n      - {name: a, command: x}\n"
	      "      - {name: a, command: y}\n",
	    C "6: repositories.api.custom-check-runs[1].name: \"a\" stands in "
	      "line 5 already" },
	{ "a custom check with an empty command",
	    B "    custom-check-runs: [{name: a, command: \"  \"}]\n",
	    P "custom-check-runs[0].command: expected a command with "
	      "balanced quotes, got \"  \"" },
	{ "a custom check with an open quote",
	    B "    custom-check-runs: [{name: a, command: echo \"x}]\n",
	    P "custom-check-runs[0].command: expected a command with "
	      "balanced quotes, got \"echo \"x\"" },
	{ "mandatory as a word",
	    B "    custom-check-runs: [{name: a, command: x, mandatory: "
	      "maybe}]\n",
	    P "custom-check-runs[0].mandatory: expected true or false, got a "
	      "string" },
	{ "a container without a repository",
	    B "    container: {username: u, password: p}\n",
	    P "container.repository: is required" },
	{ "a container without a user",
	    B "    container: {repository: q.io/o/a, password: p}\n",
	    P "container.username: is required" },
	{ "a container without a password",
	    B "    container: {repository: q.io/o/a, username: u}\n",
	    P "container: password or password-file is required" },
	{ "a container with two passwords",
	    B "    container: {repository: q.io/o/a, username: u, password: "
	      "p, password-file: /proc/self/comm}\n",
	    P "container: password and password-file exclude each other" },
	{ "a context outside the workspace",
	    "container:\n  context: ../other\n  username: u\n  password: p\n"
	    "  repository: q.io/o/a\n",
	    C "2: container.context: expected a path inside the repository "
	      "(letters, digits, \".\", \"_\", \"-\", \"/\"; not absolute, no "
	      "\"..\"), got \"../other\"" },
	{ "an absolute recipe",
	    "container:\n  username: u\n  password: p\n"
	    "  repository: q.io/o/a\n  dockerfile: /etc/passwd\n",
	    C "5: container.dockerfile: expected a path inside the repository "
	      "(letters, digits, \".\", \"_\", \"-\", \"/\"; not absolute, no "
	      "\"..\"), got \"/etc/passwd\"" },
	{ "build arguments as a mapping",
	    "container:\n  username: u\n  password: p\n"
	    "  repository: q.io/o/a\n  build-args: {A: b}\n",
	    C "5: container.build-args: expected a string or a list, got a "
	      "mapping" },
	{ "an unknown annotation",
	    "container:\n  username: u\n  password: p\n"
	    "  repository: q.io/o/a\n"
	    "  oci-annotations:\n    auto: {sources: true}\n",
	    C "6: container.oci-annotations.auto.sources: unknown key; did "
	      "you mean source?" },
	{ "a fixed annotation as a list",
	    "container:\n  username: u\n  password: p\n"
	    "  repository: q.io/o/a\n"
	    "  oci-annotations: {static: {vendor: [a]}}\n",
	    C "5: container.oci-annotations.static.vendor: expected a string, "
	      "got a list" },
	{ "an unknown kind of label",
	    "labels: {enabled-labels: [verified, lgtm]}\n",
	    C "1: labels.enabled-labels[1]: expected one of verified, hold, "
	      "wip, needs-rebase, has-conflicts, can-be-merged, size, branch, "
	      "cherry-pick, automerge; got \"lgtm\"" },
	{ "kinds of labels as a string", "labels: {enabled-labels: hold}\n",
	    C "1: labels.enabled-labels: expected a list, got a string" },
	{ "a colour with too few digits", "labels: {colors: {hold: \"#12\"}}\n",
	    C "1: labels.colors.hold: expected a CSS colour name or six "
	      "hexadecimal digits, got \"#12\"" },
	{ "colours as a list", "labels: {colors: [red]}\n",
	    C "1: labels.colors: expected a mapping, got a list" },
	{ "a size without a threshold",
	    "pr-size-thresholds:\n  Tiny: {color: red}\n",
	    C "2: pr-size-thresholds.Tiny.threshold: is required" },
	{ "a size with a negative threshold",
	    "pr-size-thresholds:\n  Tiny: {threshold: -5}\n",
	    C "2: pr-size-thresholds.Tiny.threshold: expected a positive "
	      "number or \"inf\", got \"-5\"" },
	{ "a size of zero", "pr-size-thresholds:\n  Tiny: {threshold: 0}\n",
	    C "2: pr-size-thresholds.Tiny.threshold: expected a positive "
	      "number or \"inf\", got \"0\"" },
	{ "a size as a number", "pr-size-thresholds: {Tiny: 5}\n",
	    C "1: pr-size-thresholds.Tiny: expected a mapping, got a "
	      "number" },
	{ "an unknown rule of protection",
	    "branch-protection: {strikt: true}\n",
	    C "1: branch-protection.strikt: unknown key; did you mean "
	      "strict?" },
	{ "too many reviews",
	    "branch-protection: {required_approving_review_count: 7}\n",
	    C "1: branch-protection.required_approving_review_count: expected "
	      "a value from 0 to 6, got 7" },
	{ "protected branches as a list", B "    protected-branches: [main]\n",
	    P "protected-branches: expected a mapping, got a list" },
	{ "a protected branch as a boolean",
	    B "    protected-branches: {main: true}\n",
	    P "protected-branches.main: expected a list or a mapping, got a "
	      "boolean" },
	{ "checks of a branch as a string",
	    B "    protected-branches: {main: {include-runs: a}}\n",
	    P "protected-branches.main.include-runs: expected a list, got a "
	      "string" },
	{ "an unknown key of a branch",
	    B "    protected-branches: {main: {includes: []}}\n",
	    P "protected-branches.main.includes: unknown key" },
	{ "commands on drafts as a boolean",
	    "allow-commands-on-draft-prs: true\n",
	    C "1: allow-commands-on-draft-prs: expected a list, got a "
	      "boolean" },
	{ "a login with a blank", "auto-verified-and-merged-users: [\"a b\"]\n",
	    C "1: auto-verified-and-merged-users[0]: expected a GitHub login, "
	      "got \"a b\"" },
	{ "a word for the number of LGTMs", B "    minimum-lgtm: one\n",
	    P "minimum-lgtm: expected an integer, got a string" },
	{ "a required label that is too long",
	    "can-be-merged-required-labels: [\"\"]\n",
	    C "1: can-be-merged-required-labels[0]: expected a label of 1 to "
	      "50 characters, got \"\"" },
	{ "branches to merge as a string", "set-auto-merge-prs: main\n",
	    C "1: set-auto-merge-prs: expected a list, got a string" },
	{ "security checks as a boolean", "security-checks: true\n",
	    C "1: security-checks: expected a mapping, got a boolean" },
	{ "a flag of security as a word", "security-checks: {mandatory: x}\n",
	    C "1: security-checks.mandatory: expected true or false, got a "
	      "string" },
	{ "suspicious paths as a string",
	    "security-checks: {suspicious-paths: .github/}\n",
	    C "1: security-checks.suspicious-paths: expected a list, got a "
	      "string" },
	{ "a suspicious path outside",
	    "security-checks: {suspicious-paths: [/etc/]}\n",
	    C "1: security-checks.suspicious-paths[0]: expected a path inside "
	      "the repository (letters, digits, \".\", \"_\", \"-\", \"/\"; "
	      "not absolute, no \"..\"), got \"/etc/\"" },
	{ "an unknown provider",
	    "ai-features: {ai-provider: llama, ai-model: x}\n",
	    C "1: ai-features.ai-provider: expected one of claude, gemini, "
	      "cursor; got \"llama\"" },
	{ "a model is needed", "ai-features: {ai-provider: claude}\n",
	    C "1: ai-features.ai-model: is required" },
	{ "an unknown mode of titles",
	    "ai-features:\n  ai-provider: claude\n  ai-model: x\n"
	    "  conventional-title: {enabled: true, mode: force}\n",
	    C "4: ai-features.conventional-title.mode: expected one of "
	      "suggest, fix; got \"force\"" },
	{ "an oracle without its server",
	    "test-oracle: {ai-provider: claude, ai-model: x}\n",
	    C "1: test-oracle.server-url: is required" },
	{ "an unknown trigger",
	    "test-oracle:\n  server-url: http://x\n  ai-provider: claude\n"
	    "  ai-model: x\n  triggers: [merged]\n",
	    C "5: test-oracle.triggers[0]: expected one of approved, "
	      "pr-opened, pr-synchronized; got \"merged\"" },
	{ "an App's ID as a word", "github-app-id: mine\n",
	    C "1: github-app-id: expected an integer, got a string" },
	{ "one token as a string", "github-tokens: ghp_x\n",
	    C "1: github-tokens: expected a list, got a string" },
	{ "an empty token", "github-tokens: [\"\"]\n",
	    C "1: github-tokens[0]: expected a text" },
	{ "the callback as an address", "webhook-ip: 192.0.2.1\n",
	    C "1: webhook-ip: expected a URL that begins with https:// or "
	      "http://, got \"192.0.2.1\"" },
	{ "events as a string", "events: push\n",
	    C "1: events: expected a list, got a string" },
	{ "an account as a string", "docker: me\n",
	    C "1: docker: expected a mapping, got a string" },
	{ "Slack's URL is never repeated",
	    "slack-webhook-url: hooks.slack.com/s3cret\n",
	    C "1: slack-webhook-url: expected a URL that begins with "
	      "https:// or http://" },
	{ "a port out of range", "port: 70000\n",
	    C "1: port: expected a value from 1 to 65535, got 70000" },
	{ "masking as a number", "mask-sensitive-data: 0\n",
	    C "1: mask-sensitive-data: expected true or false, got a "
	      "number" },
};

static void
wrong_files_are_explained(void **state)
{
	(void)state;
	check_wrong_files(wrong, COUNT(wrong));
}

static const struct {
	const char *text, *want;
} warned[] = {
	{ B "    tox-python-version: \"3.11\"\n",
	    P "tox-python-version: warning: deprecated: use "
	      "tox.python-version" },
	{ "max-workers: 10\n",
	    C "1: max-workers: warning: has no effect: the web server "
	      "listens; the responder is started by systemd or the web "
	      "server" },
	{ "mask-sensitive-data: false\n",
	    C "1: mask-sensitive-data: warning: has no effect: secrets are "
	      "always masked" },
	{ "log-level:\n",
	    C "1: log-level: warning: is empty and counts as not set" },
	{ "kinds: {pushes: {timeout: 3s}, push: {timeout: 3s}}\n",
	    C "1: kinds.pushes: warning: no known event" },
};

static void
doubtful_keys_are_warned_of(void **state)
{
	struct config_dir d;

	(void)state;
	config_dir_make(&d);
	for (size_t i = 0; i < COUNT(warned); i++) {
		struct config_report report = { 0 };
		struct config *c = NULL;
		struct err err = { 0 };

		config_free(config_of(&d, warned[i].text));
		assert_int_equal(config_load(&c, d.file, &report, &err), 0);
		assert_int_equal(report.errors, 0);
		assert_true(report.warnings >= 1);
		assert_string_equal(report.lines[0], warned[i].want);
		config_report_free(&report);
		config_free(c);
	}
	config_dir_remove(&d);
}

/* Files in the manner of the reference's documentation load as they are. */
static const char *const examples[] = {
	"tests/data/config/minimal.yaml",
	"tests/data/config/team.yaml",
	"tests/data/config/every-key.yaml",
};

static void
files_of_the_reference_load(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(examples); i++) {
		struct config_report report = { 0 };
		struct config *c = NULL;
		struct err err = { 0 };

		if (config_load(&c, examples[i], &report, &err) == -1)
			fail_msg("%s", err.text);
		assert_int_equal(report.errors, 0);
		assert_true(config_has_repository(c, "my-org/my-repo"));
		config_report_free(&report);
		config_free(c);
	}
}

static void
its_repository_file_loads(void **state)
{
	struct config_report report = { 0 };
	struct config *c = NULL, *over = NULL;
	struct err err = { 0 };
	struct buf text;

	(void)state;
	buf_init(&text, 65536);
	assert_int_equal(config_load(&c, examples[0], NULL, &err), 0);
	assert_int_equal(fs_read_file(&text, AT_FDCWD,
			     "tests/data/config/repository.yaml", &err),
	    0);
	if (config_overlay(&over, c, "my-org/my-repo", text.data, text.len,
		&report, &err) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(config_int(over, "my-org/my-repo", "minimum-lgtm"), 2);
	config_free(over);
	config_free(c);
	config_report_free(&report);
	buf_release(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_files_are_explained),
		cmocka_unit_test(doubtful_keys_are_warned_of),
		cmocka_unit_test(files_of_the_reference_load),
		cmocka_unit_test(its_repository_file_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
