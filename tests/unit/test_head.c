/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "head.h"
#include "spool_fixture.h"

/* A good head's lines; a case replaces one of them. */
static const char good[] =
    "Job: 12-72d3162e-cc78-11e3-81ab-000000000001\n"
    "Request: 0a8f6f3e-97a8-4b19-9f6e-6c2c1a5d0001\n"
    "Delivery: 72d3162e-cc78-11e3-81ab-000000000001\n"
    "Hook: 4711\n"
    "Event: pull_request\n"
    "Action: opened\n"
    "Repository: octo-org/hello-world\n"
    "Number: 12\n"
    "Key: octo-org/hello-world#12\n"
    "Sender: octocat\n"
    "Commit: 0123456789abcdef0123456789abcdef01234567\n"
    "Peer: 192.0.2.1\n"
    "Received: 2026-11-22T01:02:03.456789012Z\n"
    "Slot: 0123abcd.17\n"
    "Content-Type: application/json\n"
    "Length: 2\n"
    "SHA-256: "
    "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\n"
    "\n";

static const struct {
	const char *why, *from, *to, *want; /* want NULL: accepted */
} cases[] = {
	{ "the head as it is", "", "", NULL },
	{ "empty text values stand without a space", "Action: opened",
	    "Action:", NULL },
	{ "a job of no repository", "Repository: octo-org/hello-world",
	    "Repository:", NULL },
	{ "padding is passed over", "Hook: 4711\n",
	    "Hook: 4711\nPadding: ...\n", NULL },
	{ "no hook ID", "Hook: 4711", "Hook: -", NULL },
	{ "a SHA-256 commit", "0123456789abcdef01234567\nPeer",
	    "0123456789abcdef012345670123456789abcdef01234567\nPeer", NULL },
	{ "a line that is unknown", "Hook: 4711\n", "Hook: 4711\nX: 1\n",
	    "head, line 5: unknown" },
	{ "a line that is missing", "Hook: 4711\n", "", "head: no line Hook" },
	{ "a line that stands twice", "Hook: 4711\n", "Hook: 1\nHook: 2\n",
	    "head, line 5: stands twice" },
	{ "padding twice", "Hook: 4711\n",
	    "Padding: .\nHook: 4711\nPadding: .\n",
	    "head, line 6: wrong padding" },
	{ "padding that says something", "Hook: 4711\n",
	    "Hook: 4711\nPadding: ..x\n", "head, line 5: wrong padding" },
	{ "no colon", "Hook: 4711", "Hook 4711", "head, line 4: no colon" },
	{ "no space", "Hook: 4711", "Hook:4711",
	    "head, line 4: not one space before the value" },
	{ "a space and no value", "Hook: 4711",
	    "Hook: ", "head, line 4: not one space before the value" },
	{ "two spaces before digits", "Hook: 4711", "Hook:  4711",
	    "head, line 4: value not allowed" },
	{ "a carriage return", "Hook: 4711\n", "Hook: 4711\r\n",
	    "head, line 4: value not allowed" },
	{ "another case of the name", "Hook: 4711", "hook: 4711",
	    "head, line 4: unknown" },
	{ "a byte above ASCII", "Sender: octocat", "Sender: octoc\xc3\xa4t",
	    "head, line 10: value not allowed" },
	{ "a control character", "Sender: octocat", "Sender: octo\033cat",
	    "head, line 10: value not allowed" },
	{ "an ID that climbs", "Job: 12-72d3162e", "Job: ../72d3162e",
	    "head, line 1: value not allowed" },
	{ "an ID of another number", "Job: 12-", "Job: 13-",
	    "head: the job's ID is not number and delivery" },
	{ "an ID of another delivery", "81ab-000000000001\nRequest",
	    "81ab-000000000002\nRequest",
	    "head: the job's ID is not number and delivery" },
	{ "a number with leading zeros in both", "Job: 12-", "Job: 012-",
	    "head, line 1: value not allowed" },
	{ "an upper-case delivery", "Delivery: 72d3162e", "Delivery: 72D3162E",
	    "head, line 3: value not allowed" },
	{ "a hook that is no number", "Hook: 4711", "Hook: 47a",
	    "head, line 4: value not allowed" },
	{ "an event with a slash", "Event: pull_request", "Event: pull/request",
	    "head, line 5: value not allowed" },
	{ "no event", "Event: pull_request",
	    "Event:", "head, line 5: value not allowed" },
	{ "a repository without owner", "octo-org/hello-world\nNumber",
	    "hello-world\nNumber", "head, line 7: value not allowed" },
	{ "a repository that climbs", "octo-org/hello-world\nNumber",
	    "octo-org/..\nNumber", "head, line 7: value not allowed" },
	{ "a repository of three parts", "octo-org/hello-world\nNumber",
	    "octo-org/hello/world\nNumber", "head, line 7: value not allowed" },
	{ "a repository of two dots", "octo-org/hello-world\nNumber",
	    "../hello\nNumber", "head, line 7: value not allowed" },
	{ "a negative number", "Number: 12", "Number: -12",
	    "head, line 8: value not allowed" },
	{ "a number beyond 64 bits", "Number: 12",
	    "Number: 99999999999999999999", "head, line 8: value not allowed" },
	{ "a short commit", "Commit: 0123456789", "Commit: 01234567",
	    "head, line 11: value not allowed" },
	{ "a time with fewer digits", ".456789012Z", ".456Z",
	    "head, line 13: value not allowed" },
	{ "a time in another zone", ".456789012Z", ".456789012+01:00",
	    "head, line 13: value not allowed" },
	{ "a day that is none", "2026-11-22T", "2026-11-32T",
	    "head, line 13: value not allowed" },
	{ "a year beyond the clock's", "2026-11-22T", "9999-11-22T",
	    "head, line 13: value not allowed" },
	{ "a slot that climbs", "Slot: 0123abcd.17", "Slot: ../abcd.17",
	    "head, line 14: value not allowed" },
	{ "a slot without a number", "Slot: 0123abcd.17", "Slot: 0123abcd.",
	    "head, line 14: value not allowed" },
	{ "no content type", "Content-Type: application/json",
	    "Content-Type:", "head, line 15: value not allowed" },
	{ "no length", "Length: 2",
	    "Length:", "head, line 16: value not allowed" },
	{ "a length with a sign", "Length: 2", "Length: +2",
	    "head, line 16: value not allowed" },
	{ "a checksum one digit short", "caaff8a\n", "caaff8\n",
	    "head, line 17: value not allowed" },
	{ "a checksum in upper case", "caaff8a\n", "CAAFF8A\n",
	    "head, line 17: value not allowed" },
};

/* Copies `good` with one text replaced; the length. */
static size_t
change(char *out, size_t size, const char *from, const char *to)
{
	const char *at = strstr(good, from);

	assert_non_null(at);
	return (size_t)snprintf(out, size, "%.*s%s%s", (int)(at - good), good,
	    to, at + strlen(from));
}

static void
each_line_is_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[HEAD_MAX];
		size_t len =
		    change(text, sizeof text, cases[i].from, cases[i].to);
		struct job_head head = { .number = 77 };
		struct err err = { 0 };
		size_t body_at = 5;
		int rc = head_parse(&head, &body_at, text, len, &err);

		if (rc != (cases[i].want == NULL ? 0 : -1))
			fail_msg("%s: %s", cases[i].why,
			    rc == 0 ? "accepted" : err.text);
		if (rc == 0) {
			assert_int_equal(body_at, len);
			continue;
		}
		assert_int_equal(err.class, ERR_BAD);
		if (strcmp(err.text, cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].why, err.text);
		assert_int_equal(head.number, 77); /* left as it was */
		assert_int_equal(body_at, 5);
	}
}

static void
what_is_written_reads_the_same(void **state)
{
	struct job_head head, again;
	struct err err = { 0 };
	struct buf b;
	size_t body_at;

	(void)state;
	fixture_head(&head, 1);
	head.received = INT64_C(1795309323456789012);
	head.length = 2;
	snprintf(head.slot, sizeof head.slot, "0123abcd.17");
	assert_int_equal(digest_of(head.sha256, "{}", 2, &err), 0);
	for (size_t pad = 0; pad <= HEAD_MAX; pad += 2048) {
		buf_init(&b, HEAD_MAX);
		assert_int_equal(head_format(&b, &head, pad, &err), 0);
		if (pad > 0)
			assert_int_equal(b.len, pad);
		else
			assert_string_equal(b.data, good);
		memset(&again, 0, sizeof again);
		assert_int_equal(
		    head_parse(&again, &body_at, b.data, b.len, &err), 0);
		assert_int_equal(body_at, b.len);
		assert_memory_equal(&again, &head, sizeof head);
		buf_release(&b);
	}
}

static void
what_cannot_be_read_is_not_written(void **state)
{
	static const struct {
		const char *why;
		size_t at;
		const char *value;
	} bad[] = {
		{ "a newline", offsetof(struct job_head, sender), "a\nX: 1" },
		{ "an ID of another number", offsetof(struct job_head, id),
		    "13-72d3162e-cc78-11e3-81ab-000000000001" },
		{ "a repository that climbs",
		    offsetof(struct job_head, repository), "../x" },
		{ "a slot that climbs", offsetof(struct job_head, slot),
		    "../x" },
		{ "no event", offsetof(struct job_head, event), "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct job_head head;
		struct err err = { 0 };
		struct buf b;

		fixture_head(&head, 1);
		/* all these fields are longer than their values */
		memcpy((char *)&head + bad[i].at, bad[i].value,
		    strlen(bad[i].value) + 1);
		buf_init(&b, HEAD_MAX);
		if (head_format(&b, &head, 0, &err) != -1)
			fail_msg("%s was written", bad[i].why);
		assert_int_equal(err.class, ERR_BAD);
		buf_release(&b);
	}
}

/* A file with the good head, and a body of two bytes; the descriptor. */
static int
make_file(struct fixture *f, const char *text, size_t len)
{
	int fd;

	fixture_write(f, SPOOL_TMP, "file", text, len);
	fd = open(fixture_path(f, SPOOL_TMP, "file"), O_RDONLY);
	assert_int_not_equal(fd, -1);
	return fd;
}

static int
verify(struct fixture *f, const char *text, size_t len)
{
	struct job_head head;
	struct err err = { 0 };
	size_t body_at;
	int fd = make_file(f, text, len);
	int rc = head_verify(&head, &body_at, fd, &err);

	close(fd);
	if (rc == -1)
		assert_int_equal(err.class, ERR_BAD);
	return rc;
}

static void
a_file_cut_anywhere_is_torn(void **state)
{
	char text[HEAD_MAX];
	size_t len = (size_t)snprintf(text, sizeof text, "%s{}", good);

	assert_int_equal(verify(*state, text, len), 0);
	for (size_t cut = 0; cut < len; cut++) {
		if (verify(*state, text, cut) == 0)
			fail_msg("whole after %zu of %zu bytes", cut, len);
	}
}

/* As a power cut leaves a slot: what was not written is zero. */
static void
a_slot_with_a_hole_is_torn(void **state)
{
	char text[HEAD_MAX], torn[HEAD_MAX];
	size_t len = (size_t)snprintf(text, sizeof text, "%s{}", good);

	for (size_t from = 0; from < len; from += 7) {
		memcpy(torn, text, len);
		memset(torn + from, 0, len - from < 64 ? len - from : 64);
		if (verify(*state, torn, len) == 0)
			fail_msg("whole with a hole at %zu", from);
	}
}

static void
a_flipped_body_is_torn(void **state)
{
	char text[HEAD_MAX];
	size_t len = (size_t)snprintf(text, sizeof text, "%s{}", good);

	for (unsigned bit = 0; bit < 8; bit++) {
		text[len - 1] ^= (char)(1u << bit);
		assert_int_equal(verify(*state, text, len), -1);
		text[len - 1] ^= (char)(1u << bit);
	}
}

static void
zero_bytes_behind_the_body_are_passed_over(void **state)
{
	char text[HEAD_MAX] = { 0 };

	snprintf(text, sizeof text, "%s{}", good);
	assert_int_equal(verify(*state, text, sizeof text), 0);
}

static void
flipped_heads_never_break_the_reader(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good - 1; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			char text[sizeof good];
			struct job_head head;
			struct err err = { 0 };
			size_t body_at;

			memcpy(text, good, sizeof good);
			text[i] ^= (char)(1u << bit);
			if (head_parse(&head, &body_at, text, sizeof text - 1,
				&err) == -1)
				assert_int_equal(err.class, ERR_BAD);
		}
	}
}

static void
a_head_ends_within_its_maximum(void **state)
{
	static char text[3 * HEAD_MAX];
	struct job_head head;
	struct err err = { 0 };
	size_t body_at;

	(void)state;
	memset(text, '.', sizeof text);
	memcpy(text, "Padding: ", 9);
	assert_int_equal(
	    head_parse(&head, &body_at, text, sizeof text, &err), -1);
	assert_string_equal(err.text, "head, line 1: does not end");
}

static void
a_strangers_text_is_cleaned(void **state)
{
	static const struct {
		const char *text;
		size_t len, size;
		const char *want;
	} clean[] = {
		{ "octocat", 7, 72, "octocat" },
		{ "a\nb", 3, 72, "a%0Ab" },
		{ "a\0b", 3, 72, "a%00b" },
		{ "\xc3\xa4", 2, 72, "%C3%A4" },
		{ "abcdef", 6, 4, "abc" },
		{ "ab\n", 3, 5, "ab" }, /* no part of "%0A" */
		{ "", 0, 1, "" },
	};
	char out[72];

	(void)state;
	for (size_t i = 0; i < sizeof clean / sizeof *clean; i++) {
		head_clean(out, clean[i].size, clean[i].text, clean[i].len);
		assert_string_equal(out, clean[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_is_checked),
		cmocka_unit_test(what_is_written_reads_the_same),
		cmocka_unit_test(what_cannot_be_read_is_not_written),
		cmocka_unit_test_setup_teardown(a_file_cut_anywhere_is_torn,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_slot_with_a_hole_is_torn,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_flipped_body_is_torn, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    zero_bytes_behind_the_body_are_passed_over, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test(flipped_heads_never_break_the_reader),
		cmocka_unit_test(a_head_ends_within_its_maximum),
		cmocka_unit_test(a_strangers_text_is_cleaned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
