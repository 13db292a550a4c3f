/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"
#include "config_files.h"
#include "config_read.h"

/* What the loader itself refuses, whatever the keys mean. */

#define R	    "repositories: {a: {name: o/a}}\n"
#define C	    "config.yaml:"
#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static const struct wrong_file wrong[] = {
	{ "a key stands twice at the top",
	    "log-level: INFO\n" R "log-level: DEBUG\n",
	    C "3:1: key \"log-level\" stands here a second time" },
	{ "a key stands twice in a block",
	    "repositories:\n  a:\n    name: o/a\n    name: o/b\n",
	    C "4:5: key \"name\" stands here a second time" },
	{ "a repository's block stands twice",
	    "repositories:\n  a: {name: o/a}\n  a: {name: o/b}\n",
	    C "3:3: key \"a\" stands here a second time" },
	{ "a key stands twice in one line", "limits: {a: 1, a: 2}\n",
	    C "1:16: key \"a\" stands here a second time" },
	{ "quotes do not make it another key", "port: 1\n\"port\": 2\n",
	    C "2:1: key \"port\" stands here a second time" },
	{ "an anchor on a scalar", "log-level: &x INFO\n",
	    C "1:12: anchors are not supported" },
	{ "an anchor on a list", "events: &x [push]\n",
	    C "1:9: anchors are not supported" },
	{ "an anchor on a mapping", "limits: &x {}\n",
	    C "1:9: anchors are not supported" },
	{ "an anchor on a key", "&x port: 1\n",
	    C "1:1: anchors are not supported" },
	{ "an alias", "port: *x\n", C "1:7: aliases are not supported" },
	{ "a merge key is no special key", "<<: {port: 1}\n",
	    C "1: <<: unknown key" },
	{ "a tag of YAML", "port: !!int 1\n", C "1:7: tags are not supported" },
	{ "a tag of somebody", "hooks: !include x.yaml\n",
	    C "1:8: tags are not supported" },
	{ "the tag that says nothing", "port: ! 1\n",
	    C "1:7: tags are not supported" },
	{ "a tag on a list", "events: !!seq [push]\n",
	    C "1:9: tags are not supported" },
	{ "a tag on a mapping", "limits: !!map {}\n",
	    C "1:9: tags are not supported" },
	{ "a tag directive", "%TAG ! tag:x,2000:\n---\nport: 1\n",
	    C "1:1: tag directives are not supported" },
	{ "a second document", "port: 1\n---\nport: 2\n",
	    C "2:1: a second document; there must be only one" },
	{ "a second document, empty", "port: 1\n---\n",
	    C "2:1: a second document; there must be only one" },
	{ "a number with a leading zero", "port: 0123\n",
	    C "1:7: 0123 looks like an octal number; put it in quotes or "
	      "write it without the leading zero" },
	{ "an octal number of YAML 1.2", "port: 0o17\n",
	    C "1:7: 0o17 looks like an octal number; put it in quotes or "
	      "write it without the leading zero" },
	{ "a negative number with a leading zero", "port: -017\n",
	    C "1:7: -017 looks like an octal number; put it in quotes or "
	      "write it without the leading zero" },
	{ "a leading zero with an 8 is as doubtful", "port: 08\n",
	    C "1:7: 08 looks like an octal number; put it in quotes or "
	      "write it without the leading zero" },
	{ "also in a list", "default-status-checks:\n  - ok\n  - 007\n",
	    C "3:5: 007 looks like an octal number; put it in quotes or "
	      "write it without the leading zero" },
	{ "also as a key", "repositories:\n  a: {name: o/a, tox: {010: all}}\n",
	    C "2:24: 010 looks like an octal number; put it in quotes or "
	      "write it without the leading zero" },
	{ "a byte that is not UTF-8", "port: 1\n# gr\xfc\xdf\n",
	    C "2:5: byte 0xfc is not UTF-8" },
	{ "the column counts characters", "# \xc3\xa4\xc3\xa4 \xff\n",
	    C "1:6: byte 0xff is not UTF-8" },
	{ "UTF-16", "\xff\xfep\n", C "1:1: byte 0xff is not UTF-8" },
	{ "an escaped NUL", "log-level: \"a\\0b\"\n",
	    C "1:12: a NUL in a string" },
	{ "a top that is a list", "- port: 1\n",
	    C "1:1: expected a mapping of keys, got a list" },
	{ "a top that is a word", "hello\n",
	    C "1:1: expected a mapping of keys, got a string" },
	{ "an empty key", "\"\": 1\n", C "1:1: a key must not be empty" },
	{ "a null as key", "~: 1\n", C "1:1: a key must not be empty" },
	{ "a list as key", "[a]: 1\n",
	    C "1:1: a key must be a string, not a list or mapping" },
	{ "a mapping as key", "? {a: b}\n: 1\n",
	    C "1:3: a key must be a string, not a list or mapping" },
	{ "a tab that indents", "limits:\n\tport: 1\n",
	    C "2:1: found character that cannot start any token" },
	{ "a quote that is not closed", "log-level: \"INFO\n",
	    C "2:1: found unexpected end of stream" },
	{ "a bracket that is not closed", "events: [push\n",
	    C "2:1: did not find expected ',' or ']'" },
	{ "a wrong indentation", "limits:\n    a: 1\n  b: 2\n",
	    C "3:3: did not find expected key" },
	{ "a colon in a plain text", "log-level: a: b\n",
	    C "1:13: mapping values are not allowed in this context" },
	{ "seventeen levels", "hooks: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n",
	    C "1:23: lists and mappings are nested too deeply" },
	{ "seventeen levels of mappings",
	    "a: {b: {c: {d: {e: {f: {g: {h: {i: {j: {k: {l: {m: {n: {o: {"
	    "p: {}}}}}}}}}}}}}}}}\n",
	    C "1:64: lists and mappings are nested too deeply" },
};

static void
texts_are_refused(void **state)
{
	(void)state;
	check_wrong_files(wrong, COUNT(wrong));
}

static const struct {
	const char *why, *text;
} good[] = {
	{ "nothing at all", "" },
	{ "a comment", "# nothing\n" },
	{ "an empty document", "---\n" },
	{ "an explicit null", "~\n" },
	{ "a byte order mark", "\xef\xbb\xbflog-level: INFO\n" },
	{ "a version directive", "%YAML 1.1\n---\nlog-level: INFO\n" },
	{ "an end marker", "log-level: INFO\n...\n" },
	{ "carriage returns", "log-level: INFO\r\n" R },
	{ "a quoted octal", "default-status-checks: [\"0123\"]\n" },
	{ "a zero", "stop-grace: 0\n" },
	{ "a fraction", "repositories: {a: {name: o/a, tox: "
			"{python-version: 0.5}}}\n" },
	{ "a block text", "welcome-extra-info: |\n  # Hello\n  - you\n" },
	{ "a folded text", "welcome-extra-info: >-\n  a\n  b\n" },
	{ "characters of all lengths",
	    "welcome-extra-info: \"\xc3\xa4 \xe2\x82\xac "
	    "\xf0\x9f\x98\x80\"\n" },
	{ "JSON", "{\"log-level\": \"INFO\", \"hooks\": []}" },
};

static void
texts_are_taken(void **state)
{
	struct config_dir d;

	(void)state;
	config_dir_make(&d);
	for (size_t i = 0; i < COUNT(good); i++) {
		struct config *c = NULL;
		struct err err = { 0 };

		config_dir_write(&d, NULL, good[i].text, strlen(good[i].text));
		if (config_load(&c, d.file, NULL, &err) == -1)
			fail_msg("%s: %s", good[i].why, err.text);
		config_free(c);
	}
	config_dir_remove(&d);
}

static void
sixteen_levels_are_taken(void **state)
{
	struct value_pool pool = { 0 };
	struct config_source source = { "x", LAYER_ROOT };
	struct problems problems = { 0 };
	const struct config_value *top = NULL;
	const char text[] = "a: [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]\n";

	(void)state;
	assert_int_equal(
	    config_read(&top, &pool, &source, text, sizeof text - 1, &problems),
	    0);
	assert_int_equal(value_count(top), 1);
	pool_release(&pool);
}

/* The limit is checked before a byte is read by the parser. */
static void
sizes_are_limited(void **state)
{
	size_t len = READ_LOCAL_MAX + 1;
	char *text = malloc(len);
	struct config *c = NULL;
	struct err err = { 0 };

	(void)state;
	assert_non_null(text);
	memset(text, '#', len);
	assert_int_equal(
	    config_overlay(&c, NULL, "o/a", text, len, NULL, &err), -1);
	assert_string_equal(
	    err.text, ".github-webhook-server.yaml: larger than 262144 bytes");
	assert_int_equal(
	    config_overlay(&c, NULL, "o/a", text, len - 1, NULL, &err), 0);
	config_free(c);
	free(text);
}

static void
a_huge_file_is_refused(void **state)
{
	struct config_dir d;
	struct config *c = NULL;
	struct err err = { 0 };
	size_t len = READ_CONFIG_MAX + 1;
	char *text = malloc(len), want[256];

	(void)state;
	assert_non_null(text);
	memset(text, '#', len);
	config_dir_make(&d);
	config_dir_write(&d, NULL, text, len);
	assert_int_equal(config_load(&c, d.file, NULL, &err), -1);
	snprintf(want, sizeof want, "%s: larger than 8388608 bytes", d.file);
	assert_string_equal(err.text, want);
	assert_int_equal(err.class, ERR_CONF);
	config_dir_remove(&d);
	free(text);
}

static void
a_missing_file_is_a_mistake_of_the_configuration(void **state)
{
	struct config *c = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(
	    config_load(&c, "/nonexistent/config.yaml", NULL, &err), -1);
	assert_string_equal(
	    err.text, "/nonexistent/config.yaml: No such file or directory");
	assert_int_equal(err.class, ERR_CONF);
	assert_int_equal(config_load(&c, "/", NULL, &err), -1);
	assert_string_equal(err.text, "/: not a regular file");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_refused),
		cmocka_unit_test(texts_are_taken),
		cmocka_unit_test(sixteen_levels_are_taken),
		cmocka_unit_test(sizes_are_limited),
		cmocka_unit_test(a_huge_file_is_refused),
		cmocka_unit_test(
		    a_missing_file_is_a_mistake_of_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
