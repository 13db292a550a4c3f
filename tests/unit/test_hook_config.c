/* SPDX-License-Identifier: MIT */
/*
 * What the configuration says of hooks: templates and what they become, their
 * order, and mistakes.
 */
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

static const struct {
	const char *why, *text, *want;
} templates[] = {
	{ "no value", "plain", "plain" },
	{ "a string", "{{ref}}", "refs/heads/$(id) `x`\n*" },
	{ "inside a word", "a{{n}}b", "a12345678901234567890b" },
	{ "blanks are allowed", "{{ n }}", "12345678901234567890" },
	{ "two of them", "{{n}}{{t}}", "12345678901234567890true" },
	{ "deep ones", "{{o.list.1}}", "y" },
	{ "an object is its JSON", "{{o}}", "{\"list\":[\"x\",\"y\"]}" },
	{ "null is nothing", "[{{null}}]", "[]" },
	{ "what is not there is nothing", "[{{no.such}}]", "[]" },
	{ "the head's values",
	    "{{@event}} {{@number}} {{@repository}} "
	    "{{@delivery}}",
	    "push 7 Octo/Hello "
	    "72d3162e-cc78-11e3-81ab-4c9367dc0958" },
	{ "values are not templates", "{{nested}}", "{{ref}}" },
	{ "half a template is text", "a}} b", "a}} b" },
};

static void
templates_become_values(void **state)
{
	struct job_head head = a_head("push", NULL);
	struct json *payload = a_payload(
	    "{\"ref\":\"refs/heads/$(id) `x`\\n*\",\"n\":12345678901234567890,"
	    "\"t\":true,\"null\":null,\"o\":{\"list\":[\"x\",\"y\"]},"
	    "\"nested\":\"{{ref}}\"}");

	(void)state;
	for (size_t i = 0; i < ROWS(templates); i++) {
		struct buf out;

		buf_init(&out, 1024);
		hook_expand(&out, templates[i].text, &head, payload);
		if (strcmp(out.data, templates[i].want) != 0)
			fail_msg("%s: %s", templates[i].why, out.data);
		buf_release(&out);
	}
	json_free(payload);
}

static void
values_cannot_become_options(void **state)
{
	static const struct {
		const char *why, *command;
		int want;
	} rows[] = {
		{ "an item that begins with the value", "[x, '{{v}}']", -1 },
		{ "also before other text", "[x, '{{v}}.txt']", -1 },
		{ "text before it", "[x, '--ref={{v}}']", 0 },
		{ "behind --", "[x, --, '{{v}}']", 0 },
		{ "but not before --", "[x, '{{v}}', --]", -1 },
		{ "a -- from the payload is none", "[x, '{{d}}', '{{v}}']",
		    -1 },
		{ "an option of the configuration's own", "[x, '-v']", 0 },
		{ "an empty value", "[x, '{{none}}']", 0 },
	};
	struct job_head head = a_head("push", NULL);
	struct json *payload = a_payload("{\"v\":\"-rf\",\"d\":\"--\"}");

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct compiled c;
		struct err err = { 0 };
		char text[256], **argv = NULL;
		int rc;

		snprintf(text, sizeof text, "hooks: [{name: h, command: %s}]",
		    rows[i].command);
		err = compile(&c, text);
		if (c.hooks == NULL)
			fail_msg("%s: %s", rows[i].why, err.text);
		rc = hook_argv(
		    &argv, hooks_at(c.hooks, 0), &head, payload, &err);
		if (rc != rows[i].want)
			fail_msg("%s: want %d", rows[i].why, rows[i].want);
		hook_argv_free(argv);
		release(&c);
	}
	json_free(payload);
}

static void
values_too_long_for_an_argument_are_refused(void **state)
{
	struct job_head head = a_head("push", NULL);
	struct compiled c;
	struct json *payload;
	struct buf text;
	struct err err;
	char **argv;

	(void)state;
	buf_init(&text, 1 << 20);
	buf_adds(&text, "{\"v\":\"");
	for (int i = 0; i < HOOK_VALUE_MAX; i++)
		buf_addc(&text, 'a');
	buf_adds(&text, "\"}");
	payload = a_payload(text.data);
	(void)compile(&c, "hooks: [{name: h, command: [x, '{{v}}']}]");
	assert_int_equal(
	    hook_argv(&argv, hooks_at(c.hooks, 0), &head, payload, &err), -1);
	assert_string_equal(err.text, "{{v}}: more than 131071 bytes");
	assert_int_equal(err.class, ERR_BAD);
	json_free(payload);
	buf_release(&text);
	release(&c);
}

static void
order_is_the_configurations(void **state)
{
	struct compiled c;
	struct err err = compile(&c,
	    "repositories:\n"
	    "  b: {name: o/b, hooks: [{name: same, command: [x]}]}\n"
	    "  a: {name: o/a, hooks: [{name: same, command: [x]}]}\n"
	    "  c: {name: o/c}\n"
	    "hooks: [{name: one, command: [x]}, {name: two, command: [x]}]");
	static const char *const want[] = { "one", "two", "same", "same" };

	(void)state;
	if (c.hooks == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(hooks_count(c.hooks), 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(hooks_at(c.hooks, i)->name, want[i]);
	assert_null(hooks_at(c.hooks, 4));
	release(&c);
}

/* What the configuration's own table does not know of. */
static const struct {
	const char *keys, *want;
} mistakes[] = {
	{ "name: h, command: ['{{ref}}']",
	    "the program itself cannot come from the payload" },
	{ "name: h, command: [x, '{{ref']", "a {{ lacks its path or its }}" },
	{ "name: h, command: [x, '{{}}']", "the path is empty" },
	{ "name: h, command: [x, '{{@nope}}']", "there is no such @ value" },
	{ "name: h, command: [x], key: '{{@x}}'", "there is no such @ value" },
	{ "name: h, command: [x], environment: {A: '{{'}",
	    "a {{ lacks its path or its }}" },
	{ "name: h, command: [x], environment: {HOOKSPOOL_X: y}",
	    "HOOKSPOOL_X: no name for a variable of yours" },
	{ "name: h, command: [x], branches: ['[a']", "a set lacks its ]" },
	{ "name: h, command: [x], branches: ['!main']",
	    "nothing but exclusions; put \"**\" before them" },
	{ "name: h, command: [x], events: [Push]", "not an event's name" },
	{ "name: h, command: [x], network: true",
	    "network and readable need sandbox: strict" },
	{ "name: h, command: [x], workspace: head, working-directory: /srv",
	    "workspace and working-directory exclude each other" },
	{ "name: h, command: [x], workspace: base",
	    "expected one of head, merge, tag, default-branch" },
	{ "name: h, command: [x], writable: [/x]",
	    "writable needs sandbox: limits or strict" },
	{ "name: h, command: [x], match: {regex: {path: a, pattern: "
	  "'(a)\\1'}}",
	    "back-references are not supported" },
	{ "name: h, command: [x], match: {value: {path: '@x', equals: y}}",
	    "@x: there is no such @ value" },
	{ "name: h, command: [x], match: {cidr: 10.0.0.1/8}",
	    "no bits set behind the prefix" },
	{ "name: h, command: [x], match: {regex: {path: a, pattern: '('}}",
	    "" },
	{ "name: h, command: [x], match: {xor: []}", "xor" },
	{ "name: h, command: [x], timeout: 8d", "" },
	{ "name: 'a b', command: [x]", "" },
	{ "name: h", "" },
	{ "command: [x]", "" },
	{ "name: h, comand: [x]", "comand" },
};

static void
mistakes_are_found_with_their_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(mistakes); i++) {
		char text[1024];
		struct compiled c;
		struct err err;

		snprintf(text, sizeof text,
		    "hooks:\n- {name: first, command: [x]}\n- {%s}",
		    mistakes[i].keys);
		err = compile(&c, text);
		if (c.hooks != NULL || err.class != ERR_CONF)
			fail_msg("%s: accepted", mistakes[i].keys);
		if (strstr(err.text, ":4: ") == NULL ||
		    strstr(err.text, mistakes[i].want) == NULL)
			fail_msg("%s: %s", mistakes[i].keys, err.text);
		release(&c);
	}
}

static void
names_are_unique_where_they_meet(void **state)
{
	static const char *const texts[] = {
		"hooks: [{name: h, command: [x]}, {name: h, command: [x]}]",
		"hooks: [{name: h, command: [x]}]\n"
		"repositories: {a: {name: o/a, hooks: [{name: h, command: "
		"[x]}]}}",
	};

	(void)state;
	for (size_t i = 0; i < ROWS(texts); i++) {
		struct compiled c;
		struct err err = compile(&c, texts[i]);

		if (c.hooks != NULL || err.class != ERR_CONF)
			fail_msg("%s: accepted", texts[i]);
		release(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_become_values),
		cmocka_unit_test(values_cannot_become_options),
		cmocka_unit_test(values_too_long_for_an_argument_are_refused),
		cmocka_unit_test(order_is_the_configurations),
		cmocka_unit_test(mistakes_are_found_with_their_line),
		cmocka_unit_test(names_are_unique_where_they_meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
