/* SPDX-License-Identifier: MIT */
/*
 * One request a row: what comes in, what is answered, and whether a job is in
 * the spool afterwards. "@@@@" in a body becomes the row's number, so that no
 * two rows send the same body by accident.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "responder_group.h"

#define S RESPONDER_SECRET
#define N RESPONDER_NEXT
#define O RESPONDER_OWN

#define PUSH_OF(repository)                                                    \
	"{\"ref\":\"refs/heads/main\",\"before\":\"@@@@\",\"after\":\"0\","    \
	"\"commits\":[],\"created\":false,\"deleted\":false,"                  \
	"\"pusher\":{\"name\":\"octocat\"},"                                   \
	"\"repository\":{\"full_name\":\"" repository "\"},"                   \
	"\"sender\":{\"login\":\"octocat\"}}"
#define PUSH PUSH_OF("octo/plain")
#define PULL                                                                   \
	"{\"action\":\"opened\",\"number\":7,\"n\":@@@@,"                      \
	"\"pull_request\":{\"number\":7,\"head\":{\"sha\":"                    \
	"\"0123456789012345678901234567890123456789\"}},"                      \
	"\"repository\":{\"full_name\":\"octo/plain\"}}"
#define PING                                                                   \
	"{\"zen\":\"@@@@\",\"hook_id\":42,\"hook\":{\"type\":\"Repository\"}}"
#define FORM "application/x-www-form-urlencoded"

static const struct row {
	const char *why;
	const char *event, *secret, *body;
	struct fcgi_param set[3];
	int status;
	const char *word;
	int jobs; /* new files in new/ */
} rows[] = {
	/* ---- accepted ---- */
	{ "a push is accepted", "push", S, PUSH, { { 0 } }, 202,
	    "\"status\":\"accepted\"", 1 },
	{ "the second secret is as good", "push", N, PUSH, { { 0 } }, 202,
	    "\"job_id\":\"0-", 1 },
	{ "a pull request's job carries its number", "pull_request", S, PULL,
	    { { 0 } }, 202, "\"job_id\":\"7-", 1 },
	{ "a ping needs no hook and no repository", "ping", S, PING, { { 0 } },
	    202, "accepted", 1 },
	{ "a ping of an unknown repository is taken too", "ping", S,
	    "{\"zen\":\"@@@@\",\"hook_id\":42,\"repository\":"
	    "{\"full_name\":\"a/b\"}}",
	    { { 0 } }, 202, "accepted", 1 },
	{ "the other address is the same", "push", S, PUSH,
	    { { "REQUEST_URI", "/webhooks/github" } }, 202, "accepted", 1 },
	{ "a query does not matter", "push", S, PUSH,
	    { { "REQUEST_URI", "/webhook_server?a=b" } }, 202, "accepted", 1 },
	{ "a prefix before the address does not matter", "push", S, PUSH,
	    { { "REQUEST_URI", "/cgi-bin/hookspool/webhook_server" } }, 202,
	    "accepted", 1 },
	{ "without REQUEST_URI the script's path counts", "push", S, PUSH,
	    { { "REQUEST_URI", NULL }, { "SCRIPT_NAME", "/cgi-bin/x" },
		{ "PATH_INFO", "/webhook_server" } },
	    202, "accepted", 1 },
	{ "a content type may have parameters", "push", S, PUSH,
	    { { "CONTENT_TYPE", "Application/JSON; charset=utf-8" } }, 202,
	    "accepted", 1 },
	{ "a hook's ID may be missing", "push", S, PUSH,
	    { { "HTTP_X_GITHUB_HOOK_ID", NULL } }, 202, "accepted", 1 },
	{ "a delivery may be in upper case", "push", S, PUSH,
	    { { "HTTP_X_GITHUB_DELIVERY",
		"ABCDEF01-72D3-11E3-A5A5-5404A6A3F7E8" } },
	    202, "0-abcdef01-72d3-11e3-a5a5-5404a6a3f7e8", 1 },
	{ "an empty CONTENT_LENGTH is a chunked body (nginx)", "push", S, PUSH,
	    { { "CONTENT_LENGTH", "" } }, 202, "accepted", 1 },
	{ "none at all is too (apache)", "push", S, PUSH,
	    { { "CONTENT_LENGTH", NULL } }, 202, "accepted", 1 },
	{ "-1 is too (caddy)", "push", S, PUSH, { { "CONTENT_LENGTH", "-1" } },
	    202, "accepted", 1 },
	{ "a length may have leading zeros", "push", S,
	    "{\"ref\":0,"
	    "\"before\":\"@@@@\",\"after\":0,\"commits\":[],\"created\":false,"
	    "\"deleted\":false,\"pusher\":{}}",
	    { { "CONTENT_LENGTH", "0000000092" } }, 202, "accepted", 1 },
	{ "an event of an organization has no repository", "organization", S,
	    "{\"action\":\"member_added\",\"organization\":{\"id\":@@@@},"
	    "\"membership\":{}}",
	    { { 0 } }, 202, "\"job_id\":\"0-", 1 },
	{ "a number that is none is no number", "issues", S,
	    "{\"action\":\"opened\",\"issue\":{\"number\":\"@@@@\"},"
	    "\"repository\":{\"full_name\":\"octo/plain\"}}",
	    { { 0 } }, 202, "\"job_id\":\"0-", 1 },
	{ "a number out of range is no number", "issues", S,
	    "{\"action\":\"opened\",\"issue\":{\"number\":9223372036854775807},"
	    "\"x\":@@@@,\"repository\":{\"full_name\":\"octo/plain\"}}",
	    { { 0 } }, 202, "\"job_id\":\"0-", 1 },
	{ "a negative number is no number", "issues", S,
	    "{\"action\":\"opened\",\"issue\":{\"number\":-1},\"x\":@@@@,"
	    "\"repository\":{\"full_name\":\"octo/plain\"}}",
	    { { 0 } }, 202, "\"job_id\":\"0-", 1 },
	{ "an action full of control characters is kept harmless", "issues", S,
	    "{\"action\":\"a\\r\\nJob: 1\\t\",\"issue\":{\"number\":@@@@},"
	    "\"repository\":{\"full_name\":\"octo/plain\"}}",
	    { { 0 } }, 202, "accepted", 1 },
	{ "a repository's own secret speaks for it", "push", O,
	    PUSH_OF("octo/own"), { { 0 } }, 202, "accepted", 1 },
	{ "the name of a repository has no case", "push", O,
	    PUSH_OF("Octo/OWN"), { { 0 } }, 202, "accepted", 1 },
	{ "the SHA-1 header beside the right one does not matter", "push", S,
	    PUSH, { { "HTTP_X_HUB_SIGNATURE", "sha1=00" } }, 202, "accepted",
	    1 },
	{ "a form's payload is read", "push", S,
	    "payload=%7B%22ref%22%3A%22x%22%2C%22before%22%3A%22@@@@%22%2C"
	    "%22after%22%3A%220%22%2C%22commits%22%3A%5B%5D%2C%22created%22"
	    "%3Afalse%2C%22deleted%22%3Afalse%2C%22pusher%22%3A%7B%7D%7D",
	    { { "CONTENT_TYPE", FORM } }, 202, "accepted", 1 },

	/* ---- ignored ---- */
	{ "an event nobody asked for is not stored", "star", S,
	    "{\"action\":\"created\",\"starred_at\":\"@@@@\",\"repository\":"
	    "{\"full_name\":\"octo/plain\"}}",
	    { { 0 } }, 200, "\"reason\":\"not_handled\"", 0 },
	{ "nor one of a repository nobody knows", "star", S,
	    "{\"action\":\"created\",\"starred_at\":\"@@@@\",\"repository\":"
	    "{\"full_name\":\"who/knows\"}}",
	    { { 0 } }, 200, "\"reason\":\"unknown_repository\"", 0 },
	{ "an unknown event is no error", "quantum_entanglement", S,
	    "{\"n\":@@@@}", { { 0 } }, 200, "\"status\":\"ignored\"", 0 },

	/* ---- signature ---- */
	{ "no signature", "push", S, PUSH,
	    { { "HTTP_X_HUB_SIGNATURE_256", NULL } }, 401,
	    "\"error\":\"missing_signature\"", 0 },
	{ "an empty signature is none", "push", S, PUSH,
	    { { "HTTP_X_HUB_SIGNATURE_256", "" } }, 401, "missing_signature",
	    0 },
	{ "SHA-1 alone is not enough, and the reply says so", "push", S, PUSH,
	    { { "HTTP_X_HUB_SIGNATURE_256", NULL },
		{ "HTTP_X_HUB_SIGNATURE",
		    "sha1=7d38cdd689735b008b3c702edd92eea23791c5f6" } },
	    401, "SHA-1", 0 },
	{ "the signature of another body", "push", S, PUSH,
	    { { "HTTP_X_HUB_SIGNATURE_256",
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379"
		"c8b043e17" } },
	    403, "\"error\":\"invalid_signature\"", 0 },
	{ "a secret nobody has", "push", "not one of our secrets", PUSH,
	    { { 0 } }, 403, "invalid_signature", 0 },
	{ "upper case is not what GitHub sends", "push", S, PUSH,
	    { { "HTTP_X_HUB_SIGNATURE_256",
		"sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379"
		"C8B043E17" } },
	    403, "lower-case", 0 },
	{ "one digit short", "push", S, PUSH,
	    { { "HTTP_X_HUB_SIGNATURE_256",
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379"
		"c8b043e1" } },
	    403, "invalid_signature", 0 },
	{ "one digit long", "push", S, PUSH,
	    { { "HTTP_X_HUB_SIGNATURE_256",
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379"
		"c8b043e170" } },
	    403, "invalid_signature", 0 },
	{ "bytes above ASCII", "push", S, PUSH,
	    { { "HTTP_X_HUB_SIGNATURE_256",
		"sha256=\xff\xfe\xc3\xa9"
		"ea0eb2509fc211221cce984b8a37570b6d7586"
		"c22c46f4379c8b043e17" } },
	    403, "invalid_signature", 0 },
	{ "only the prefix", "push", S, PUSH,
	    { { "HTTP_X_HUB_SIGNATURE_256", "sha256=" } }, 403,
	    "invalid_signature", 0 },
	{ "another prefix", "push", S, PUSH,
	    { { "HTTP_X_HUB_SIGNATURE_256",
		"sha512=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379"
		"c8b043e17" } },
	    403, "invalid_signature", 0 },
	{ "two signatures joined by a comma are not taken apart", "push", S,
	    PUSH,
	    { { "HTTP_X_HUB_SIGNATURE_256",
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379"
		"c8b043e17, sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586"
		"c22c46f4379c8b043e17" } },
	    403, "invalid_signature", 0 },
	{ "a blank before the signature", "push", S, PUSH,
	    { { "HTTP_X_HUB_SIGNATURE_256",
		" sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f437"
		"9c8b043e17" } },
	    403, "invalid_signature", 0 },
	{ "the global secret does not speak for a repository with its own",
	    "push", S, PUSH_OF("octo/own"), { { 0 } }, 403,
	    "\"error\":\"wrong_secret\"", 0 },
	{ "a repository's own secret speaks for no other", "push", O, PUSH,
	    { { 0 } }, 403, "wrong_secret", 0 },
	{ "nor for an organization", "organization", O,
	    "{\"action\":\"member_added\",\"organization\":{\"id\":@@@@}}",
	    { { 0 } }, 403, "wrong_secret", 0 },
	{ "nor for an unknown repository", "push", O, PUSH_OF("who/knows"),
	    { { 0 } }, 403, "wrong_secret", 0 },

	/* ---- headers ---- */
	{ "no delivery", "push", S, PUSH,
	    { { "HTTP_X_GITHUB_DELIVERY", NULL } }, 400,
	    "\"error\":\"invalid_delivery_id\"", 0 },
	{ "a delivery with slashes", "push", S, PUSH,
	    { { "HTTP_X_GITHUB_DELIVERY",
		"../../../../../../../../../../etc/passwd" } },
	    400, "invalid_delivery_id", 0 },
	{ "a delivery of dots", "push", S, PUSH,
	    { { "HTTP_X_GITHUB_DELIVERY", ".." } }, 400, "invalid_delivery_id",
	    0 },
	{ "a delivery with something behind it", "push", S, PUSH,
	    { { "HTTP_X_GITHUB_DELIVERY",
		"abcdef01-72d3-11e3-a5a5-5404a6a3f7e8\n" } },
	    400, "invalid_delivery_id", 0 },
	{ "two deliveries joined by a comma", "push", S, PUSH,
	    { { "HTTP_X_GITHUB_DELIVERY",
		"abcdef01-72d3-11e3-a5a5-5404a6a3f7e8, "
		"abcdef01-72d3-11e3-a5a5-5404a6a3f7e9" } },
	    400, "invalid_delivery_id", 0 },
	{ "no event", NULL, S, PUSH, { { 0 } }, 400,
	    "\"error\":\"invalid_event\"", 0 },
	{ "an event that is a path", "../push", S, PUSH, { { 0 } }, 400,
	    "invalid_event", 0 },
	{ "an event in upper case", "Push", S, PUSH, { { 0 } }, 400,
	    "invalid_event", 0 },
	{ "an event of another payload", "pull_request", S, PUSH, { { 0 } },
	    400, "\"error\":\"event_mismatch\"", 0 },
	{ "a richer payload under a poorer event's name", "issues", S,
	    "{\"action\":\"created\",\"issue\":{\"number\":@@@@},"
	    "\"comment\":{},\"repository\":{\"full_name\":\"octo/plain\"}}",
	    { { 0 } }, 400, "event_mismatch", 0 },
	{ "a hook that is no number", "push", S, PUSH,
	    { { "HTTP_X_GITHUB_HOOK_ID", "42x" } }, 400,
	    "\"error\":\"invalid_hook_id\"", 0 },
	{ "a hook with more digits than a number has", "push", S, PUSH,
	    { { "HTTP_X_GITHUB_HOOK_ID", "12345678901234567890" } }, 400,
	    "invalid_hook_id", 0 },
	{ "a ping of another hook than the header says", "ping", S, PING,
	    { { "HTTP_X_GITHUB_HOOK_ID", "43" } }, 400, "invalid_hook_id", 0 },
	{ "no content type", "push", S, PUSH, { { "CONTENT_TYPE", NULL } }, 400,
	    "\"error\":\"unsupported_content_type\"", 0 },
	{ "text is not JSON", "push", S, PUSH,
	    { { "CONTENT_TYPE", "text/plain" } }, 400,
	    "unsupported_content_type", 0 },
	{ "JSON with something behind it is another type", "push", S, PUSH,
	    { { "CONTENT_TYPE", "application/jsonx" } }, 400,
	    "unsupported_content_type", 0 },

	/* ---- length ---- */
	{ "a length that is no number", "push", S, PUSH,
	    { { "CONTENT_LENGTH", "12a" } }, 400,
	    "\"error\":\"invalid_content_length\"", 0 },
	{ "a negative length", "push", S, PUSH, { { "CONTENT_LENGTH", "-2" } },
	    400, "invalid_content_length", 0 },
	{ "a length with a sign", "push", S, PUSH,
	    { { "CONTENT_LENGTH", "+10" } }, 400, "invalid_content_length", 0 },
	{ "a length beyond 64 bits", "push", S, PUSH,
	    { { "CONTENT_LENGTH", "99999999999999999999999999" } }, 413,
	    "\"error\":\"body_too_large\"", 0 },
	{ "one byte more than may be, declared", "push", S, PUSH,
	    { { "CONTENT_LENGTH", "27262977" } }, 413, "body_too_large", 0 },
	{ "a body shorter than declared", "push", S, PUSH,
	    { { "CONTENT_LENGTH", "4000" } }, 400, "\"error\":\"short_body\"",
	    0 },
	{ "a body longer than declared", "push", S, PUSH,
	    { { "CONTENT_LENGTH", "10" } }, 400, "\"error\":\"long_body\"", 0 },
	{ "a declared body of nothing", "push", S, "", { { 0 } }, 400,
	    "\"error\":\"empty_body\"", 0 },
	{ "a chunked body of nothing", "push", S, "",
	    { { "CONTENT_LENGTH", "" } }, 400, "empty_body", 0 },

	/* ---- payload, rightly signed ---- */
	{ "no JSON", "push", S, "@@@@ is not JSON", { { 0 } }, 400,
	    "\"error\":\"invalid_json\"", 0 },
	{ "half of a JSON", "push", S, "{\"a\":\"@@@@\"", { { 0 } }, 400,
	    "invalid_json", 0 },
	{ "an array", "push", S, "[@@@@]", { { 0 } }, 400, "invalid_json", 0 },
	{ "a string", "push", S, "\"@@@@\"", { { 0 } }, 400, "invalid_json",
	    0 },
	{ "null", "push", S, "null", { { 0 } }, 400, "invalid_json", 0 },
	{ "bytes behind the object", "push", S, PUSH " x", { { 0 } }, 400,
	    "invalid_json", 0 },
	{ "a second object", "push", S, PUSH PUSH, { { 0 } }, 400,
	    "invalid_json", 0 },
	{ "bad UTF-8", "push", S, "{\"@@@@\":\"\xc3\x28\"}", { { 0 } }, 400,
	    "invalid_json", 0 },
	{ "a byte order mark", "push", S, "\xef\xbb\xbf" PUSH, { { 0 } }, 400,
	    "invalid_json", 0 },
	{ "an escaped NUL", "push", S, "{\"@@@@\":\"a\\u0000b\"}", { { 0 } },
	    400, "invalid_json", 0 },
	{ "the same key twice", "push", S,
	    "{\"ref\":\"@@@@\",\"ref\":\"other\"}", { { 0 } }, 400,
	    "invalid_json", 0 },
	{ "the same key twice, once escaped", "push", S,
	    "{\"ref\":\"@@@@\",\"re\\u0066\":\"other\"}", { { 0 } }, 400,
	    "invalid_json", 0 },
	{ "a leading zero", "push", S, "{\"@@@@\":012}", { { 0 } }, 400,
	    "invalid_json", 0 },
	{ "a repository that climbs", "push", S, PUSH_OF("octo/.."), { { 0 } },
	    400, "\"error\":\"invalid_repository\"", 0 },
	{ "a repository of dots", "push", S, PUSH_OF("octo/..."), { { 0 } },
	    400, "invalid_repository", 0 },
	{ "a repository with two slashes", "push", S, PUSH_OF("a/b/c"),
	    { { 0 } }, 400, "invalid_repository", 0 },
	{ "a repository with shell characters", "push", S,
	    PUSH_OF("octo/$(id)"), { { 0 } }, 400, "invalid_repository", 0 },
	{ "a repository without an owner", "push", S, PUSH_OF("plain"),
	    { { 0 } }, 400, "invalid_repository", 0 },
	{ "a form without a payload", "push", S, "nothing=@@@@",
	    { { "CONTENT_TYPE", FORM } }, 400, "\"error\":\"invalid_form\"",
	    0 },
	{ "a form with two payloads", "push", S,
	    "payload=%7B%7D&payload=%7B%7D&n=@@@@",
	    { { "CONTENT_TYPE", FORM } }, 400, "invalid_form", 0 },
	{ "a form with a broken escape", "push", S, "payload=%7&n=@@@@",
	    { { "CONTENT_TYPE", FORM } }, 400, "invalid_form", 0 },
	{ "JSON declared a form", "push", S, PUSH, { { "CONTENT_TYPE", FORM } },
	    400, "invalid_form", 0 },
	{ "a form declared JSON", "push", S, "payload=%7B%22n%22%3A@@@@%7D",
	    { { 0 } }, 400, "invalid_json", 0 },
	{ "a form whose payload is broken JSON", "push", S,
	    "payload=%7B%22n%22%3A@@@@", { { "CONTENT_TYPE", FORM } }, 400,
	    "invalid_json", 0 },

	/* ---- address and method ---- */
	{ "GET is not for webhooks", "push", S, PUSH,
	    { { "REQUEST_METHOD", "GET" } }, 405,
	    "\"error\":\"method_not_allowed\"", 0 },
	{ "PUT is not either", "push", S, PUSH, { { "REQUEST_METHOD", "PUT" } },
	    405, "method_not_allowed", 0 },
	{ "nor a method in lower case", "push", S, PUSH,
	    { { "REQUEST_METHOD", "post" } }, 405, "method_not_allowed", 0 },
	{ "POST is not for health checks", "push", S, PUSH,
	    { { "REQUEST_URI", "/health/live" } }, 405, "method_not_allowed",
	    0 },
	{ "an address that is none", "push", S, PUSH,
	    { { "REQUEST_URI", "/nowhere" } }, 404, "\"error\":\"not_found\"",
	    0 },
	{ "an address that only ends alike", "push", S, PUSH,
	    { { "REQUEST_URI", "/a_webhook_server" } }, 404, "not_found", 0 },
	{ "no address", "push", S, PUSH, { { "REQUEST_URI", NULL } }, 404,
	    "not_found", 0 },
	{ "an address in the query only", "push", S, PUSH,
	    { { "REQUEST_URI", "/?/webhook_server" } }, 404, "not_found", 0 },
};

#define ROWS (sizeof rows / sizeof *rows)

static void
fill_in(char *out, size_t size, const char *body, unsigned row)
{
	char *mark;
	char number[8];

	assert_true(strlen(body) < size);
	memcpy(out, body, strlen(body) + 1);
	snprintf(number, sizeof number, "%04u", 1000 + row);
	while ((mark = strstr(out, "@@@@")) != NULL)
		memcpy(mark, number, 4);
}

static void
check_row(unsigned i)
{
	const struct row *row = &rows[i];
	unsigned before = responder_count(&responder, "new");
	struct webhook_params w;
	struct fcgi_reply reply;
	char body[4096], request_id[64];

	fill_in(body, sizeof body, row->body, i);
	webhook_params(&w, row->secret, row->event, i + 1, body, strlen(body));
	for (size_t k = 0; k < 3 && row->set[k].name != NULL; k++)
		webhook_set(&w, row->set[k].name, row->set[k].value);
	webhook_post(&responder, &w, body, strlen(body), &reply);
	if (reply.status != row->status ||
	    strstr(reply.body, row->word) == NULL)
		fail_msg("%s: want %d %s, got %d %s", row->why, row->status,
		    row->word, reply.status, reply.body);
	if (responder_count(&responder, "new") != before + (unsigned)row->jobs)
		fail_msg("%s: %d jobs expected in new/", row->why, row->jobs);
	fcgi_header(&reply, "X-Request-ID", request_id, sizeof request_id);
	if (strlen(request_id) != 36)
		fail_msg("%s: no X-Request-ID", row->why);
	if (strchr(reply.body, '{') != reply.body)
		fail_msg("%s: the body is no JSON object", row->why);
}

static void
requests_get_their_replies(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ROWS; i++)
		check_row(i);
}

/* Bytes of the largest file in tmp/. */
static off_t
largest_slot(void)
{
	char path[256];
	struct stat st;
	off_t most = 0;
	DIR *d;

	snprintf(path, sizeof path, "%s/tmp", responder.spool);
	d = opendir(path);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (e->d_name[0] != '.' &&
		    fstatat(dirfd(d), e->d_name, &st, 0) == 0 &&
		    st.st_size > most)
			most = st.st_size;
	}
	closedir(d);
	return most;
}

static int
only_small_slots(void *arg)
{
	(void)arg;
	return largest_slot() < 100000;
}

/* A body of that size goes to a file in tmp/ while it comes; ready-made slots
 * are smaller. */
static void
a_refused_body_leaves_nothing(void **state)
{
	static char body[200000];
	struct fcgi_reply reply;
	struct webhook_params w;

	(void)state;
	memset(body, ' ', sizeof body);
	for (unsigned i = 0; i < 4; i++) {
		webhook_params(
		    &w, "wrong secret", "push", 901 + i, body, sizeof body);
		assert_int_equal(
		    webhook_post(&responder, &w, body, sizeof body, &reply),
		    403);
	}
	assert_true(responder_wait(only_small_slots, NULL, 10));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_get_their_replies),
		cmocka_unit_test(a_refused_body_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, responder_begin, responder_end);
}
