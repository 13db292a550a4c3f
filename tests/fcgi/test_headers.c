/* SPDX-License-Identifier: MIT */
/* Headers of requests and of replies: kept, repeated, huge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "responder_group.h"

#define S RESPONDER_SECRET

static void
a_request_id_is_kept(void **state)
{
	static const struct {
		const char *why, *sent;
		int kept;
	} cases[] = {
		{ "a UUID", "01234567-89ab-4cde-8f01-23456789abcd", 1 },
		{ "no UUID", "hello", 0 },
		{ "a UUID with a line break",
		    "01234567-89ab-4cde-8f01-23456789abcd\r\nX: y", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct webhook_params w;
		struct fcgi_reply reply;
		char body[1024], got[64];
		size_t len = push_body(body, sizeof body, 700 + (unsigned)i);

		webhook_params(&w, S, "push", 700 + (unsigned)i, body, len);
		webhook_set(&w, "HTTP_X_REQUEST_ID", cases[i].sent);
		assert_int_equal(
		    webhook_post(&responder, &w, body, len, &reply), 202);
		fcgi_header(&reply, "X-Request-ID", got, sizeof got);
		if ((strcmp(got, cases[i].sent) == 0) != cases[i].kept)
			fail_msg("%s: got %s", cases[i].why, got);
		assert_int_equal(strlen(got), 36);
		assert_non_null(strstr(reply.body, got));
	}
}

static void
headers_are_complete(void **state)
{
	struct fcgi_reply reply;
	struct webhook_params w;
	char text[64];

	(void)state;
	assert_int_equal(webhook_push(&responder, 800, &reply), 202);
	fcgi_header(&reply, "Content-Type", text, sizeof text);
	assert_string_equal(text, "application/json");
	fcgi_header(&reply, "Cache-Control", text, sizeof text);
	assert_string_equal(text, "no-store");
	webhook_params(&w, S, "push", 801, "", 0);
	webhook_set(&w, "REQUEST_METHOD", "DELETE");
	assert_int_equal(webhook_post(&responder, &w, "", 0, &reply), 405);
	fcgi_header(&reply, "Allow", text, sizeof text);
	assert_string_equal(text, "POST");
}

/* A web server passes a header on that came twice under one name (also
 * X_Hub_Signature_256 beside X-Hub-Signature-256). */
static void
a_repeated_header_is_refused(void **state)
{
	static const char *const once[] = { "HTTP_X_HUB_SIGNATURE_256",
		"HTTP_X_GITHUB_DELIVERY", "HTTP_X_GITHUB_EVENT",
		"CONTENT_LENGTH", "CONTENT_TYPE", "REQUEST_URI" };
	struct webhook_params w;
	struct fcgi_reply reply;
	char body[1024];

	(void)state;
	for (size_t i = 0; i < sizeof once / sizeof *once; i++) {
		size_t len = push_body(body, sizeof body, 810), n = 0;

		webhook_params(&w, S, "push", 810, body, len);
		while (w.list[n].name != NULL)
			n++;
		for (size_t k = 0; k < n; k++) {
			if (strcmp(w.list[k].name, once[i]) == 0)
				w.list[n] = w.list[k];
		}
		webhook_post(&responder, &w, body, len, &reply);
		if (reply.status != 400 ||
		    strstr(reply.body, "repeated_header") == NULL)
			fail_msg("%s twice: %d %s", once[i], reply.status,
			    reply.body);
	}
}

static void
a_header_of_64_kb_is_survived(void **state)
{
	static const struct {
		const char *name;
		int status;
	} cases[] = {
		{ "HTTP_X_HUB_SIGNATURE_256", 403 },
		{ "HTTP_X_GITHUB_DELIVERY", 400 },
		{ "HTTP_X_GITHUB_EVENT", 400 },
		{ "HTTP_X_GITHUB_HOOK_ID", 400 },
		{ "HTTP_X_REQUEST_ID", 202 },
		{ "HTTP_X_FORWARDED_FOR", 202 },
		{ "CONTENT_TYPE", 400 },
		{ "CONTENT_LENGTH", 413 },
		{ "REQUEST_URI", 404 },
		{ "REQUEST_METHOD", 405 },
	};
	static char huge[65537];

	(void)state;
	memset(huge, '7', sizeof huge - 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct webhook_params w;
		struct fcgi_reply reply;
		char body[1024];
		size_t len = push_body(body, sizeof body, 820 + (unsigned)i);

		webhook_params(&w, S, "push", 820 + (unsigned)i, body, len);
		webhook_set(&w, cases[i].name, huge);
		webhook_post(&responder, &w, body, len, &reply);
		if (reply.status != cases[i].status)
			fail_msg("%s: %d %s", cases[i].name, reply.status,
			    reply.body);
	}
}

static void
deep_json_is_refused(void **state)
{
	enum { DEPTH = 10000 };
	static char body[2 * DEPTH + 16];
	struct webhook_params w;
	struct fcgi_reply reply;
	size_t len;

	(void)state;
	memcpy(body, "{\"a\":", 5);
	memset(body + 5, '[', DEPTH);
	memset(body + 5 + DEPTH, ']', DEPTH);
	body[5 + 2 * DEPTH] = '}';
	len = 6 + 2 * DEPTH;
	webhook_params(&w, S, "push", 850, body, len);
	assert_int_equal(webhook_post(&responder, &w, body, len, &reply), 400);
	assert_non_null(strstr(reply.body, "invalid_json"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_id_is_kept),
		cmocka_unit_test(headers_are_complete),
		cmocka_unit_test(a_repeated_header_is_refused),
		cmocka_unit_test(a_header_of_64_kb_is_survived),
		cmocka_unit_test(deep_json_is_refused),
	};

	return cmocka_run_group_tests(tests, responder_begin, responder_end);
}
