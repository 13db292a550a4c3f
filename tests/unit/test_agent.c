/* SPDX-License-Identifier: MIT */
/*
 * The issue job's pure parts: which events start it, what its commit says,
 * what it may change. tests/e2e/issue-job.test.mjs has the whole of it.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/active.h"
#include "agent/message.h"
#include "agent/trigger.h"
#include "agent/work.h"
#include "err.h"
#include "filetree.h"
#include "fsio.h"
#include "git/guard.h"
#include "git/publish.h"
#include "json.h"
#include "worker/job.h"

#define JOB	 "7-72d3162e-cc78-11e3-81ab-4c9367dc0958"
#define OTHER	 "7-82d3162e-cc78-11e3-81ab-4c9367dc0958"
#define LABELLED "\"labels\":[{\"name\":\"x\"},{\"name\":\"Agent\"}]"
#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *const both[] = { "opened", "labeled", NULL };
static const char *const command[] = { "work", NULL };

static const struct {
	const char *why, *action, *payload, *reason;
} events[] = {
	{ "the label was added", "labeled",
	    "{\"label\":{\"name\":\"agent\"},\"issue\":{" LABELLED "}}", NULL },
	{ "labels are not told apart by case", "labeled",
	    "{\"label\":{\"name\":\"AGENT\"},\"issue\":{\"labels\":[]}}",
	    NULL },
	{ "opened with it", "opened", "{\"issue\":{" LABELLED "}}", NULL },
	{ "opened without it", "opened",
	    "{\"issue\":{\"labels\":[{\"name\":\"agents\"}]}}", "not_labeled" },
	{ "opened without labels at all", "opened", "{\"issue\":{}}",
	    "not_labeled" },
	{ "another label was added", "labeled",
	    "{\"label\":{\"name\":\"x\"},\"issue\":{" LABELLED "}}",
	    "wrong_label" },
	{ "no label in the event", "labeled", "{\"issue\":{" LABELLED "}}",
	    "wrong_label" },
	{ "closed meanwhile", "labeled",
	    "{\"label\":{\"name\":\"agent\"},\"issue\":{\"state\":\"closed\"}}",
	    "issue_closed" },
	{ "an action nobody configured", "edited", "{\"issue\":{}}",
	    "event_not_configured" },
	{ "a pull request", "opened",
	    "{\"issue\":{\"pull_request\":{}," LABELLED "}}",
	    "is_pull_request" },
	{ "an archived repository", "opened",
	    "{\"repository\":{\"archived\":true},\"issue\":{" LABELLED "}}",
	    "repository_archived" },
	{ "everything of the wrong type", "opened",
	    "{\"issue\":[],\"repository\":7,\"label\":\"agent\"}",
	    "not_labeled" },
};

static struct json *
parse(const char *text)
{
	struct json *doc = NULL;
	struct err err = { 0 };

	if (json_parse(&doc, text, strlen(text), &err) == -1)
		fail_msg("%s: %s", text, err.text);
	return doc;
}

static void
events_start_it_or_are_ignored(void **state)
{
	struct agent_options options = {
		.label = "agent", .events = both, .command = command
	};

	(void)state;
	for (size_t i = 0; i < COUNT(events); i++) {
		struct job_head head = { 0 };
		struct json *payload = parse(events[i].payload);
		const char *reason;

		snprintf(
		    head.action, sizeof head.action, "%s", events[i].action);
		reason = trigger_ignored(&options, &head, payload);
		if ((reason == NULL) != (events[i].reason == NULL) ||
		    (reason != NULL && strcmp(reason, events[i].reason) != 0))
			fail_msg("%s: %s", events[i].why,
			    reason != NULL ? reason : "it starts");
		json_free(payload);
	}
	options.command = NULL;
	assert_string_equal(
	    trigger_ignored(&options, &(struct job_head){ 0 }, NULL),
	    "no_issue_job");
}

static void
every_reason_is_documented(void **state)
{
	const char *reason;
	struct buf page;
	struct err err;
	char line[80];

	(void)state;
	buf_init(&page, 1 << 20);
	assert_int_equal(
	    fs_read_file(&page, AT_FDCWD, "docs/workspaces.md", &err), 0);
	for (size_t i = 0; (reason = trigger_reason_at(i)) != NULL; i++) {
		snprintf(line, sizeof line, "\n| `%s` |", reason);
		if (strstr(page.data, line) == NULL)
			fail_msg("%s: no line in docs/workspaces.md", reason);
	}
	buf_release(&page);
}

/* ---- the commit ---- */

#define TAIL "Resolves #7\n\nHookspool-Job: " JOB "\nHookspool-Request: r\n"

static const struct {
	const char *why, *issue, *own, *path, *message;
} messages[] = {
	{ "the title, without a label that says more",
	    "{\"title\":\"Say hello\"}", "", "a.txt",
	    "feat(issue-7): Say hello\n\n" TAIL },
	{ "a bug is a fix, in its folder",
	    "{\"title\":\"T\",\"labels\":[{\"name\":\"Bug\"}]}", "",
	    "src/x/a.c", "fix(src): T\n\n" TAIL },
	{ "an odd folder is no scope", "{\"title\":\"T\"}", "", "a b)/c",
	    "feat(issue-7): T\n\n" TAIL },
	{ "a title of control characters and newlines is one line",
	    "{\"title\":\"a\\nResolves #1\\u0007\"}", "", "a",
	    "feat(issue-7): a Resolves #1 \n\n" TAIL },
	{ "no title", "{}", "", "a", "feat(issue-7): work on #7\n\n" TAIL },
	{ "a long one is cut between characters",
	    "{\"title\":\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3"
	    "\xa4\xc3\xa4\xc3\xa4\xc3\xa4xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxx\"}",
	    "", "a",
	    "feat(issue-7): "
	    "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
	    "\xc3\xa4\xc3\xa4xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "\n\n" TAIL },
	{ "the command's summary", "{\"title\":\"T\"}", "\n Own words \n", "a",
	    "feat(issue-7): Own words \n\n" TAIL },
	{ "the command's conventional line and body", "{\"title\":\"T\"}",
	    "perf!: faster\n\nBecause.\nTwice.\n", "a",
	    "perf!: faster\n\nBecause.\nTwice.\n\n" TAIL },
	{ "our trailers cannot be forged", "{\"title\":\"T\"}",
	    "fix: x\n\nhookspool-job: " OTHER "\nWords\n", "a",
	    "fix: x\n\nWords\n\n" TAIL },
};

static void
commits_say_what_they_are_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(messages); i++) {
		struct job job = {
			.head = { .id = JOB, .request_id = "r", .number = 7 }
		};
		struct change change = { 'M', messages[i].path, 1, 1, 0, 0 };
		struct work w = { .job = &job, .changes = &change, .count = 1 };
		char payload[1000];
		struct buf out;
		struct err err = { 0 };

		snprintf(payload, sizeof payload, "{\"issue\":%s}",
		    messages[i].issue);
		job.payload = parse(payload);
		buf_init(&out, 65536);
		assert_int_equal(
		    message_write(&out, &w, messages[i].own, &err), 0);
		if (strcmp(out.data, messages[i].message) != 0)
			fail_msg("%s:\n%s", messages[i].why, out.data);
		assert_true(message_is_of_job(out.data, JOB));
		assert_false(message_is_of_job(out.data, OTHER));
		buf_release(&out);
		json_free(job.payload);
	}
}

/* ---- the guard ---- */

static const char *const src[] = { "src/**", "**.md", NULL };
static const char *const keys[] = { ".github/workflows/**", "**/*.key", NULL };

static const struct {
	const char *why;
	struct guard guard;
	struct change change;
	unsigned against;
} guards[] = {
	{ "no guard", { NULL, NULL, 0, 0 }, { 'A', "x", 9, 9, 0, 0 }, 0 },
	{ "allowed", { src, keys, 0, 0 }, { 'A', "src/a/b.c", 1, 0, 0, 0 }, 0 },
	{ "not allowed", { src, NULL, 0, 0 }, { 'A', "srcs/a", 1, 0, 0, 0 },
	    1 },
	{ "restricted", { NULL, keys, 0, 0 }, { 'D', "a/b.key", 0, 1, 0, 0 },
	    1 },
	{ "restricted though allowed", { src, keys, 0, 0 },
	    { 'M', "src/b.key", 1, 1, 0, 0 }, 1 },
	{ "git's own", { NULL, NULL, 0, 0 },
	    { 'A', "a/.GIT/config", 1, 0, 0, 0 }, 1 },
	{ "a submodule", { NULL, NULL, 0, 0 }, { 'A', "mod", 0, 0, 0160000, 0 },
	    1 },
	{ "as many lines as may be", { NULL, NULL, 1, 4 },
	    { 'M', "a", 2, 2, 0, 0 }, 0 },
	{ "one line more", { NULL, NULL, 1, 3 }, { 'M', "a", 2, 2, 0, 0 }, 1 },
};

static void
changes_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(guards); i++) {
		struct buf why;
		unsigned against;

		buf_init(&why, 4096);
		against =
		    guard_check(&guards[i].guard, &guards[i].change, 1, &why);
		if (against != guards[i].against || (against == 0) != !why.len)
			fail_msg(
			    "%s: %u, %s", guards[i].why, against, why.data);
		buf_release(&why);
	}
}

/* ---- one job an issue at a time ---- */

static void
only_what_came_while_another_was_active_is_joined(void **state)
{
	char dir[] = "/tmp/hookspool-active-XXXXXX", by[JOB_ID_MAX];
	struct job_head one = { .id = JOB,
		.repository = "Octo/App",
		.number = 7,
		.received = 1000 };
	struct job_head two = one;
	struct err err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(two.id, sizeof two.id, "%s", OTHER);
	two.received = 2000;
	assert_int_equal(active_job(by, dir, &two), 0);
	assert_int_equal(active_ended(dir, &one, &err), 0);
	assert_int_equal(active_job(by, dir, &two), 1);
	assert_string_equal(by, JOB);
	assert_int_equal(active_job(by, dir, &one), 0);
	two.received = INT64_MAX; /* after the end */
	assert_int_equal(active_job(by, dir, &two), 0);
	two.received = 500; /* before the other */
	assert_int_equal(active_job(by, dir, &two), 0);
	two.received = 2000;
	two.number = 8;
	assert_int_equal(active_job(by, dir, &two), 0);
	assert_int_equal(filetree_remove(AT_FDCWD, dir, &err), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_start_it_or_are_ignored),
		cmocka_unit_test(every_reason_is_documented),
		cmocka_unit_test(commits_say_what_they_are_for),
		cmocka_unit_test(changes_are_judged),
		cmocka_unit_test(
		    only_what_came_while_another_was_active_is_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
