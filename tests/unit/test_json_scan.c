/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "buf.h"
#include "err.h"
#include "json.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/*
 * Scans a copy that ends exactly where its memory ends, so that a read
 * beyond it is seen by the address sanitizer.
 */
static int
scan_copy(const char *text, size_t len, struct err *err)
{
	char *copy = malloc(len > 0 ? len : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, text, len);
	rc = json_scan(copy, len, NULL, 0, err);
	free(copy);
	return rc;
}

static const struct {
	const char *why, *text;
} accepted[] = {
	{ "an empty object", "{}" },
	{ "blanks anywhere", " \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n" },
	{ "every word", "{\"a\":[true,false,null]}" },
	{ "every form of number",
	    "{\"a\":[0,-0,1,-1,10,0.5,-0.0,1e5,1E+5,1e-5,1.5e10,1e999]}" },
	{ "every escape", "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"}" },
	{ "a pair of surrogates", "{\"a\":\"\\ud83d\\ude00\"}" },
	{ "a lone first half", "{\"a\":\"\\ud83d\"}" },
	{ "a lone first half before another escape", "{\"a\":\"\\ud83d\\n\"}" },
	{ "a lone second half", "{\"a\":\"\\ude00x\"}" },
	{ "UTF-8 of every length",
	    "{\"a\":\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"}" },
	{ "DEL, which RFC 8259 allows", "{\"a\":\"\x7f\"}" },
	{ "an empty key", "{\"\":1}" },
	{ "the same key in two objects", "{\"a\":{\"a\":1},\"b\":{\"a\":1}}" },
	{ "the same key again behind an object", "{\"a\":{\"b\":1},\"b\":1}" },
	{ "keys that differ in case", "{\"a\":1,\"A\":2}" },
	{ "keys that differ behind a NUL's worth of digits",
	    "{\"\\u0001\":1,\"\\u00010\":1}" },
};

static const struct {
	const char *text, *want;
} refused[] = {
	{ "", "line 1, column 1: ends too early" },
	{ "[]", "line 1, column 1: expected an object" },
	{ "1", "line 1, column 1: expected an object" },
	{ "\xef\xbb\xbf{}", "line 1, column 1: expected an object" },
	{ "{} x", "line 1, column 4: something follows the value" },
	{ "{}{}", "line 1, column 3: something follows the value" },
	{ "{", "line 1, column 2: ends too early" },
	{ "{\"a\"", "line 1, column 5: ends too early" },
	{ "{\"a\":", "line 1, column 6: ends too early" },
	{ "{\"a\":1", "line 1, column 7: ends too early" },
	{ "{\"a\":1,", "line 1, column 8: ends too early" },
	{ "{\"a\":1,}", "line 1, column 8: expected a key" },
	{ "{,}", "line 1, column 2: expected a key" },
	{ "{a:1}", "line 1, column 2: expected a key" },
	{ "{'a':1}", "line 1, column 2: expected a key" },
	{ "{\"a\" 1}", "line 1, column 6: expected a colon" },
	{ "{\"a\":1 \"b\":2}", "line 1, column 8: expected a comma" },
	{ "{\"a\":[1,]}", "line 1, column 9: expected a value" },
	{ "{\"a\":[1}", "line 1, column 8: expected a comma" },
	{ "{\"a\":[1]]", "line 1, column 9: expected a comma" },
	{ "{\"a\":}", "line 1, column 6: expected a value" },
	{ "{\"a\":nul}", "line 1, column 6: expected a value" },
	{ "{\"a\":NaN}", "line 1, column 6: expected a value" },
	{ "{\"a\":truex}", "line 1, column 10: expected a comma" },
	{ "{\"a\":01}", "line 1, column 7: expected a comma" },
	{ "{\"a\":+1}", "line 1, column 6: expected a value" },
	{ "{\"a\":.5}", "line 1, column 6: expected a value" },
	{ "{\"a\":1.}", "line 1, column 6: not a number" },
	{ "{\"a\":-}", "line 1, column 6: not a number" },
	{ "{\"a\":1e}", "line 1, column 6: not a number" },
	{ "{\"a\":1e+}", "line 1, column 6: not a number" },
	{ "{\"a\":0x1}", "line 1, column 7: expected a comma" },
	{ "{\"a\":\"", "line 1, column 7: ends inside a string" },
	{ "{\"a\":\"x\\", "line 1, column 8: no such escape" },
	{ "{\"a\":\"\\x\"}", "line 1, column 7: no such escape" },
	{ "{\"a\":\"\\u12\"}",
	    "line 1, column 7: expected four hexadecimal digits" },
	{ "{\"a\":\"\\u00g0\"}",
	    "line 1, column 7: expected four hexadecimal digits" },
	{ "{\"a\":\"\\u0000\"}", "line 1, column 7: \\u0000 is not allowed" },
	{ "{\"\\u0000\":1}", "line 1, column 3: \\u0000 is not allowed" },
	{ "{\"a\":\"\n\"}", "line 1, column 7: control character in a string" },
	{ "{\n\n  \"a\":\"1234567890\t\"}",
	    "line 3, column 18: control character in a string" },
	{ "{\"a\":\"\xff\"}", "line 1, column 7: not UTF-8" },
	{ "{\"a\":\"\xc0\x80\"}", "line 1, column 7: not UTF-8" },
	{ "{\"a\":\"\xed\xa0\x80\"}", "line 1, column 7: not UTF-8" },
	{ "{\"a\":\"\xe2\x82", "line 1, column 7: not UTF-8" },
	{ "{\"a\":1,\"a\":2}",
	    "line 1, column 8: the same key twice in one object" },
	{ "{\"a\":1,\"\\u0061\":2}",
	    "line 1, column 8: the same key twice in one object" },
	{ "{\"\\u0061\":1,\"\\u0061\":2}",
	    "line 1, column 13: the same key twice in one object" },
	{ "{\"\\ud800\":1,\"\xef\xbf\xbd\":2}",
	    "line 1, column 13: the same key twice in one object" },
	{ "{\"a\":{\"b\":1},\"a\":2}",
	    "line 1, column 14: the same key twice in one object" },
	{ "{/**/}", "line 1, column 2: expected a key" },
};

static void
what_the_standard_allows_is_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(accepted); i++) {
		struct err err = { 0 };

		if (scan_copy(
			accepted[i].text, strlen(accepted[i].text), &err) == -1)
			fail_msg("%s: %s", accepted[i].why, err.text);
	}
}

static void
the_rest_is_refused_with_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		const char *text = refused[i].text;
		struct err err = { 0 };
		char want[ERR_TEXT_MAX];

		snprintf(want, sizeof want, "JSON, %s", refused[i].want);
		if (scan_copy(text, strlen(text), &err) == 0)
			fail_msg("%s: accepted", text);
		if (err.class != ERR_BAD || strcmp(err.text, want) != 0)
			fail_msg("%s: %s", text, err.text);
	}
}

static void
a_nul_is_never_skipped(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(scan_copy("{}\0", 3, &err), -1);
	assert_int_equal(scan_copy("{\"a\":\"\0\"}", 9, &err), -1);
	assert_int_equal(scan_copy("{\"a\":\"\\\0\"}", 10, &err), -1);
}

/* "[[...]]" inside {"a": }, so one level is the object's. */
static int
scan_depth(size_t depth, int closed)
{
	struct err err = { 0 };
	struct buf b;
	int rc;

	buf_init(&b, 4 * depth + 20);
	buf_adds(&b, "{\"a\":");
	for (size_t i = 1; i < depth; i++)
		buf_addc(&b, '[');
	for (size_t i = 1; closed && i < depth; i++)
		buf_addc(&b, ']');
	buf_addc(&b, '}');
	rc = scan_copy(b.data, b.len, &err);
	if (rc == -1 && closed)
		assert_non_null(strstr(err.text, "nested too deep"));
	buf_release(&b);
	return rc;
}

static void
depth_is_limited(void **state)
{
	(void)state;
	assert_int_equal(scan_depth(JSON_DEPTH, 1), 0);
	assert_int_equal(scan_depth(JSON_DEPTH + 1, 1), -1);
	assert_int_equal(scan_depth(100000, 1), -1);
	assert_int_equal(scan_depth(100000, 0), -1);
}

/* An object of `count` keys "k0"..., then one more member. */
static int
scan_members(size_t count, const char *last, struct err *err)
{
	struct buf b;
	int rc;

	buf_init(&b, 1u << 28);
	buf_addc(&b, '{');
	for (size_t i = 0; i < count; i++)
		buf_addf(&b, "\"k%zu\":{\"a\":[{\"a\":0}]},", i);
	buf_addf(&b, "%s:0}", last);
	assert_int_equal(b.state, BUF_OK);
	rc = scan_copy(b.data, b.len, err);
	buf_release(&b);
	return rc;
}

static void
a_key_is_found_again_in_any_object(void **state)
{
	struct err err = { 0 };

	(void)state;
	for (size_t n = 1; n < 600; n++) {
		char last[40];

		assert_int_equal(scan_members(n, "\"other\"", &err), 0);
		snprintf(last, sizeof last, "\"k%zu\"", n * 7 % n);
		assert_int_equal(scan_members(n, last, &err), -1);
		snprintf(last, sizeof last, "\"\\u006b%zu\"", n - 1);
		assert_int_equal(scan_members(n, last, &err), -1);
		assert_non_null(strstr(err.text, "the same key twice"));
	}
}

static void
members_are_limited(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(scan_members(JSON_MEMBERS - 1, "\"x\"", &err), 0);
	assert_int_equal(scan_members(JSON_MEMBERS, "\"x\"", &err), -1);
	assert_non_null(strstr(err.text, "too many members"));
}

/* 25 MB of what could cost more than its length. */
static void
hostile_bodies_take_linear_time(void **state)
{
	static const struct {
		const char *begin, *piece, *end;
	} shapes[] = {
		{ "{\"a\":[", "[],", "0]}" },
		{ "{\"a\":[", "{\"a\":{\"b\":{\"c\":{}}}},", "0]}" },
		{ "{\"a\":\"", "\\ud800", "\"}" },
		{ "{\"a\":\"", "\xf0\x9f\x98\x80", "\"}" },
		{ "{\"", "\\u0061", "\":1}" },
		{ "{\"a\":", "1", "}" },
		{ "{", "\n", "}" },
	};
	size_t size = 25 << 20;

	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		struct err err = { 0 };
		struct buf b;
		clock_t start;

		buf_init(&b, size + 100);
		buf_adds(&b, shapes[i].begin);
		while (b.len < size)
			buf_adds(&b, shapes[i].piece);
		buf_adds(&b, shapes[i].end);
		start = clock();
		assert_int_equal(json_scan(b.data, b.len, NULL, 0, &err), 0);
		if (clock() - start > 4 * CLOCKS_PER_SEC)
			fail_msg("%s: takes too long", shapes[i].piece);
		buf_release(&b);
	}
}

static const char payload[] =
    "{\"action\":\"opened\",\"number\":9007199254740993,\n"
    " \"repository\":{\"name\":\"a\",\"owner\":{\"login\":\"o\\u006f\"},"
    "  \"full_name\":\"oo/a\",\"id\":-9223372036854775808},\n"
    " \"x\":[{\"action\":\"inner\"}],\"repository.name\":\"dotted\","
    " \"null\":null,\"no\":false,\"yes\":true,\"big\":9223372036854775808,"
    " \"half\":0.5,\"\\u0065sc\":{\"k\":\"\\ud83d\\ude00\\ud83d!\"},"
    " \"obj\":{ \"a\" : 1 },\"arr\":[1, 2],\"empty\":\"\"}";

static const struct {
	const char *path;
	enum json_type type;
	const char *want; /* its text; a string's unescaped */
} picks[] = {
	{ "action", JSON_STRING, "opened" },
	{ "number", JSON_NUMBER, "9007199254740993" },
	{ "repository.name", JSON_STRING, "a" },
	{ "repository.owner.login", JSON_STRING, "oo" },
	{ "repository.owner", JSON_OBJECT, "{\"login\":\"o\\u006f\"}" },
	{ "repository.full_name", JSON_STRING, "oo/a" },
	{ "repository.nothing", JSON_NONE, NULL },
	{ "nothing.at.all", JSON_NONE, NULL },
	{ "action.more", JSON_NONE, NULL },
	{ "x.action", JSON_NONE, NULL },
	{ "name", JSON_NONE, NULL },
	{ "null", JSON_NULL, "null" },
	{ "no", JSON_FALSE, "false" },
	{ "yes", JSON_TRUE, "true" },
	{ "half", JSON_NUMBER, "0.5" },
	{ "esc.k", JSON_STRING, "\xf0\x9f\x98\x80\xef\xbf\xbd!" },
	{ "obj", JSON_OBJECT, "{ \"a\" : 1 }" },
	{ "arr", JSON_ARRAY, "[1, 2]" },
	{ "empty", JSON_STRING, "" },
	{ "repository.id", JSON_NUMBER, "-9223372036854775808" },
	{ "big", JSON_NUMBER, "9223372036854775808" },
};

static void
fill_picks(struct json_pick out[COUNT(picks)])
{
	struct err err = { 0 };

	for (size_t i = 0; i < COUNT(picks); i++)
		out[i] = (struct json_pick){ .path = picks[i].path };
	if (json_scan(payload, sizeof payload - 1, out, COUNT(picks), &err) ==
	    -1)
		fail_msg("%s", err.text);
}

static void
paths_find_their_values(void **state)
{
	struct json_pick got[COUNT(picks)];

	(void)state;
	fill_picks(got);
	for (size_t i = 0; i < COUNT(picks); i++) {
		struct buf b;

		buf_init(&b, 1000);
		if (got[i].type == JSON_STRING)
			json_pick_string(&got[i], &b);
		else if (got[i].type != JSON_NONE)
			buf_add(&b, got[i].at, got[i].len);
		if (got[i].type != picks[i].type ||
		    (picks[i].want != NULL &&
			strcmp(b.data, picks[i].want) != 0))
			fail_msg("%s: %d %s", picks[i].path, (int)got[i].type,
			    b.data);
		buf_release(&b);
	}
}

static const struct {
	const char *path;
	int rc;
	int64_t want;
} integers[] = {
	{ "number", 0, INT64_C(9007199254740993) },
	{ "repository.id", 0, INT64_MIN },
	{ "big", -1, 77 },
	{ "half", -1, 77 },
	{ "action", -1, 77 },
	{ "nothing.at.all", -1, 77 },
};

static void
integers_are_exact(void **state)
{
	struct json_pick got[COUNT(picks)];

	(void)state;
	fill_picks(got);
	for (size_t i = 0; i < COUNT(integers); i++) {
		for (size_t k = 0; k < COUNT(picks); k++) {
			int64_t n = 77;

			if (strcmp(picks[k].path, integers[i].path) != 0)
				continue;
			assert_int_equal(
			    json_pick_int(&n, &got[k]), integers[i].rc);
			if (n != integers[i].want)
				fail_msg(
				    "%s: %lld", integers[i].path, (long long)n);
		}
	}
}

static void
picks_stay_as_they_were_on_failure(void **state)
{
	struct json_pick pick = { .path = "a", .type = JSON_TRUE, .len = 5 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(json_scan("{\"a\":1,}", 8, &pick, 1, &err), -1);
	assert_int_equal(pick.type, JSON_TRUE);
	assert_int_equal(pick.len, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_standard_allows_is_accepted),
		cmocka_unit_test(the_rest_is_refused_with_its_place),
		cmocka_unit_test(a_nul_is_never_skipped),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(a_key_is_found_again_in_any_object),
		cmocka_unit_test(members_are_limited),
		cmocka_unit_test(hostile_bodies_take_linear_time),
		cmocka_unit_test(paths_find_their_values),
		cmocka_unit_test(integers_are_exact),
		cmocka_unit_test(picks_stay_as_they_were_on_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
