/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>

#include "buf.h"
#include "config_check.h"
#include "config_problems.h"
#include "config_read.h"
#include "config_table.h"
#include "fsio.h"

/*
 * No key may be accepted and do nothing. Each that is neither planned nor
 * obsolete has a line here: the test that shows it changing what a program
 * does. When a planned key comes to life, its mark goes and a line comes.
 */

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static const struct {
	const char *key, *shown_in;
} shown[] = {
	{ "data-directory", "tests/e2e/support/server.mjs" },
	{ "repositories.*", "tests/unit/test_config.c" },
	{ "name", "tests/unit/test_config.c" },
	{ "webhook-secret", "tests/fcgi/test_start.c" },
	{ "webhook-secrets", "tests/fcgi/test_start.c" },
	{ "webhook-secret-file", "tests/e2e/cli.test.mjs" },
	{ "allow-unsigned", "tests/fcgi/test_start.c" },
	{ "allow-ips", "tests/fcgi/test_start.c" },
	{ "trusted-proxies", "tests/fcgi/test_health.c" },
	{ "limits.max-queued-files", "tests/fcgi/test_health.c" },
	{ "limits.max-queued-bytes", "tests/e2e/config_effect.test.mjs" },
	{ "limits.min-free-bytes", "tests/fcgi/test_health.c" },
	{ "limits.min-free-inodes", "tests/e2e/config_effect.test.mjs" },
	{ "retention.settled-age", "tests/e2e/config_effect.test.mjs" },
	{ "retention.settled-bytes", "tests/e2e/config_effect.test.mjs" },
	{ "retention.log-age", "tests/e2e/config_effect.test.mjs" },
	{ "retention.log-bytes", "tests/e2e/config_effect.test.mjs" },
	{ "retention.seen-age", "tests/e2e/config_effect.test.mjs" },
	{ "retention.seen-entries", "tests/e2e/config_effect.test.mjs" },
	{ "retention.tmp-age", "tests/e2e/config_effect.test.mjs" },
	{ "log-level", "tests/fcgi/test_start.c" },
	{ "log-format", "tests/e2e/config_effect.test.mjs" },
	{ "concurrency", "tests/e2e/config_effect.test.mjs" },
	{ "job-timeout", "tests/e2e/config_effect.test.mjs" },
	{ "stop-grace", "tests/e2e/config_effect.test.mjs" },
	{ "kinds.*.timeout", "tests/e2e/config_effect.test.mjs" },
	{ "kinds.*.concurrency", "tests/e2e/config_effect.test.mjs" },
	{ "max-output", "tests/e2e/config_effect.test.mjs" },
	{ "retry-for", "tests/e2e/config_effect.test.mjs" },
	{ "github-app-id", "tests/e2e/github-client.test.mjs" },
	{ "github-app-key-file", "tests/e2e/github-transport.test.mjs" },
	{ "github-tokens", "tests/e2e/support/github_client.mjs" },
	{ "github-tokens-file", "tests/e2e/github-transport.test.mjs" },
	{ "github-api-url", "tests/e2e/support/github_client.mjs" },
	{ "github-graphql-url", "tests/e2e/github-transport.test.mjs" },
	{ "ca-file", "tests/e2e/github-transport.test.mjs" },
	{ "status-context", "tests/e2e/status.test.mjs" },
	{ "public-url", "tests/e2e/status.test.mjs" },
	{ "hooks[].name", "tests/unit/test_worker.c" },
	{ "hooks[].command", "tests/unit/test_worker.c" },
	{ "hooks[].events", "tests/unit/test_hook.c" },
	{ "hooks[].actions", "tests/unit/test_hook.c" },
	{ "hooks[].branches", "tests/unit/test_hook.c" },
	{ "hooks[].tags", "tests/unit/test_hook.c" },
	{ "hooks[].labels", "tests/unit/test_hook.c" },
	{ "hooks[].match", "tests/unit/test_hook.c" },
	{ "hooks[].environment.*", "tests/unit/test_worker.c" },
	{ "hooks[].stdin", "tests/unit/test_worker.c" },
	{ "hooks[].payload-file", "tests/unit/test_worker.c" },
	{ "hooks[].working-directory", "tests/e2e/config_effect.test.mjs" },
	{ "hooks[].timeout", "tests/unit/test_worker.c" },
	{ "hooks[].retries", "tests/unit/test_worker_attempts.c" },
	{ "hooks[].key", "tests/unit/test_hook.c" },
	{ "hooks[].sandbox", "tests/unit/test_worker.c" },
	{ "hooks[].network", "tests/unit/test_sandbox.c" },
	{ "hooks[].writable", "tests/unit/test_sandbox.c" },
	{ "hooks[].readable", "tests/e2e/config_effect.test.mjs" },
	{ "hooks[].workspace", "tests/e2e/workspaces.test.mjs" },
	{ "workspace.mirror-bytes", "tests/e2e/workspaces.test.mjs" },
	{ "workspace.job-bytes", "tests/e2e/workspaces.test.mjs" },
	{ "workspace.git-timeout", "tests/e2e/workspaces.test.mjs" },
	{ "workspace.git-url", "tests/e2e/workspace-cost.test.mjs" },
	{ "issue-job.events", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.target-branch", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.branch", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.existing-branch", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.environment.*", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.environment-file", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.sandbox", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.network", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.writable", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.timeout", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.retries", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.comments", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.test-command", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.max-retries", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.allowed-paths", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.restricted-paths", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.max-files", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.max-lines", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.author-name", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.author-email", "tests/e2e/issue-job.test.mjs" },
	{ "issue-job.label", "tests/e2e/support/issue.mjs" },
	{ "issue-job.command", "tests/e2e/support/issue.mjs" },
	{ "issue-job.readable", "tests/e2e/support/issue.mjs" },
};

static const char *
find_shown(const char *key)
{
	for (size_t i = 0; i < COUNT(shown); i++) {
		if (strcmp(shown[i].key, key) == 0)
			return shown[i].shown_in;
	}
	return NULL;
}

/* The word that the test must contain: the key's last part. */
static const char *
word_of(const struct config_key *key)
{
	const char *last = config_key_last(key);

	if (strcmp(last, "*") == 0 || strcmp(last, "[]") == 0)
		return config_key_last(config_key_parent(key));
	return last;
}

static int
contains(const char *path, const char *word)
{
	struct err err = { 0 };
	struct buf text;
	int found;

	buf_init(&text, 1024 * 1024);
	found = fs_read_file(&text, AT_FDCWD, path, &err) == 0 &&
		strstr(text.data, word) != NULL;
	buf_release(&text);
	return found;
}

static void
every_key_in_effect_has_a_test(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_keys(); i++) {
		const struct config_key *key = config_key_at(i);
		const char *path = find_shown(key->name);
		int idle = (key->marks & (MARK_PLANNED | MARK_OBSOLETE)) != 0;

		if (config_key_has_members(key))
			continue;
		if (idle && path != NULL)
			fail_msg(
			    "%s is in effect, but still marked", key->name);
		if (!idle && path == NULL)
			fail_msg("%s: no test shows that it does something",
			    key->name);
		if (path != NULL && !contains(path, word_of(key)))
			fail_msg(
			    "%s: %s does not speak of it", key->name, path);
	}
}

static void
every_line_is_of_a_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shown); i++) {
		if (config_key_find(shown[i].key) == NULL)
			fail_msg("%s: no such key", shown[i].key);
	}
}

/* ---- the table itself ---- */

static void
names_are_unique_and_texts_are_sentences(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_keys(); i++) {
		const struct config_key *key = config_key_at(i);
		size_t len = strlen(key->text);

		assert_ptr_equal(config_key_find(key->name), key);
		assert_int_equal(config_key_index(key), i);
		assert_int_not_equal(config_key_scopes(key), 0);
		if (len == 0 || key->text[len - 1] != '.')
			fail_msg("%s: \"%s\"", key->name, key->text);
		if (key->marks & (MARK_OBSOLETE | MARK_DEPRECATED))
			assert_non_null(key->note);
	}
}

/* Under its own name each default must pass the checks of its row. */
static void
defaults_are_good_values(void **state)
{
	struct config_source source = { "x", LAYER_ROOT };

	(void)state;
	for (size_t i = 0; i < config_keys(); i++) {
		const struct config_key *key = config_key_at(i);
		struct value_pool pool = { 0 };
		struct problems problems = { 0 };
		const struct config_value *top = NULL;
		struct err err = { 0 };
		char text[512];
		int len;

		if (key->fallback == NULL || strchr(key->name, '.') != NULL)
			continue;
		len = snprintf(
		    text, sizeof text, "%s: %s\n", key->name, key->fallback);
		assert_int_equal(config_read(&top, &pool, &source, text,
				     (size_t)len, &problems),
		    0);
		config_check(&problems, top, SCOPE_ROOT);
		if (problems_finish(&problems, NULL, &err) == -1)
			fail_msg("%s", err.text);
		pool_release(&pool);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_in_effect_has_a_test),
		cmocka_unit_test(every_line_is_of_a_key),
		cmocka_unit_test(names_are_unique_and_texts_are_sentences),
		cmocka_unit_test(defaults_are_good_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
