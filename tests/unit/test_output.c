/* SPDX-License-Identifier: MIT */
/*
 * A command's output: what of it reaches the step log and the tail.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "exec/output.h"
#include "head.h"
#include "log.h"
#include "steplog.h"

#define SECRET "hunter2-hunter2"
#define MAX    4096 /* bytes of the ring; the log's share is a quarter */

static struct job_head head = { .id = "1-x" };

struct fixture {
	struct steplog log;
	struct output output;
	struct buf tail;
	char path[40];
};

static void
begin(struct fixture *f)
{
	struct err err;

	*f = (struct fixture){ .path = "/tmp/output-test-XXXXXX" };
	f->log = (struct steplog){ .fd = mkstemp(f->path), .head = &head };
	assert_int_not_equal(f->log.fd, -1);
	assert_int_equal(
	    output_init(&f->output, &f->log, "step", MAX, &err), 0);
	buf_init(&f->tail, MAX);
}

static void
add(struct fixture *f, const char *text)
{
	output_add(&f->output, text, strlen(text));
}

/* What the log holds: the texts of its output lines, a newline each, and
 * "NOTE: " before a note's. */
static const char *
logged(struct fixture *f)
{
	static char text[1 << 20], lines[1 << 20];
	ssize_t n = pread(f->log.fd, text, sizeof text - 1, 0);
	size_t len = 0;
	char *p = text;

	text[n > 0 ? n : 0] = '\0';
	lines[0] = '\0';
	while ((p = strstr(p, "\"step\":")) != NULL) {
		char *note = strstr(p, "\"msg\":\""), *end = strchr(p, '\n');
		char *out = strstr(p, "\"text\":\"");
		char *from = out != NULL && out < end ? out + 8 : note + 7;

		len += (size_t)snprintf(lines + len, sizeof lines - len,
		    "%s%.*s\n", from == note + 7 ? "NOTE: " : "",
		    (int)(end - 2 - from), from);
		p = end;
	}
	return lines;
}

static void
end(struct fixture *f)
{
	output_release(&f->output);
	buf_release(&f->tail);
	close(f->log.fd);
	unlink(f->path);
}

static void
lines_are_logged_as_they_come(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	add(&f, "one\ntw");
	assert_string_equal(logged(&f), "one\n");
	add(&f, "o\r\n\nthree");
	assert_string_equal(logged(&f), "one\ntwo\n\n");
	output_end(&f.output, &f.tail);
	assert_string_equal(logged(&f), "one\ntwo\n\nthree\n");
	assert_string_equal(f.tail.data, "one\ntwo\r\n\nthree");
	assert_int_equal(f.output.bytes, 15);
	assert_int_equal(f.output.lines, 3);
	end(&f);
}

/* 1000 lines of 10 bytes: 1024 bytes as they come, 4096 at the end. */
static void
the_middle_of_much_output_is_left_out(void **state)
{
	struct fixture f;
	char line[20];
	const char *log;

	(void)state;
	begin(&f);
	for (int i = 0; i < 1000; i++) {
		snprintf(line, sizeof line, "line %04d\n", i);
		add(&f, line);
	}
	output_end(&f.output, &f.tail);
	log = logged(&f);
	assert_non_null(strstr(log, "line 0000\nline 0001\n"));
	assert_non_null(strstr(log, "line 0101\n"));
	assert_null(strstr(log, "line 0200\n"));
	assert_non_null(strstr(log,
	    "line\nNOTE: 4886 bytes of the command's output are not kept\n"
	    "line 0591\n"));
	assert_non_null(strstr(log, "line 0998\nline 0999\n"));
	assert_int_equal(strncmp(f.tail.data, "line 0591\n", 10), 0);
	assert_int_equal(f.tail.len, 4090);
	assert_int_equal(f.output.lines, 1000);
	end(&f);
}

static void
long_lines_are_cut_between_characters(void **state)
{
	static char text[2 * OUTPUT_LINE];
	struct fixture f;
	struct err err;
	const char *log;

	(void)state;
	begin(&f);
	output_release(&f.output);
	assert_int_equal(
	    output_init(&f.output, &f.log, "step", 1 << 20, &err), 0);
	text[0] = 'x';
	for (size_t i = 1; i + 2 < sizeof text; i += 2)
		memcpy(text + i, "\xc3\xa4", 2);
	add(&f, text);
	output_end(&f.output, NULL);
	log = logged(&f);
	assert_int_equal(strchr(log, '\n') - log, OUTPUT_LINE - 1);
	assert_null(strstr(log, "\xef\xbf\xbd"));
	end(&f);
}

static void
secrets_are_in_neither(void **state)
{
	struct fixture f;

	(void)state;
	log_secret(SECRET, strlen(SECRET));
	begin(&f);
	add(&f, "a hunter2");
	add(&f, "-hunter2 b\n");
	output_end(&f.output, &f.tail);
	assert_string_equal(logged(&f), "a [redacted] b\n");
	assert_string_equal(f.tail.data, "a [redacted] b\n");
	end(&f);
}

/* The ring begins in the middle of the secret. */
static void
a_secret_that_is_cut_is_in_neither(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	add(&f, "begin\n" SECRET "\n");
	for (size_t i = 0; i < MAX - 8; i++)
		output_add(&f.output, i % 64 == 63 ? "\n" : "x", 1);
	output_end(&f.output, &f.tail);
	assert_null(strstr(f.tail.data, "unter2"));
	assert_null(strstr(logged(&f), "unter2"));
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_logged_as_they_come),
		cmocka_unit_test(the_middle_of_much_output_is_left_out),
		cmocka_unit_test(long_lines_are_cut_between_characters),
		cmocka_unit_test(secrets_are_in_neither),
		cmocka_unit_test(a_secret_that_is_cut_is_in_neither),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
