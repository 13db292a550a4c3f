/* SPDX-License-Identifier: MIT */
/* Bodies of the size GitHub may send: time, memory, and what is too large. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "responder_group.h"

#define LARGEST	  (25u * 1024 * 1024)	  /* GitHub's */
#define TOO_LARGE (26u * 1024 * 1024 + 1) /* ours, and one */

/* A sanitizer's shadow and its slowness are not the responder's. */
#ifdef __SANITIZE_ADDRESS__
#define SECONDS 20.0
#define PEAK_KB (400l * 1024)
#else
#define SECONDS 2.0
#define PEAK_KB (64l * 1024)
#endif

static const char *const one_process[] = { "--processes", "1", NULL };
static char *body;

/* A push of octo/plain, `len` bytes long, its repository at the very end. */
static void
make_body(size_t len, unsigned n)
{
	static const char tail[] =
	    "\"},\"repository\":{\"full_name\":\"octo/plain\"}}";
	int head = snprintf(body, len,
	    "{\"ref\":\"x\",\"before\":\"%u\",\"after\":\"0\",\"commits\":[],"
	    "\"created\":false,\"deleted\":false,\"pusher\":{\"name\":\"",
	    n);

	memset(body + head, 'a', len - (size_t)head);
	memcpy(body + len - (sizeof tail - 1), tail, sizeof tail - 1);
}

static long
peak_kb(pid_t pid)
{
	char path[64], line[256];
	long kb = -1;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL)
		sscanf(line, "VmHWM: %ld", &kb);
	fclose(f);
	return kb;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
the_largest_body_is_quick_and_small(void **state)
{
	struct webhook_params w;
	struct fcgi_reply reply;
	pid_t child;
	double began;

	(void)state;
	make_body(LARGEST, 1);
	webhook_params(&w, RESPONDER_SECRET, "push", 1, body, LARGEST);
	began = now();
	assert_int_equal(
	    webhook_post(&responder, &w, body, LARGEST, &reply), 202);
	if (now() - began > SECONDS)
		fail_msg("25 MB took %.2f s", now() - began);
	assert_int_equal(responder_children(&responder, &child, 1), 1);
	if (peak_kb(child) > PEAK_KB)
		fail_msg("25 MB took %ld kB of memory", peak_kb(child));
	print_message(
	    "25 MB: %.2f s, peak %ld kB\n", now() - began, peak_kb(child));
}

/* Its key is right although the repository stands at its end. */
static void
the_largest_body_has_its_key(void **state)
{
	char command[256], line[256] = "";
	FILE *p;

	(void)state;
	snprintf(command, sizeof command,
	    "head -c 2000 %s/new/* | grep -a '^Key: octo/plain$'",
	    responder.spool);
	p = popen(command, "r");
	assert_non_null(p);
	assert_non_null(fgets(line, sizeof line, p));
	pclose(p);
}

static void
a_large_form_is_small_too(void **state)
{
	static const char head[] = "payload=%7B%22ref%22%3A%22x%22%2C%22before"
				   "%22%3A%221%22%2C%22after%22%3A%220%22%2C"
				   "%22commits%22%3A%5B%5D%2C%22created%22%3A"
				   "false%2C%22deleted%22%3Afalse%2C%22pusher"
				   "%22%3A%22";
	static const char tail[] = "%22%7D";
	struct webhook_params w;
	struct fcgi_reply reply;
	pid_t child;

	(void)state;
	memset(body, 'a', LARGEST);
	memcpy(body, head, sizeof head - 1);
	memcpy(body + LARGEST - (sizeof tail - 1), tail, sizeof tail - 1);
	webhook_params(&w, RESPONDER_SECRET, "push", 2, body, LARGEST);
	webhook_set(&w, "CONTENT_TYPE", "application/x-www-form-urlencoded");
	assert_int_equal(
	    webhook_post(&responder, &w, body, LARGEST, &reply), 202);
	assert_int_equal(responder_children(&responder, &child, 1), 1);
	if (peak_kb(child) > PEAK_KB)
		fail_msg("25 MB took %ld kB of memory", peak_kb(child));
}

/* Counted on bytes read, whatever was declared. */
static void
more_than_may_be_is_refused(void **state)
{
	static const char *const lengths[] = { "", "-1", NULL };
	unsigned before = responder_count(&responder, "new");
	struct webhook_params w;
	struct fcgi_reply reply;

	(void)state;
	make_body(TOO_LARGE, 3);
	for (size_t i = 0; i < 3; i++) {
		webhook_params(
		    &w, RESPONDER_SECRET, "push", 3, body, TOO_LARGE);
		webhook_set(&w, "CONTENT_LENGTH", lengths[i]);
		assert_int_equal(
		    webhook_post(&responder, &w, body, TOO_LARGE, &reply), 413);
	}
	webhook_params(&w, RESPONDER_SECRET, "push", 3, body, TOO_LARGE);
	assert_int_equal(
	    webhook_post(&responder, &w, body, TOO_LARGE, &reply), 413);
	assert_int_equal(responder_count(&responder, "new"), before);
}

static void
sizes_around_every_step_arrive_whole(void **state)
{
	static const size_t sizes[] = { 200, 8191, 8192, 8193, 16384, 32768,
		65535, 65536, 65537, 131072, 131073, 1048576 };
	struct webhook_params w;
	struct fcgi_reply reply;

	(void)state;
	for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		make_body(sizes[i], 10 + i);
		webhook_params(
		    &w, RESPONDER_SECRET, "push", 10 + i, body, sizes[i]);
		if (webhook_post(&responder, &w, body, sizes[i], &reply) != 202)
			fail_msg("%zu bytes: %s", sizes[i], reply.body);
	}
}

static int
start(void **state)
{
	body = malloc(TOO_LARGE + 1);
	assert_non_null(body);
	responder_options = one_process;
	return responder_begin(state);
}

static int
stop(void **state)
{
	free(body);
	return responder_end(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_largest_body_is_quick_and_small),
		cmocka_unit_test(the_largest_body_has_its_key),
		cmocka_unit_test(a_large_form_is_small_too),
		cmocka_unit_test(more_than_may_be_is_refused),
		cmocka_unit_test(sizes_around_every_step_arrive_whole),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
