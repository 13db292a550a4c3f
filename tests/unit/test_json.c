/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "err.h"
#include "json.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static struct json *
parse(const char *text)
{
	struct json *doc = NULL;
	struct err err = { 0 };

	if (json_parse(&doc, text, strlen(text), &err) == -1)
		fail_msg("%s: %s", text, err.text);
	return doc;
}

/* What is read and written again. NULL: the text itself. */
static const struct {
	const char *why, *text, *want;
} round_trips[] = {
	{ "an object", " { \"a\" : [ 1 , true , null , \"x\" ] } ",
	    "{\"a\":[1,true,null,\"x\"]}" },
	{ "empty containers", "[{},[],{\"a\":{}}]", NULL },
	{ "any value at the top", "\"x\"", NULL },
	{ "a number at the top", "-5", NULL },
	{ "a large number at the top", "12345678901234567890", NULL },
	{ "numbers stay as they are",
	    "[0,-0,1.50,1e5,9007199254740993,18446744073709551616,1e999,"
	    "-1e-999,0.1,123456789012345,-999999999999999]",
	    NULL },
	{ "a number longer than cJSON takes",
	    "[123456789012345678901234567890123456789012345678901234567890"
	    "12345678901234567890.5]",
	    NULL },
	{ "escapes are read, and written where they must be",
	    "[\"\\u00e9\\u0022\\\\\\/\\n\\u001f\\u007f\"]",
	    "[\"\xc3\xa9\\\"\\\\/\\n\\u001f\\u007f\"]" },
	{ "a pair is one character", "[\"\\ud83d\\ude00\"]",
	    "[\"\xf0\x9f\x98\x80\"]" },
	{ "lone halves are U+FFFD, in keys too",
	    "{\"\\ud83d\":\"\\ude00\\ud83d\\\\ud83d\"}",
	    "{\"\xef\xbf\xbd\":\"\xef\xbf\xbd\xef\xbf\xbd\\\\ud83d\"}" },
	{ "two first halves before a second", "[\"\\ud83d\\ud83d\\ude00\"]",
	    "[\"\xef\xbf\xbd\xf0\x9f\x98\x80\"]" },
	{ "digits in strings are no numbers", "[\"1.5 -3\",\"\\\"1.5\"]",
	    NULL },
	{ "keys in their order", "{\"b\":1,\"a\":2,\"B\":3}", NULL },
};

static void
values_are_read_and_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(round_trips); i++) {
		struct json *doc = parse(round_trips[i].text);
		const char *want = round_trips[i].want;
		struct buf b;

		buf_init(&b, 1000);
		json_put_value(&b, doc);
		if (strcmp(b.data, want != NULL ? want : round_trips[i].text) !=
		    0)
			fail_msg("%s: %s", round_trips[i].why, b.data);
		buf_release(&b);
		json_free(doc);
	}
}

static const char text[] =
    "{\"s\":\"x\",\"i\":7,\"id\":9223372036854775807,"
    "\"low\":-9223372036854775808,\"over\":9223372036854775808,"
    "\"f\":0.5,\"inf\":1e999,\"t\":true,\"no\":false,\"n\":null,"
    "\"a\":[{\"id\":\"first\"},{\"id\":\"second\"}],\"S\":\"upper\","
    "\"\":\"empty\",\"o\":{\"0\":\"zero\"}}";

static const struct {
	const char *path;
	enum json_type type;
	const char *str;
	int64_t n;
} getters[] = {
	{ "s", JSON_STRING, "x", -1 },
	{ "S", JSON_STRING, "upper", -1 },
	{ "i", JSON_NUMBER, "none", 7 },
	{ "id", JSON_NUMBER, "none", INT64_MAX },
	{ "low", JSON_NUMBER, "none", INT64_MIN },
	{ "over", JSON_NUMBER, "none", -1 },
	{ "f", JSON_NUMBER, "none", -1 },
	{ "inf", JSON_NUMBER, "none", -1 },
	{ "t", JSON_TRUE, "none", -1 },
	{ "no", JSON_FALSE, "none", -1 },
	{ "n", JSON_NULL, "none", -1 },
	{ "a", JSON_ARRAY, "none", -1 },
	{ "a.0.id", JSON_STRING, "first", -1 },
	{ "a.1.id", JSON_STRING, "second", -1 },
	{ "a.2.id", JSON_NONE, "none", -1 },
	{ "a.01.id", JSON_NONE, "none", -1 },
	{ "a.-1", JSON_NONE, "none", -1 },
	{ "a.", JSON_NONE, "none", -1 },
	{ "a.99999999999999999999", JSON_NONE, "none", -1 },
	{ "o.0", JSON_STRING, "zero", -1 },
	{ "s.x", JSON_NONE, "none", -1 },
	{ "", JSON_STRING, "empty", -1 },
	{ "nothing", JSON_NONE, "none", -1 },
	{ "i.", JSON_NONE, "none", -1 },
};

static void
paths_and_getters_take_anything(void **state)
{
	struct json *doc = parse(text);

	(void)state;
	for (size_t i = 0; i < COUNT(getters); i++) {
		const struct json *v = json_path(doc, getters[i].path);

		if (json_type(v) != getters[i].type ||
		    strcmp(json_str(v, "none"), getters[i].str) != 0 ||
		    json_int(v, -1) != getters[i].n)
			fail_msg("%s: %s %lld", getters[i].path,
			    json_str(v, "none"), (long long)json_int(v, -1));
	}
	assert_true(json_double(json_get(doc, "f"), 0) == 0.5);
	assert_true(json_double(json_get(doc, "i"), 0) == 7);
	assert_true(json_double(json_get(doc, "inf"), 0) > 1e300);
	assert_true(json_double(json_get(doc, "s"), 3) == 3);
	assert_int_equal(json_true(json_get(doc, "t")), 1);
	assert_int_equal(json_true(json_get(doc, "no")), 0);
	assert_int_equal(json_true(NULL), 0);
	assert_int_equal(json_count(json_get(doc, "a")), 2);
	assert_int_equal(json_count(json_get(doc, "id")), 0);
	assert_int_equal(json_count(NULL), 0);
	assert_null(json_get(NULL, "a"));
	assert_null(json_path(NULL, "a.b"));
	assert_null(json_at(doc, 99));
	assert_string_equal(json_name(NULL), "");
	assert_string_equal(json_name(doc), "");
	assert_string_equal(json_name(json_at(doc, 1)), "i");
	json_free(doc);
	json_free(NULL);
}

static void
a_tree_is_limited(void **state)
{
	struct json *doc = NULL;
	struct err err = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 1u << 24);
	buf_addc(&b, '[');
	for (size_t i = 1; i < JSON_VALUES; i++)
		buf_adds(&b, "0,");
	buf_adds(&b, "0]");
	assert_int_equal(json_parse(&doc, b.data, b.len, &err), -1);
	assert_int_equal(err.class, ERR_BAD);
	assert_null(doc);
	buf_release(&b);
	assert_int_equal(json_parse(&doc, "[1] 2", 5, &err), -1);
	assert_string_equal(
	    err.text, "JSON, line 1, column 5: something follows the value");
}

static void
objects_are_written_member_by_member(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	buf_addc(&b, '{');
	json_put_member(&b, "text", "a\"b\x01\xff\xc3\xa9\xe2\x82");
	json_put_member(&b, "none", NULL);
	json_put_int(&b, "least", INT64_MIN);
	json_put_bool(&b, "yes", 1);
	json_put_key(&b, "list");
	buf_addc(&b, '[');
	json_put_string_len(&b, "a\0b", 3);
	buf_adds(&b, "],\"inner\":{");
	json_put_bool(&b, "no", 0);
	buf_adds(&b, "}}");
	assert_string_equal(b.data,
	    "{\"text\":\"a\\\"b\\u0001\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd"
	    "\xef\xbf\xbd\",\"none\":null,\"least\":-9223372036854775808,"
	    "\"yes\":true,\"list\":[\"a\\u0000b\"],\"inner\":{\"no\":false}}");
	buf_reset(&b);
	json_put_int(&b, "first", 1); /* members without their braces */
	json_put_int(&b, "second", 2);
	assert_string_equal(b.data, "\"first\":1,\"second\":2");
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read_and_written),
		cmocka_unit_test(paths_and_getters_take_anything),
		cmocka_unit_test(a_tree_is_limited),
		cmocka_unit_test(objects_are_written_member_by_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
