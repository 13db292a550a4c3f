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

#include "log.h"

#define T20 "abcdefghij0123456789"
#define PEM                                                                    \
	"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"

static const struct {
	const char *why, *text, *want;
} cases[] = {
	{ "plain text stays", "nothing to see: a://b, x@y",
	    "nothing to see: a://b, x@y" },
	{ "a personal token goes", "token ghp_" T20 ".", "token [redacted]." },
	{ "every prefix is known",
	    "gho_" T20 " ghu_" T20 " ghs_" T20 " ghr_" T20,
	    "[redacted] [redacted] [redacted] [redacted]" },
	{ "a fine-grained token goes", "github_pat_" T20 "_x, no",
	    "[redacted], no" },
	{ "a token made of parts goes whole", "ghs_12_" T20 "." T20 "-" T20,
	    "[redacted]" },
	{ "a token in the middle of a word goes", "AAAghp_" T20,
	    "AAA[redacted]" },
	{ "too short for a token", "ghp_abcdefghij012345678",
	    "ghp_abcdefghij012345678" },
	{ "a private key goes whole", "a " PEM " b", "a [redacted] b" },
	{ "a key without end goes to the end",
	    "a -----BEGIN PRIVATE KEY-----\nMIIE\nMIIE", "a [redacted]" },
	{ "a public key stays", "-----BEGIN PUBLIC KEY-----\nMIIE",
	    "-----BEGIN PUBLIC KEY-----\nMIIE" },
	{ "the password of an address", "http://user:pass@host/x",
	    "http://user:[redacted]@host/x" },
	{ "a password with an at sign", "http://user:p@ss@host/x",
	    "http://user:[redacted]@host/x" },
	{ "an address without password stays", "https://host:80/a@b",
	    "https://host:80/a@b" },
	{ "a user alone stays", "ssh://git@host/x", "ssh://git@host/x" },
	{ "but a long one is a token", "https://" T20 "@host/x",
	    "https://[redacted]@host/x" },
	{ "x-access-token anywhere", "user x-access-token:abc@github.com",
	    "user x-access-token:[redacted]@github.com" },
	{ "a header keeps its scheme", "Authorization: Bearer abc.def\r\nA: b",
	    "Authorization: Bearer [redacted]\r\nA: b" },
	{ "a header in JSON", "{\"authorization\":\"token abc\",\"a\":1}",
	    "{\"authorization\":\"token [redacted]\",\"a\":1}" },
	{ "a header of an unknown scheme", "authorization: Foo a=b, c=d",
	    "authorization: [redacted]" },
	{ "basic credentials", "> Authorization: Basic dXNlcjpwYXNz",
	    "> Authorization: Basic [redacted]" },
	{ "the word alone is none", "authorization failed", NULL },
	{ "bearer without its header", "got Bearer " T20 T20 ", ok",
	    "got Bearer [redacted], ok" },
	{ "a registered value", "is it hunter22? hunter22!",
	    "is it [redacted]? [redacted]!" },
	{ "the longer of two", "hunter22-and-more", "[redacted]" },
	{ "overlapping values are one", "hunter22seven77", "[redacted]" },
	{ "a registered key's line", "> line-of-a-long-key <",
	    "> [redacted] <" },
	{ "a value that looks like the mark", "[redacted] dacted]",
	    "[redacted] [redacted]" },
	{ "the user too", "http://hunter22:x@host",
	    "http://[redacted]:[redacted]@host" },
	{ "an empty text", "", "" },
};

static size_t
run(char *room, size_t size, const char *text)
{
	size_t len = strlen(text);

	memcpy(room, text, len);
	len = redact(room, len, size);
	assert_true(len < size);
	room[len] = '\0';
	return len;
}

static void
secrets_are_replaced(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *want = cases[i].want;
		char room[400];
		size_t len;

		if (want == NULL)
			want = cases[i].text;
		len = run(room, sizeof room, cases[i].text);
		if (strcmp(room, want) != 0)
			fail_msg("%s: %s", cases[i].why, room);
		len = redact(room, len, sizeof room);
		room[len] = '\0';
		if (strcmp(room, want) != 0)
			fail_msg("%s, again: %s", cases[i].why, room);
	}
}

/* The values registered below, in JSON. */
static const struct {
	const char *why, *text, *want;
} json_cases[] = {
	{ "a value in a string", "{\"a\":\"is hunter22.\"}",
	    "{\"a\":\"is [redacted].\"}" },
	{ "a key without end ends with its string",
	    "{\"a\":\"-----BEGIN PRIVATE KEY-----\\nMIIE\",\"b\":1}",
	    "{\"a\":\"[redacted]\",\"b\":1}" },
	{ "a header ends with its string",
	    "{\"a\":\"Authorization: Bearer abc\",\"b\":\"c\"}",
	    "{\"a\":\"Authorization: Bearer [redacted]\",\"b\":\"c\"}" },
	{ "a member of that name stays JSON",
	    "{\"authorization\":null,\"b\":\"authorization:\",\"c\":\"d\"}",
	    "{\"authorization\":null,\"b\":\"authorization:\",\"c\":\"d\"}" },
	{ "JSON inside JSON",
	    "{\"a\":\"{\\\"authorization\\\":\\\"token abc\\\"}\"}",
	    "{\"a\":\"{\\\"authorization\\\":\\\"token [redacted]\\\"}\"}" },
	{ "digits are a secret only in a string",
	    "{\"a\":31415926,\"b\":\"31415926\"}",
	    "{\"a\":31415926,\"b\":\"[redacted]\"}" },
	{ "an escape is no letter of a value", "[\"\\newline77 newline77\"]",
	    "[\"\\newline77 [redacted]\"]" },
	{ "a value that JSON writes otherwise",
	    "[\"say \\\"quoted\\\"\\\\, ok\"]", "[\"say [redacted], ok\"]" },
	{ "a token before an escaped quote",
	    "[\"x-access-token:abc\\\"\",\"b\"]",
	    "[\"x-access-token:[redacted]\\\"\",\"b\"]" },
	{ "empty strings and no string", "{\"\":\"\",\"b\":[]}",
	    "{\"\":\"\",\"b\":[]}" },
};

static void
json_stays_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof json_cases / sizeof *json_cases; i++) {
		size_t len = strlen(json_cases[i].text);
		char room[400];

		memcpy(room, json_cases[i].text, len);
		len = redact_json(room, len, sizeof room - 1);
		room[len] = '\0';
		if (strcmp(room, json_cases[i].want) != 0)
			fail_msg("%s: %s", json_cases[i].why, room);
	}
}

static void
what_was_behind_is_wiped(void **state)
{
	char room[64] = "x://user:a-long-and-secret-password@host";

	(void)state;
	assert_int_equal(redact(room, strlen(room), sizeof room), 24);
	for (size_t i = 24; i < sizeof room; i++)
		assert_int_equal(room[i], 0);
}

static void
without_room_the_text_is_cut(void **state)
{
	char room[] = "hunter22 and what follows";

	(void)state;
	/* Two bytes more are needed and not there. */
	assert_int_equal(redact(room, 25, 25), 10);
	assert_memory_equal(room, "[redacted]", 10);
	memcpy(room, "a hunter22", 10);
	assert_int_equal(redact(room, 10, 10), 10);
	assert_memory_equal(room, "a [redacte", 10);
}

/* 4 MB of what could make it look at the same bytes again and again. */
static void
hostile_texts_take_linear_time(void **state)
{
	static const char *const pieces[] = { "authorization:", "://",
		"://a:", "x-access-token:", "ghp_", "ghp_.", "-----BEGIN ",
		"bearer ", "-----BEGIN PRIVATE KEY-----", "hunter2",
		"Authorization \"" };
	size_t len = 4 << 20, size = len + 64;
	char *room = malloc(size);

	(void)state;
	assert_non_null(room);
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		size_t piece = strlen(pieces[i]);
		clock_t start = clock();

		for (size_t at = 0; at < len; at++)
			room[at] = pieces[i][at % piece];
		redact(room, len, size);
		for (size_t at = 0; at < len; at++)
			room[at] = at % 2 ? pieces[i][at / 2 % piece] : '"';
		redact_json(room, len, size);
		if (clock() - start > 3 * CLOCKS_PER_SEC)
			fail_msg("%s: takes too long", pieces[i]);
	}
	free(room);
}

static int
register_values(void **state)
{
	static const char *const values[] = { "hunter22", "hunter22-and-more",
		"seven77", "22seven", "dacted]", "short", "31415926",
		"newline77", "\"quoted\"\\",
		"-----BEGIN X-----\nline-of-a-long-key\n-----END X-----\n" };

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		log_secret(values[i], strlen(values[i]));
		log_secret(values[i], strlen(values[i]));
	}
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_are_replaced),
		cmocka_unit_test(json_stays_json),
		cmocka_unit_test(what_was_behind_is_wiped),
		cmocka_unit_test(without_room_the_text_is_cut),
		cmocka_unit_test(hostile_texts_take_linear_time),
	};

	return cmocka_run_group_tests(tests, register_values, NULL);
}
