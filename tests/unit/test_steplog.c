/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "fsio.h"
#include "json.h"
#include "log.h"
#include "spool.h"
#include "spool_fixture.h"
#include "steplog.h"

#define FILE_NAME "12-72d3162e-cc78-11e3-81ab-000000000001.jsonl"

/* The lines of the log, parsed; the caller frees them. */
struct lines {
	struct json *docs[2000];
	size_t count;
};

static void
read_lines(struct lines *l, const struct fixture *f)
{
	struct err err = { 0 };
	struct buf b;
	char *at, *end;

	buf_init(&b, 16 * 1024 * 1024);
	assert_int_equal(fs_read_file(&b, AT_FDCWD,
			     fixture_path(f, SPOOL_LOG_JOBS, FILE_NAME), &err),
	    0);
	l->count = 0;
	for (at = b.data; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		if (json_parse(
			&l->docs[l->count], at, (size_t)(end - at), &err) == -1)
			fail_msg("%s: %.*s", err.text, (int)(end - at), at);
		l->count++;
	}
	assert_int_equal(*at, '\0');
	buf_release(&b);
}

static void
free_lines(struct lines *l)
{
	while (l->count > 0)
		json_free(l->docs[--l->count]);
}

static const char *
text_of(const struct lines *l, size_t i, const char *path)
{
	assert_true(i < l->count);
	return json_str(json_path(l->docs[i], path), "");
}

static void
open_log(struct steplog *log, struct fixture *f, struct job_head *head,
    unsigned attempt)
{
	struct err err = { 0 };

	fixture_head(head, 1);
	if (steplog_open(log, f->spool, head, attempt, &err) == -1)
		fail_msg("%s", err.text);
}

static void
steps_begin_and_end(void **state)
{
	static const char *const common[] = { "ts", "level", "event",
		"request_id", "delivery_id", "job_id", "step" };
	struct fixture *f = *state;
	struct err failure = { ERR_TEMP, 0, "no \"answer\"" };
	struct job_head head;
	struct steplog log;
	struct lines l;
	struct step *step;

	open_log(&log, f, &head, 3);
	step = step_start(&log, "repo_clone");
	step_data(step, "checkout_ref", "refs/heads/\"main\"\n");
	step_data(step, "nothing", NULL);
	step_data_int(step, "files", -7);
	step_data_bool(step, "success", 1);
	step_complete(step);
	step_fail(step_start(&log, "push_handler"), &failure);
	steplog_note(&log, "%d of %s", 1, "many");
	steplog_line(&log, "info", "claimed", "", NULL);
	steplog_close(&log);
	assert_int_equal(log.lost, 0);

	read_lines(&l, f);
	assert_int_equal(l.count, 6);
	for (size_t i = 0; i < l.count; i++) {
		for (size_t k = 0; k < 7; k++)
			assert_int_equal(
			    json_type(json_get(l.docs[i], common[k])),
			    JSON_STRING);
		assert_int_equal(
		    json_int(json_get(l.docs[i], "attempt"), -1), 3);
	}
	assert_string_equal(text_of(&l, 0, "event"), "step_started");
	assert_string_equal(text_of(&l, 1, "event"), "step_completed");
	assert_string_equal(
	    text_of(&l, 1, "checkout_ref"), "refs/heads/\"main\"\n");
	assert_int_equal(json_int(json_get(l.docs[1], "files"), 0), -7);
	assert_int_equal(json_type(json_get(l.docs[1], "nothing")), JSON_NULL);
	assert_true(json_int(json_get(l.docs[1], "duration_ms"), -1) >= 0);
	assert_string_equal(text_of(&l, 3, "event"), "step_failed");
	assert_string_equal(text_of(&l, 3, "error.type"), "temporary");
	assert_string_equal(text_of(&l, 3, "error.message"), "no \"answer\"");
	assert_string_equal(text_of(&l, 4, "msg"), "1 of many");
	assert_string_equal(text_of(&l, 5, "job_id"), head.id);
	free_lines(&l);
}

static void
secrets_are_not_written(void **state)
{
	struct fixture *f = *state;
	struct job_head head;
	struct steplog log;
	struct lines l;

	log_secret("correct-horse-battery", 21);
	open_log(&log, f, &head, 0);
	steplog_note(&log, "password correct-horse-battery, %s",
	    "ghp_0123456789abcdefghijABCDEFGHIJ012345");
	steplog_close(&log);
	read_lines(&l, f);
	assert_null(strstr(text_of(&l, 0, "msg"), "horse"));
	assert_null(strstr(text_of(&l, 0, "msg"), "ghp_0"));
	assert_non_null(strstr(text_of(&l, 0, "msg"), "password "));
	free_lines(&l);
}

static void
a_line_too_long_is_still_a_line(void **state)
{
	struct fixture *f = *state;
	struct job_head head;
	struct steplog log;
	struct lines l;
	struct step *step;
	char *text = malloc(100001);

	memset(text, 'x', 100000);
	text[100000] = '\0';
	open_log(&log, f, &head, 0);
	step = step_start(&log, "s");
	step_data(step, "small", "a");
	step_data(step, "large", text); /* left out */
	step_data(step, "last", "z");
	step_complete(step);
	memcpy(text, "\"text\":\"", 8);
	text[99999] = '"';
	steplog_line(&log, "info", "output", "s", text);
	steplog_close(&log);
	read_lines(&l, f);
	assert_int_equal(l.count, 3);
	assert_string_equal(text_of(&l, 1, "small"), "a");
	assert_string_equal(text_of(&l, 1, "last"), "z");
	assert_int_equal(json_type(json_get(l.docs[1], "large")), JSON_NONE);
	assert_true(json_true(json_get(l.docs[2], "truncated")));
	free_lines(&l);
	free(text);
}

static void
a_torn_line_spoils_only_itself(void **state)
{
	struct fixture *f = *state;
	struct job_head head;
	struct steplog log;
	struct err err = { 0 };
	struct buf b;

	fixture_write(f, SPOOL_LOG_JOBS, FILE_NAME, "{\"ts\":\"20", 9);
	open_log(&log, f, &head, 1);
	steplog_note(&log, "here");
	steplog_close(&log);
	buf_init(&b, 65536);
	assert_int_equal(fs_read_file(&b, AT_FDCWD,
			     fixture_path(f, SPOOL_LOG_JOBS, FILE_NAME), &err),
	    0);
	assert_int_equal(strncmp(b.data, "{\"ts\":\"20\n{\"ts\":\"", 17), 0);
	buf_release(&b);
}

static void
planted_logs_are_refused(void **state)
{
	struct fixture *f = *state;
	struct job_head head;
	struct steplog log;
	struct err err = { 0 };
	const char *path = fixture_path(f, SPOOL_LOG_JOBS, FILE_NAME);

	fixture_head(&head, 1);
	assert_int_equal(mkfifo(path, 0666), 0);
	assert_int_equal(steplog_open(&log, f->spool, &head, 0, &err), -1);
	unlink(path);
	assert_int_equal(symlink("/tmp/hookspool-must-not-exist", path), 0);
	assert_int_equal(steplog_open(&log, f->spool, &head, 0, &err), -1);
	assert_int_equal(access("/tmp/hookspool-must-not-exist", F_OK), -1);
	snprintf(head.id, sizeof head.id, "../../x");
	assert_int_equal(steplog_open(&log, f->spool, &head, 0, &err), -1);
}

static void
lines_of_several_writers_never_mix(void **state)
{
	struct fixture *f = *state;
	struct lines *l;
	pid_t pids[4];

	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] != 0)
			continue;
		struct job_head head;
		struct steplog log;

		open_log(&log, f, &head, 0);
		for (int n = 0; n < 400; n++)
			steplog_note(&log, "%d %d %0*d", i, n, n * 10, 7);
		_exit((int)log.lost);
	}
	for (int i = 0; i < 4; i++) {
		int status;

		waitpid(pids[i], &status, 0);
		assert_int_equal(status, 0);
	}
	l = malloc(sizeof *l);
	read_lines(l, f);
	assert_int_equal(l->count, 1600);
	free_lines(l);
	free(l);
}

#define IN_SPOOL(test)                                                         \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SPOOL(steps_begin_and_end),
		IN_SPOOL(secrets_are_not_written),
		IN_SPOOL(a_line_too_long_is_still_a_line),
		IN_SPOOL(a_torn_line_spoils_only_itself),
		IN_SPOOL(planted_logs_are_refused),
		IN_SPOOL(lines_of_several_writers_never_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
