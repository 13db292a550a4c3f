/* SPDX-License-Identifier: MIT */
/* One delivery, one job: however often, wherever and whenever it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "responder_group.h"

#define COPIES 50

static struct fcgi_reply reply;

struct copy {
	pthread_t thread;
	int status;
	char body[512];
};

static void *
send_copy(void *arg)
{
	struct copy *copy = arg;
	struct fcgi_reply mine;
	struct webhook_params w;
	char body[1024];
	size_t len = push_body(body, sizeof body, 1);

	webhook_params(&w, RESPONDER_SECRET, "push", 1, body, len);
	if (fcgi_ask(responder.socket, w.list, body, len, &mine) == -1)
		return NULL;
	copy->status = mine.status;
	snprintf(copy->body, sizeof copy->body, "%.500s", mine.body);
	return NULL;
}

static void
of_fifty_copies_at_once_one_is_taken(void **state)
{
	static struct copy copies[COPIES];
	unsigned accepted = 0, duplicate = 0;

	(void)state;
	for (unsigned i = 0; i < COPIES; i++)
		assert_int_equal(pthread_create(&copies[i].thread, NULL,
				     send_copy, &copies[i]),
		    0);
	for (unsigned i = 0; i < COPIES; i++) {
		pthread_join(copies[i].thread, NULL);
		accepted += copies[i].status == 202;
		duplicate +=
		    copies[i].status == 200 &&
		    strstr(copies[i].body, "already_processed") != NULL;
	}
	assert_int_equal(accepted, 1);
	assert_int_equal(duplicate, COPIES - 1);
	assert_int_equal(responder_count(&responder, "new"), 1);
}

static void
a_restart_does_not_forget(void **state)
{
	(void)state;
	assert_int_equal(responder_stop(&responder), 0);
	responder_start(&responder, NULL);
	assert_int_equal(webhook_push(&responder, 1, &reply), 200);
	assert_non_null(strstr(reply.body, "\"already_processed\""));
	assert_non_null(strstr(reply.body, "\"job_id\":\"0-"));
	assert_int_equal(responder_count(&responder, "new"), 1);
}

static int
post(unsigned delivery, unsigned body_number)
{
	struct webhook_params w;
	char body[1024];
	size_t len = push_body(body, sizeof body, body_number);

	webhook_params(&w, RESPONDER_SECRET, "push", delivery, body, len);
	return webhook_post(&responder, &w, body, len, &reply);
}

/* Headers are not signed: a captured body could come again under another
 * delivery's name. */
static void
a_body_is_taken_once_under_any_delivery(void **state)
{
	(void)state;
	assert_int_equal(post(10, 10), 202);
	assert_int_equal(post(11, 10), 200);
	/* The first one's job is not named after this delivery. */
	assert_null(strstr(reply.body, "job_id"));
	assert_int_equal(post(12, 12), 202);
}

static void
what_was_refused_stays_acceptable(void **state)
{
	struct webhook_params w;
	char body[1024];
	size_t len = push_body(body, sizeof body, 30);

	(void)state;
	webhook_params(&w, "another secret", "push", 30, body, len);
	assert_int_equal(webhook_post(&responder, &w, body, len, &reply), 403);
	webhook_params(&w, RESPONDER_SECRET, "push", 30, body, len);
	webhook_set(&w, "CONTENT_LENGTH", "9999");
	assert_int_equal(webhook_post(&responder, &w, body, len, &reply), 400);
	assert_int_equal(webhook_push(&responder, 30, &reply), 202);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_fifty_copies_at_once_one_is_taken),
		cmocka_unit_test(a_restart_does_not_forget),
		cmocka_unit_test(a_body_is_taken_once_under_any_delivery),
		cmocka_unit_test(what_was_refused_stays_acceptable),
	};

	return cmocka_run_group_tests(tests, responder_begin, responder_end);
}
