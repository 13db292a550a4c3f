/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "err.h"
#include "head.h"
#include "json.h"
#include "log.h"

#define THREADS 4
#define LINES	50

/*
 * Standard error is a socket that keeps messages apart, so that what one
 * write(2) wrote is what one read gives.
 */
static int reader = -1, saved = -1;

static int
catch_lines(void **state)
{
	int pair[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == -1)
		return -1;
	fflush(stderr);
	saved = dup(STDERR_FILENO);
	dup2(pair[1], STDERR_FILENO);
	close(pair[1]);
	reader = pair[0];
	log_level_set(LOG_INFO_);
	return 0;
}

static int
let_go(void **state)
{
	(void)state;
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(reader);
	return 0;
}

/* The next line as a tree; NULL if there is none. */
static struct json *
next_line(void)
{
	static char line[65536];
	ssize_t n = recv(reader, line, sizeof line, MSG_DONTWAIT);
	struct json *doc = NULL;
	struct err err = { 0 };

	if (n <= 0)
		return NULL;
	assert_int_equal(line[n - 1], '\n');
	if (memchr(line, '\n', (size_t)n) != line + n - 1)
		fail_msg("more than one line: %.*s", (int)n, line);
	if (json_parse(&doc, line, (size_t)n - 1, &err) == -1)
		fail_msg("%s: %.*s", err.text, (int)n, line);
	return doc;
}

static void
expect(const struct json *line, const char *key, const char *want)
{
	const char *got = json_str(json_get(line, key), "(none)");

	if (strcmp(got, want) != 0)
		fail_msg("%s: %s", key, got);
}

static void
a_line_has_its_members(void **state)
{
	struct json *line;

	(void)state;
	errno = EBUSY;
	log_event(LOG_WARN_, "thing", "happened %d times", 3);
	assert_int_equal(errno, EBUSY);
	line = next_line();
	assert_non_null(line);
	assert_int_equal(strlen(json_str(json_get(line, "ts"), "")), 27);
	expect(line, "level", "warn");
	expect(line, "program", "test_log");
	expect(line, "event", "thing");
	expect(line, "msg", "happened 3 times");
	assert_null(json_get(line, "job_id"));
	json_free(line);
}

static void
a_job_adds_its_names(void **state)
{
	struct job_head head = {
		.id = "7-x", .request_id = "r", .delivery = "d"
	};
	struct json *line;

	(void)state;
	log_job(LOG_INFO_, &head, 2, "claimed", "%s", "yes");
	line = next_line();
	expect(line, "job_id", "7-x");
	expect(line, "request_id", "r");
	expect(line, "delivery_id", "d");
	assert_int_equal(json_int(json_get(line, "attempt"), -1), 2);
	json_free(line);
	log_job(LOG_INFO_, NULL, 0, "claimed", "no job");
	line = next_line();
	assert_null(json_get(line, "job_id"));
	json_free(line);
}

static void
levels_below_are_silent(void **state)
{
	(void)state;
	log_event(LOG_DEBUG_, "thing", "not shown");
	assert_null(next_line());
	log_level_set(LOG_ERROR_);
	log_event(LOG_WARN_, "thing", "not shown");
	assert_null(next_line());
	log_level_set(LOG_INFO_);
}

static void
hostile_text_stays_in_its_line(void **state)
{
	struct json *line;

	(void)state;
	log_event(LOG_INFO_, "thing", "%s",
	    "a\n{\"level\":\"error\"}\r\x1b[2J\"\\\xff");
	line = next_line();
	expect(
	    line, "msg", "a\n{\"level\":\"error\"}\r\x1b[2J\"\\\xef\xbf\xbd");
	json_free(line);
	assert_null(next_line());
}

/* The secret stands where a message is cut, and where it is not. */
static void
secrets_are_gone_before_a_cut(void **state)
{
	static const size_t places[] = { 0, 100, 1990, 1995, 1999, 2040, 2045,
		2050, 5000 };

	(void)state;
	log_secret("hunter2-hunter2", 15);
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		static const char tail[] = "hunter2-hunter2 and more";
		char *text = malloc(places[i] + sizeof tail);
		struct json *line;

		assert_non_null(text);
		memset(text, '.', places[i]);
		memcpy(text + places[i], tail, sizeof tail);
		log_event(LOG_INFO_, "thing", "%s", text);
		line = next_line();
		if (strstr(json_str(json_get(line, "msg"), "hunt"), "hunt") !=
		    NULL)
			fail_msg("shown at %zu", places[i]);
		json_free(line);
		free(text);
	}
}

static void *
log_many(void *arg)
{
	for (int i = 0; i < LINES; i++)
		log_event(LOG_INFO_, "thread", "%s %d", (const char *)arg, i);
	return NULL;
}

static void
threads_do_not_mix_their_lines(void **state)
{
	char word[] = "word";
	pthread_t threads[THREADS];
	struct json *line;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, log_many, word), 0);
	for (int got = 0; got < THREADS * LINES;) {
		if ((line = next_line()) == NULL)
			continue;
		expect(line, "event", "thread");
		json_free(line);
		got++;
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_its_members),
		cmocka_unit_test(a_job_adds_its_names),
		cmocka_unit_test(levels_below_are_silent),
		cmocka_unit_test(hostile_text_stays_in_its_line),
		cmocka_unit_test(secrets_are_gone_before_a_cut),
		cmocka_unit_test(threads_do_not_mix_their_lines),
	};

	/* Whether it is a terminal is looked up once, before the tests. */
	if (catch_lines(NULL) == -1)
		return 1;
	log_start("test_log", LOG_INFO_);
	let_go(NULL);
	return cmocka_run_group_tests(tests, catch_lines, let_go);
}
