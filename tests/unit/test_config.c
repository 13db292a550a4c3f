/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "config.h"
#include "config_files.h"
#include "secret.h"

/* What the getters answer: layers, merging, secrets, several repositories. */

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))
#define API	    "org/api"

static struct config_dir dir;

static int
make_dir(void **state)
{
	(void)state;
	config_dir_make(&dir);
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	config_dir_remove(&dir);
	return 0;
}

/* config.yaml, and a local file over it where there is one. */
static struct config *
stack(struct config **base, const char *text, const char *local)
{
	struct config *over = NULL;
	struct err err = { 0 };

	*base = config_of(&dir, text);
	if (local == NULL)
		return *base;
	if (config_overlay(
		&over, *base, API, local, strlen(local), NULL, &err) == -1)
		fail_msg("%s", err.text);
	return over;
}

static void
unstack(struct config *base, struct config *top)
{
	if (top != base)
		config_free(top);
	config_free(base);
}

#define BLOCK "repositories:\n  api:\n    name: org/api\n"

static const struct {
	const char *why, *root, *block, *local, *key, *want;
} layers[] = {
	{ "nothing set: the default", "", "", NULL, "conventional-title",
	    NULL },
	{ "the default of the table", "", "", NULL, "log-level", "INFO" },
	{ "the top beats the default", "log-level: ERROR\n", "", NULL,
	    "log-level", "ERROR" },
	{ "the block beats the top", "log-level: ERROR\n",
	    "    log-level: DEBUG\n", NULL, "log-level", "DEBUG" },
	{ "the local file beats the block", "conventional-title: feat\n",
	    "    conventional-title: fix\n", "conventional-title: docs\n",
	    "conventional-title", "docs" },
	{ "the local file beats the top", "conventional-title: feat\n", "",
	    "conventional-title: docs\n", "conventional-title", "docs" },
	{ "a local file that is silent changes nothing",
	    "conventional-title: feat\n", "", "pre-commit: true\n",
	    "conventional-title", "feat" },
	{ "an empty string is a value", "welcome-extra-info: hello\n",
	    "    welcome-extra-info: \"\"\n", NULL, "welcome-extra-info", "" },
	{ "zero is a value", "minimum-lgtm: 2\n", "    minimum-lgtm: 0\n", NULL,
	    "minimum-lgtm", "0" },
	{ "an empty key is none", "minimum-lgtm: 2\n", "    minimum-lgtm:\n",
	    NULL, "minimum-lgtm", "2" },
	{ "a null is none", "minimum-lgtm: 2\n", "    minimum-lgtm: ~\n", NULL,
	    "minimum-lgtm", "2" },
	{ "a mapping replaces the one below",
	    "ai-features: {ai-provider: claude, ai-model: x, "
	    "conventional-title: {mode: fix}}\n",
	    "    ai-features: {ai-provider: gemini, ai-model: y}\n", NULL,
	    "ai-features.conventional-title.mode", "suggest" },
	{ "the same, its own member",
	    "ai-features: {ai-provider: claude, ai-model: x}\n",
	    "    ai-features: {ai-provider: gemini, ai-model: y}\n", NULL,
	    "ai-features.ai-model", "y" },
	{ "branch protection is merged: the block's",
	    "branch-protection: {required_approving_review_count: 1}\n",
	    "    branch-protection: {required_approving_review_count: 3}\n",
	    NULL, "branch-protection.required_approving_review_count", "3" },
	{ "branch protection is merged: the top's where the block is silent",
	    "branch-protection: {required_approving_review_count: 1}\n",
	    "    branch-protection: {strict: false}\n",
	    "branch-protection: {required_conversation_resolution: false}\n",
	    "branch-protection.required_approving_review_count", "1" },
	{ "a container's recipe may be the repository's", "",
	    "    container: {repository: q.io/x, username: u, "
	    "password: p}\n",
	    "container: {dockerfile: deploy/Dockerfile}\n",
	    "container.dockerfile", "deploy/Dockerfile" },
	{ "but never where images go", "",
	    "    container: {repository: q.io/x, username: u, "
	    "password: p}\n",
	    "container: {repository: evil.example/x, tag: t}\n",
	    "container.repository", "q.io/x" },
};

static void
the_strongest_layer_that_is_set_wins(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(layers); i++) {
		char text[1024];
		struct config *base, *c;
		const char *got;

		snprintf(text, sizeof text, "%s" BLOCK "%s", layers[i].root,
		    layers[i].block);
		c = stack(&base, text, layers[i].local);
		got = config_str(c, API, layers[i].key);
		if ((got == NULL) != (layers[i].want == NULL) ||
		    (got != NULL && strcmp(got, layers[i].want) != 0))
			fail_msg("%s: got %s, want %s", layers[i].why,
			    got != NULL ? got : "nothing",
			    layers[i].want != NULL ? layers[i].want
						   : "nothing");
		unstack(base, c);
	}
}

static void
a_local_file_is_its_repositorys_alone(void **state)
{
	struct config *base, *c;

	(void)state;
	c = stack(&base,
	    "minimum-lgtm: 1\nrepositories:\n"
	    "  api: {name: org/api}\n  b: {name: org/b}\n",
	    "minimum-lgtm: 5\n");
	assert_int_equal(config_int(c, API, "minimum-lgtm"), 5);
	assert_int_equal(config_int(c, "Org/API", "minimum-lgtm"), 5);
	assert_int_equal(config_int(c, "org/b", "minimum-lgtm"), 1);
	assert_int_equal(config_int(c, NULL, "minimum-lgtm"), 1);
	assert_int_equal(config_int(base, API, "minimum-lgtm"), 1);
	unstack(base, c);
}

/* The reference merges only two of the three levels of colours. */
static void
labels_are_merged_over_all_levels(void **state)
{
	struct config *base, *c;
	const struct config_value *colors;
	const char *const *kinds;

	(void)state;
	c = stack(&base,
	    "labels: {enabled-labels: [hold], colors: {hold: red, wip: "
	    "red}}\n" BLOCK "    labels: {colors: {wip: blue, size/S: "
	    "blue}}\n",
	    "labels: {colors: {size/S: green}}\n");
	colors = config_node(c, API, "labels.colors");
	assert_int_equal(value_count(colors), 3);
	assert_string_equal(value_str(value_get(colors, "hold")), "red");
	assert_string_equal(value_str(value_get(colors, "wip")), "blue");
	assert_string_equal(value_str(value_get(colors, "size/S")), "green");
	assert_int_equal(
	    config_list(c, API, "labels.enabled-labels", &kinds), 1);
	assert_string_equal(kinds[0], "hold");
	unstack(base, c);
}

static void
types_come_in_their_units(void **state)
{
	struct config *c = config_of(&dir,
	    "job-timeout: 90\nstop-grace: 250ms\nretry-for: 2d\n"
	    "max-output: 64k\nlimits: {min-free-bytes: 3G}\n"
	    "concurrency: 7\nallow-unsigned: on\n");

	(void)state;
	assert_int_equal(
	    config_duration(c, NULL, "job-timeout"), 90 * CLOCK_SECOND);
	assert_int_equal(
	    config_duration(c, NULL, "stop-grace"), 250 * CLOCK_MSEC);
	assert_int_equal(
	    config_duration(c, NULL, "retry-for"), 2 * 86400 * CLOCK_SECOND);
	assert_int_equal(config_size(c, NULL, "max-output"), 65536);
	assert_int_equal(
	    config_size(c, NULL, "limits.min-free-bytes"), UINT64_C(3) << 30);
	assert_int_equal(config_size(c, NULL, "limits.max-queued-bytes"),
	    UINT64_C(10) << 30);
	assert_int_equal(config_int(c, NULL, "concurrency"), 7);
	assert_int_equal(config_bool(c, NULL, "allow-unsigned"), 1);
	config_free(c);
}

static void
lists_may_be_one_string(void **state)
{
	struct config *c = config_of(&dir,
	    "allow-ips: 192.0.2.0/24\ntrusted-proxies: [10.0.0.0/8, "
	    "fd00::/8]\n");
	const char *const *items = NULL;

	(void)state;
	assert_int_equal(config_list(c, NULL, "allow-ips", &items), 1);
	assert_string_equal(items[0], "192.0.2.0/24");
	assert_int_equal(config_list(c, NULL, "trusted-proxies", &items), 2);
	assert_string_equal(items[1], "fd00::/8");
	assert_int_equal(config_list(c, NULL, "viewer-users", &items), 0);
	assert_int_equal(config_list(c, NULL, "events", &items), 1);
	assert_string_equal(items[0], "*");
	config_free(c);
}

/* The reference keys its blocks by the short name and cannot do this. */
static void
same_short_names_are_two_repositories(void **state)
{
	struct config *c =
	    config_of(&dir, "repositories:\n"
			    "  tools: {name: red/tools, minimum-lgtm: 1}\n"
			    "  other: {name: blue/tools, minimum-lgtm: 2}\n");
	const char *const *names;

	(void)state;
	assert_int_equal(config_int(c, "red/tools", "minimum-lgtm"), 1);
	assert_int_equal(config_int(c, "blue/tools", "minimum-lgtm"), 2);
	assert_true(config_has_repository(c, "Blue/Tools"));
	assert_false(config_has_repository(c, "green/tools"));
	assert_false(config_has_repository(c, "tools"));
	assert_int_equal(config_repositories(c, &names), 2);
	assert_string_equal(names[0], "blue/tools");
	assert_string_equal(names[1], "red/tools");
	config_free(c);
}

/* ---- secrets ---- */

static void
check_secrets(const struct config *c, const char *repository, const char *key,
    const char *const *want)
{
	const struct secret *const *got = NULL;
	size_t n = config_secrets(c, repository, key, &got), i;

	for (i = 0; want[i] != NULL; i++) {
		assert_true(i < n);
		assert_string_equal(secret_bytes(got[i]), want[i]);
	}
	assert_int_equal(n, i);
}

#define SECRETS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
secrets_come_from_values_files_and_environment(void **state)
{
	char text[1024];
	struct config *c;

	(void)state;
	config_dir_write(&dir, "hook", "from-a-file\n", 12);
	config_dir_write(&dir, "credential", "from-systemd\n", 13);
	setenv("HOOKSPOOL_TEST_SECRET", "from-the-environment", 1);
	setenv("CREDENTIALS_DIRECTORY", dir.path, 1);
	snprintf(text, sizeof text,
	    "webhook-secret: from-a-value\n"
	    "webhook-secrets: [\"${HOOKSPOOL_TEST_SECRET}\", \"a${B}c\"]\n"
	    "webhook-secret-file: [%s/hook, credential]\n"
	    "github-tokens: [token-one, token-two]\n"
	    "repositories:\n"
	    "  a: {name: o/a, webhook-secret: its-own-secret}\n"
	    "  b: {name: o/b, pypi: {token: b-token}}\n",
	    dir.path);
	c = config_of(&dir, text);
	check_secrets(c, NULL, "webhook-secret",
	    SECRETS("from-a-value", "from-the-environment", "a${B}c",
		"from-a-file", "from-systemd"));
	check_secrets(c, "o/a", "webhook-secret", SECRETS("its-own-secret"));
	check_secrets(c, "o/b", "webhook-secret",
	    SECRETS("from-a-value", "from-the-environment", "a${B}c",
		"from-a-file", "from-systemd"));
	check_secrets(
	    c, "o/a", "github-tokens", SECRETS("token-one", "token-two"));
	check_secrets(c, "o/b", "pypi.token", SECRETS("b-token"));
	check_secrets(c, "o/a", "pypi.token", SECRETS(NULL));
	/* The text of a secret is gone from the tree. */
	assert_string_equal(
	    value_str(value_get(config_node(c, "o/b", "pypi"), "token")), "");
	config_free(c);
	unsetenv("HOOKSPOOL_TEST_SECRET");
	unsetenv("CREDENTIALS_DIRECTORY");
}

/* A mapping that is replaced takes its secrets with it; a merged one not. */
static void
secrets_follow_their_mapping(void **state)
{
	struct config *c = config_of(&dir,
	    "pypi: {token: top-token}\n"
	    "container: {username: u, password: top-password, repository: "
	    "q.io/x}\n"
	    "repositories:\n"
	    "  a: {name: o/a, pypi: {}, container: {tag: t}}\n"
	    "  b: {name: o/b}\n");

	(void)state;
	check_secrets(c, "o/a", "pypi.token", SECRETS(NULL));
	check_secrets(c, "o/b", "pypi.token", SECRETS("top-token"));
	check_secrets(c, "o/a", "container.password", SECRETS("top-password"));
	config_free(c);
}

/* Found in another order: by line, errors before warnings. */
static void
problems_are_told_in_order(void **state)
{
	static const char text[] = "port: 1\nhooks:\n  - name: a\n"
				   "repositories: {}\nport2: 1\n"
				   "concurrency: 0\nmax-workers: 2\n";
	static const char *const starts[] = { "config.yaml:3: hooks[0].",
		"config.yaml:4: repositories:", "config.yaml:5: port2:",
		"config.yaml:6: concurrency:", "config.yaml:1: port: warn",
		"config.yaml:7: max-workers: warn" };
	struct config_report report = { 0 };
	struct config *c = NULL;
	struct err err = { 0 };

	(void)state;
	config_dir_write(&dir, NULL, text, sizeof text - 1);
	assert_int_equal(config_load(&c, dir.file, &report, &err), -1);
	assert_int_equal(report.errors, 4);
	assert_int_equal(report.warnings, 2);
	for (size_t i = 0; i < COUNT(starts); i++) {
		if (strncmp(report.lines[i], starts[i], strlen(starts[i])))
			fail_msg("%zu: %s", i, report.lines[i]);
	}
	config_report_free(&report);
}

/* Of ten thousand mistakes the first ones are kept. */
static void
problems_are_limited(void **state)
{
	size_t n = 10000, len = 0;
	char *text = malloc(n * 16 + 16);
	struct config_report report = { 0 };
	struct config *c = NULL;
	struct err err = { 0 };

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, 16, "wrong-%zu: 1\n", i);
	config_dir_write(&dir, NULL, text, len);
	assert_int_equal(config_load(&c, dir.file, &report, &err), -1);
	assert_true(report.errors <= 200);
	assert_int_equal(strncmp(err.text, "config.yaml:1: wrong-0: ", 24), 0);
	config_report_free(&report);
	free(text);
}

/* Only where the table says so: elsewhere "${X}" is what it is. */
static void
nothing_else_is_expanded(void **state)
{
	struct config *c;

	(void)state;
	setenv("HOOKSPOOL_TEST_SECRET", "no", 1);
	c = config_of(
	    &dir, "welcome-extra-info: \"${HOOKSPOOL_TEST_SECRET}\"\n");
	assert_string_equal(config_str(c, NULL, "welcome-extra-info"),
	    "${HOOKSPOOL_TEST_SECRET}");
	config_free(c);
	unsetenv("HOOKSPOOL_TEST_SECRET");
}

/* ---- where the file is ---- */

static void
the_first_path_that_is_given_is_taken(void **state)
{
	(void)state;
	unsetenv("HOOKSPOOL_CONFIG");
	unsetenv("WEBHOOK_SERVER_DATA_DIR");
	assert_string_equal(
	    config_default_path(NULL), "/etc/hookspool/config.yaml");
	setenv("WEBHOOK_SERVER_DATA_DIR", "/home/podman/data", 1);
	assert_string_equal(
	    config_default_path(NULL), "/home/podman/data/config.yaml");
	setenv("HOOKSPOOL_CONFIG", "/x.yaml", 1);
	assert_string_equal(config_default_path(NULL), "/x.yaml");
	assert_string_equal(config_default_path("/y.yaml"), "/y.yaml");
	unsetenv("HOOKSPOOL_CONFIG");
	unsetenv("WEBHOOK_SERVER_DATA_DIR");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_strongest_layer_that_is_set_wins),
		cmocka_unit_test(a_local_file_is_its_repositorys_alone),
		cmocka_unit_test(labels_are_merged_over_all_levels),
		cmocka_unit_test(types_come_in_their_units),
		cmocka_unit_test(lists_may_be_one_string),
		cmocka_unit_test(same_short_names_are_two_repositories),
		cmocka_unit_test(
		    secrets_come_from_values_files_and_environment),
		cmocka_unit_test(secrets_follow_their_mapping),
		cmocka_unit_test(problems_are_told_in_order),
		cmocka_unit_test(problems_are_limited),
		cmocka_unit_test(nothing_else_is_expanded),
		cmocka_unit_test(the_first_path_that_is_given_is_taken),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
