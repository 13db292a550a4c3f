/* SPDX-License-Identifier: MIT */
/*
 * A disk that says no when it is asked whether all is well: each kind of flush,
 * and close, fails under a living responder (faults.c, preloaded). Nobody is
 * told 2xx for what was not flushed, /health/ready says so until a restart,
 * and the same delivery is welcome when the disk is well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "responder.h"

static struct responder responder;
static char fault[128];

static const struct {
	const char *why, *calls;
	int status, other; /* of deliveries meanwhile; 0: no other */
} lies[] = {
	/* One way in needs the one, one the other: a slot that was made ready
	 * and flushed before, or one that is made on the spot. */
	{ "flushing data fails", " fdatasync ", 503, 202 },
	{ "flushing files and directories fails", " fsync syncfs ", 503, 202 },
	{ "every flush fails", " fsync fdatasync syncfs ", 503, 0 },
	{ "closing fails", " close ", 503, 0 },
};

static void
begin(void)
{
	static const char *const one_process[] = { "--processes", "1", NULL };
	const char *build = getenv("HOOKSPOOL_BUILD");
	char library[300];

	responder_make(&responder, NULL, NULL);
	/* Where the walls let the responder look. */
	snprintf(fault, sizeof fault, "%s/tmp/fault", responder.spool);
	snprintf(library, sizeof library, "%s/test/crash/faults.so",
	    build != NULL ? build : "build");
	setenv("FAULT_FILE", fault, 1);
	setenv("LD_PRELOAD", library, 1);
	responder_start(&responder, one_process);
	unsetenv("LD_PRELOAD");
}

static void
lie(const char *calls)
{
	FILE *f = fopen(fault, "w");

	assert_non_null(f);
	assert_true(fputs(calls, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
is_degraded(void *arg)
{
	struct fcgi_reply reply;

	(void)arg;
	return responder_get(&responder, "/health/ready", &reply) == 503 &&
	       strstr(reply.body, "writing to the disk failed") != NULL;
}

/* Until one is answered as the row says; how many were sent. */
static unsigned
send_some(size_t row)
{
	struct fcgi_reply reply;
	unsigned n = 0;
	int status;

	do {
		status = webhook_push(&responder, n++, &reply);
		if (status != lies[row].status && status != lies[row].other)
			fail_msg("%s: %d", lies[row].why, status);
	} while (status != lies[row].status && n < 1000);
	assert_int_equal(status, lies[row].status);
	return n;
}

static void
is_not_believed(size_t row)
{
	struct fcgi_reply reply;
	unsigned sent;

	begin();
	assert_int_equal(webhook_push(&responder, 5000, &reply), 202);
	assert_false(is_degraded(NULL));
	lie(lies[row].calls);
	sent = send_some(row);
	assert_true(responder_wait(is_degraded, NULL, 10));
	unlink(fault);
	for (unsigned n = 0; n < sent; n++) {
		int status = webhook_push(&responder, n, &reply);

		if (status != 202 && status != 200)
			fail_msg("%s, then not: %d", lies[row].why, status);
	}
	assert_int_equal(responder_count(&responder, "new"), sent + 1);
	assert_true(is_degraded(NULL));
	assert_int_equal(responder_stop(&responder), 0);
	responder_start(&responder, NULL);
	assert_false(is_degraded(NULL));
	assert_int_equal(responder_stop(&responder), 0);
	responder_remove(&responder);
}

static void
a_disk_that_lies_is_not_believed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
		is_not_believed(i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_that_lies_is_not_believed),
	};
	int failed;

	alarm(100);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fflush(stderr);
	printf("%zu lies of the disk under a living responder, %d violations\n",
	    sizeof lies / sizeof *lies, failed);
	return failed;
}
