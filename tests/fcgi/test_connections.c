/* SPDX-License-Identifier: MIT */
/* Connections that web servers, or worse, hold open, cut off or fill with
 * nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "responder_group.h"

#define IDLE 40 /* connections held open; far more than threads */

static const char *const few_threads[] = { "--processes", "1", "--threads", "2",
	NULL };

static void
push_on(int fd, unsigned n, int want)
{
	struct fcgi_reply reply;
	struct webhook_params w;
	char body[1024];
	size_t len = push_body(body, sizeof body, n);

	webhook_params(&w, RESPONDER_SECRET, "push", n, body, len);
	assert_int_equal(fcgi_send(fd, w.list, body, len, 1), 0);
	if (fcgi_receive(fd, &reply) == -1)
		fail_msg("no reply on a kept connection");
	assert_int_equal(reply.status, want);
}

/* nginx with fastcgi_keep_conn: a libfcgi program would hang here. */
static void
idle_connections_hold_no_thread(void **state)
{
	int fds[IDLE];

	(void)state;
	for (int i = 0; i < IDLE; i++) {
		fds[i] = fcgi_connect(responder.socket);
		assert_int_not_equal(fds[i], -1);
		push_on(fds[i], 100 + (unsigned)i, 202);
	}
	/* Each of them still works, in another order. */
	for (int i = IDLE - 1; i >= 0; i--)
		push_on(fds[i], 200 + (unsigned)i, 202);
	for (int i = 0; i < IDLE; i++)
		close(fds[i]);
}

static void
a_connection_that_says_nothing_holds_no_thread(void **state)
{
	struct fcgi_reply reply;
	int fds[IDLE];

	(void)state;
	for (int i = 0; i < IDLE; i++)
		fds[i] = fcgi_connect(responder.socket);
	assert_int_equal(webhook_push(&responder, 300, &reply), 202);
	for (int i = 0; i < IDLE; i++)
		close(fds[i]);
}

/* Refused before its body was read: what is left of it must not be taken for
 * the next request. */
static void
an_unread_body_does_not_spoil_the_connection(void **state)
{
	static char body[300000];
	struct fcgi_reply reply;
	struct webhook_params w;
	int fd = fcgi_connect(responder.socket);

	(void)state;
	memset(body, 'x', sizeof body);
	webhook_params(&w, RESPONDER_SECRET, "push", 1, body, sizeof body);
	webhook_set(&w, "HTTP_X_HUB_SIGNATURE_256", NULL);
	assert_int_not_equal(fd, -1);
	(void)fcgi_send(fd, w.list, body, sizeof body, 1);
	assert_int_equal(fcgi_receive(fd, &reply), 0);
	assert_int_equal(reply.status, 401);
	/* Asked to keep the connection, it closes it all the same. */
	assert_int_equal(recv(fd, body, sizeof body, 0), 0);
	close(fd);
	assert_int_equal(webhook_push(&responder, 310, &reply), 202);
}

/* The client goes away in the middle of its body: not a job. */
static void
a_body_cut_off_is_no_job(void **state)
{
	unsigned before = responder_count(&responder, "new");
	struct fcgi_reply reply;
	struct webhook_params w;
	char body[1024];
	size_t len = push_body(body, sizeof body, 320);
	int fd = fcgi_connect(responder.socket);

	(void)state;
	webhook_params(&w, RESPONDER_SECRET, "push", 320, body, len);
	webhook_set(&w, "CONTENT_LENGTH", "");
	fcgi_send_begin(fd, 0);
	fcgi_send_params(fd, w.list);
	fcgi_send_stdin(fd, body, len);
	shutdown(fd, SHUT_WR); /* without the record that ends the body */
	assert_int_equal(fcgi_receive(fd, &reply), 0);
	assert_int_equal(reply.status, 400);
	close(fd);
	assert_int_equal(responder_count(&responder, "new"), before);
	assert_int_equal(webhook_push(&responder, 320, &reply), 202);
}

static void
send_raw(const void *bytes, size_t len)
{
	struct pollfd answer;
	char trash[4096];
	int fd = fcgi_connect(responder.socket);

	if (fd == -1)
		return; /* the last one ended the process a moment ago */
	(void)send(fd, bytes, len, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	answer = (struct pollfd){ .fd = fd, .events = POLLIN };
	while (
	    poll(&answer, 1, 5000) == 1 && recv(fd, trash, sizeof trash, 0) > 0)
		continue;
	close(fd);
}

static int
takes_push(void *arg)
{
	unsigned *n = arg;
	struct fcgi_reply reply;
	struct webhook_params w;
	char body[1024];
	size_t len = push_body(body, sizeof body, ++*n);

	webhook_params(&w, RESPONDER_SECRET, "push", *n, body, len);
	return fcgi_ask(responder.socket, w.list, body, len, &reply) == 0 &&
	       reply.status == 202;
}

/* Debian's libfcgi calls abort() on some of these (half of the fix for
 * CVE-2025-23016): a process may die, the service may not. */
static void
nonsense_does_not_end_the_service(void **state)
{
	static const unsigned char begin[] = { 1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0,
		0, 0, 0, 0, 0 };
	static const unsigned char lengths[][8] = {
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
		{ 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xfe },
		{ 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 },
		{ 0x80, 0, 0, 0, 0x80, 0, 0, 0 },
		{ 0xc0, 0, 0, 0, 0xc0, 0, 0, 0 },
	};
	unsigned char bytes[256];
	unsigned pushes = 5000;

	(void)state;
	srand(7);
	for (int i = 0; i < 60; i++) {
		for (size_t k = 0; k < sizeof bytes; k++)
			bytes[k] = (unsigned char)rand();
		if (i % 2 == 0)
			memcpy(bytes, begin, sizeof begin);
		send_raw(bytes, sizeof bytes);
	}
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		memcpy(bytes, begin, sizeof begin);
		memcpy(bytes + 16, "\1\4\0\1\0\x10\0\0", 8);
		memcpy(bytes + 24, lengths[i], 8);
		memcpy(bytes + 32, "HTTP_X_A", 8);
		send_raw(bytes, 40);
		if (!responder_wait(takes_push, &pushes, 30))
			fail_msg("nobody answers after length %zu", i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_connections_hold_no_thread),
		cmocka_unit_test(
		    a_connection_that_says_nothing_holds_no_thread),
		cmocka_unit_test(an_unread_body_does_not_spoil_the_connection),
		cmocka_unit_test(a_body_cut_off_is_no_job),
		cmocka_unit_test(nonsense_does_not_end_the_service),
	};

	responder_options = few_threads;
	return cmocka_run_group_tests(tests, responder_begin, responder_end);
}
