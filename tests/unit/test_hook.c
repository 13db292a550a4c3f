/* SPDX-License-Identifier: MIT */
/* Which hook wants which event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "buf.h"
#include "hook_fixture.h"

#define ROWS(table) (sizeof(table) / sizeof *(table))

#define MAIN "{\"ref\":\"refs/heads/main\",\"size\":3,\"forced\":false}"
#define FEAT "{\"ref\":\"refs/heads/feat/a\"}"
#define TAG  "{\"ref\":\"refs/tags/v1.2\"}"
#define PULL                                                                   \
	"{\"pull_request\":{\"base\":{\"ref\":\"main\"},\"draft\":true,"       \
	"\"labels\":[{\"name\":\"Deploy\"},{\"name\":\"x\"}]}}"
#define ISSUE "{\"issue\":{\"labels\":[{\"name\":\"bug\"}]}}"

static const struct {
	const char *why, *keys, *event, *action, *payload;
	int want;
	const char *reason;
} matches[] = {
	{ "a hook without conditions wants all", "", "push", NULL, MAIN, 1,
	    NULL },
	{ "events name the ones wanted", "events: [push, ping]", "ping", NULL,
	    "{\"a\":1}", 1, NULL },
	{ "and no others", "events: [push]", "ping", NULL, "{\"a\":1}", 0,
	    "events" },
	{ "one event needs no list", "events: push", "push", NULL, MAIN, 1,
	    NULL },
	{ "actions name the ones wanted", "actions: [opened]", "issues",
	    "opened", ISSUE, 1, NULL },
	{ "an event without action has none of them", "actions: [opened]",
	    "push", NULL, MAIN, 0, "actions" },
	{ "the branch pushed to", "branches: [main]", "push", NULL, MAIN, 1,
	    NULL },
	{ "another branch", "branches: [main]", "push", NULL, FEAT, 0,
	    "branches: not feat/a" },
	{ "* does not cross a slash", "branches: ['*']", "push", NULL, FEAT, 0,
	    "branches: not feat/a" },
	{ "** does", "branches: ['**']", "push", NULL, FEAT, 1, NULL },
	{ "an exclusion", "branches: ['**', '!feat/*']", "push", NULL, FEAT, 0,
	    "branches: not feat/a" },
	{ "a tag is no branch", "branches: ['**']", "push", NULL, TAG, 0,
	    "branches: not v1.2" },
	{ "a tag pushed", "tags: ['v*']", "push", NULL, TAG, 1, NULL },
	{ "a branch is no tag", "tags: ['**']", "push", NULL, MAIN, 0,
	    "tags: not main" },
	{ "with both lists a branch passes", "branches: [main], tags: ['v*']",
	    "push", NULL, MAIN, 1, NULL },
	{ "and a tag", "branches: [main], tags: ['v*']", "push", NULL, TAG, 1,
	    NULL },
	{ "the base of a pull request", "branches: [main]", "pull_request",
	    "opened", PULL, 1, NULL },
	{ "an event about no branch", "branches: [main]", "issues", "opened",
	    ISSUE, 0, "branches: the event names neither" },
	{ "a branch created", "branches: [b]", "create", NULL,
	    "{\"ref\":\"b\",\"ref_type\":\"branch\"}", 1, NULL },
	{ "a tag created", "tags: [b]", "create", NULL,
	    "{\"ref\":\"b\",\"ref_type\":\"tag\"}", 1, NULL },
	{ "a release has a tag", "tags: [v1]", "release", "published",
	    "{\"release\":{\"tag_name\":\"v1\"}}", 1, NULL },
	{ "a workflow run has a branch", "branches: [main]", "workflow_run",
	    "completed", "{\"workflow_run\":{\"head_branch\":\"main\"}}", 1,
	    NULL },
	{ "a merge group has a base", "branches: [main]", "merge_group",
	    "checks_requested",
	    "{\"merge_group\":{\"base_ref\":\"refs/heads/main\"}}", 1, NULL },
	{ "a label, whatever its case", "labels: [deploy]", "pull_request",
	    "opened", PULL, 1, NULL },
	{ "an issue's label", "labels: [feature, bug]", "issues", "opened",
	    ISSUE, 1, NULL },
	{ "no such label", "labels: [deploy]", "issues", "opened", ISSUE, 0,
	    "labels: none of them" },
	{ "nothing that has labels", "labels: [deploy]", "push", NULL, MAIN, 0,
	    "labels: none of them" },
	{ "a value", "match: {value: {path: ref, equals: refs/heads/main}}",
	    "push", NULL, MAIN, 1, NULL },
	{ "another value", "match: {value: {path: ref, equals: x}}", "push",
	    NULL, MAIN, 0, "ref: not x" },
	{ "one of several values",
	    "match: {value: {path: ref, equals: [x, refs/heads/main]}}", "push",
	    NULL, MAIN, 1, NULL },
	{ "a number's value", "match: {value: {path: size, equals: '3'}}",
	    "push", NULL, MAIN, 1, NULL },
	{ "a boolean's value",
	    "match: {value: {path: forced, equals: 'false'}}", "push", NULL,
	    MAIN, 1, NULL },
	{ "a value that is there", "match: {value: {path: pull_request}}",
	    "pull_request", "opened", PULL, 1, NULL },
	{ "a value that is not there", "match: {value: {path: pull_request}}",
	    "push", NULL, MAIN, 0, "pull_request: there is no value" },
	{ "an element of a list",
	    "match: {value: {path: pull_request.labels.1.name, equals: x}}",
	    "pull_request", "opened", PULL, 1, NULL },
	{ "a value of the head",
	    "match: {value: {path: '@sender', equals: "
	    "octocat}}",
	    "push", NULL, MAIN, 1, NULL },
	{ "a pattern",
	    "match: {regex: {path: ref, pattern: '^refs/heads/"
	    "(main|rel-[0-9]+)$'}}",
	    "push", NULL, MAIN, 1, NULL },
	{ "a pattern that does not fit",
	    "match: {regex: {path: ref, pattern: "
	    "'^x'}}",
	    "push", NULL, MAIN, 0, "ref: does not match ^x" },
	{ "a pattern on nothing", "match: {regex: {path: none, pattern: '.*'}}",
	    "push", NULL, MAIN, 0, "none: there is no value" },
	{ "the client's address", "match: {cidr: 192.0.2.0/24}", "push", NULL,
	    MAIN, 1, NULL },
	{ "one of several ranges", "match: {cidr: [10.0.0.0/8, 192.0.2.7/32]}",
	    "push", NULL, MAIN, 1, NULL },
	{ "no range", "match: {cidr: [10.0.0.0/8]}", "push", NULL, MAIN, 0,
	    "cidr: 192.0.2.7 is in none of the ranges" },
	{ "and", "match: {and: [{cidr: 192.0.2.7/32}, {value: {path: ref}}]}",
	    "push", NULL, MAIN, 1, NULL },
	{ "and needs all",
	    "match: {and: [{cidr: 192.0.2.7/32}, "
	    "{value: {path: x}}]}",
	    "push", NULL, MAIN, 0, "x: there is no value" },
	{ "or", "match: {or: [{value: {path: x}}, {value: {path: ref}}]}",
	    "push", NULL, MAIN, 1, NULL },
	{ "or needs one",
	    "match: {or: [{value: {path: x}}, "
	    "{value: {path: y}}]}",
	    "push", NULL, MAIN, 0, "or: none of its rules holds" },
	{ "not", "match: {not: {value: {path: x}}}", "push", NULL, MAIN, 1,
	    NULL },
	{ "not of what holds", "match: {not: {value: {path: ref}}}", "push",
	    NULL, MAIN, 0, "not: its rule holds" },
	{ "not of not", "match: {not: {not: {value: {path: ref}}}}", "push",
	    NULL, MAIN, 1, NULL },
	{ "conditions are joined by and",
	    "events: [push], branches: [main], "
	    "match: {value: {path: size, equals: '4'}}",
	    "push", NULL, MAIN, 0, "size: not 4" },
};

static void
hooks_want_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(matches); i++) {
		struct job_head head =
		    a_head(matches[i].event, matches[i].action);
		struct json *payload = a_payload(matches[i].payload);
		struct compiled c;
		struct buf why;
		int got;

		compile_one(&c, matches[i].keys);
		buf_init(&why, 1024);
		got = hook_match(hooks_at(c.hooks, 0), &head, payload, &why);
		if (got != matches[i].want)
			fail_msg(
			    "%s: want %d", matches[i].why, matches[i].want);
		if (matches[i].reason != NULL &&
		    strcmp(why.data, matches[i].reason) != 0)
			fail_msg(
			    "%s: because \"%s\"", matches[i].why, why.data);
		/* The responder must never turn away what a hook wants. */
		if (got && !hooks_want(c.hooks, &head))
			fail_msg("%s: not wanted by the head", matches[i].why);
		buf_release(&why);
		json_free(payload);
		release(&c);
	}
}

/* Neither inclusion nor exclusion may be had by padding a value. */
static void
values_too_long_to_judge_match_nothing(void **state)
{
	static const char *const keys[] = {
		"match: {regex: {path: ref, pattern: 'a'}}",
		"match: {not: {regex: {path: ref, pattern: 'b'}}}",
		("match: {or: [{value: {path: ref, equals: x}}, "
		 "{value: {path: size}}]}"),
	};
	struct job_head head = a_head("push", NULL);
	struct json *payload;
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 20);
	buf_adds(&text, "{\"size\":1,\"ref\":\"");
	for (int i = 0; i < 70000; i++)
		buf_addc(&text, 'a');
	buf_adds(&text, "\"}");
	payload = a_payload(text.data);
	for (size_t i = 0; i < ROWS(keys); i++) {
		struct compiled c;

		compile_one(&c, keys[i]);
		assert_int_equal(
		    hook_match(hooks_at(c.hooks, 0), &head, payload, NULL), 0);
		release(&c);
	}
	json_free(payload);
	buf_release(&text);
}

static void
the_head_alone_decides_what_is_queued(void **state)
{
	static const struct {
		const char *why, *text, *event, *action;
		int want;
	} rows[] = {
		{ "no hooks want nothing", "hooks: []", "push", NULL, 0 },
		{ "an event of the list",
		    "hooks: [{name: h, command: [x], "
		    "events: [push]}]",
		    "push", NULL, 1 },
		{ "another event",
		    "hooks: [{name: h, command: [x], "
		    "events: [push]}]",
		    "ping", NULL, 0 },
		{ "any of the hooks",
		    "hooks: [{name: a, command: [x], events: "
		    "[push]}, {name: b, command: [x], events: [ping]}]",
		    "ping", NULL, 1 },
		{ "what only the payload can tell is let through",
		    "hooks: "
		    "[{name: h, command: [x], branches: [nope]}]",
		    "push", NULL, 1 },
		{ "a repository's hook, whatever its case",
		    "repositories: {x: "
		    "{name: octo/hello, hooks: [{name: h, command: [x]}]}}",
		    "push", NULL, 1 },
		{ "another repository's",
		    "repositories: {x: {name: "
		    "octo/other, hooks: [{name: h, command: [x]}]}}",
		    "push", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct job_head head = a_head(rows[i].event, rows[i].action);
		struct compiled c;
		struct err err = compile(&c, rows[i].text);

		if (c.hooks == NULL)
			fail_msg("%s: %s", rows[i].why, err.text);
		if (hooks_want(c.hooks, &head) != rows[i].want)
			fail_msg("%s: want %d", rows[i].why, rows[i].want);
		release(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hooks_want_events),
		cmocka_unit_test(values_too_long_to_judge_match_nothing),
		cmocka_unit_test(the_head_alone_decides_what_is_queued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
