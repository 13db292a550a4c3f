/* SPDX-License-Identifier: MIT */
/* Stopping, reloading and dying, alone and under load. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "responder.h"

#ifdef __SANITIZE_ADDRESS__
#define STOP_SECONDS 5.0
#else
#define STOP_SECONDS 1.0
#endif

#define SENDERS 4

static struct responder responder;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
nap(long milliseconds)
{
	struct timespec t = { .tv_nsec = milliseconds * 1000000 };

	nanosleep(&t, NULL);
}

static int
push_with(const char *secret, unsigned n)
{
	struct webhook_params w;
	struct fcgi_reply reply;
	char body[1024];
	size_t len = push_body(body, sizeof body, n);

	webhook_params(&w, secret, "push", n, body, len);
	return webhook_post(&responder, &w, body, len, &reply);
}

/* ---- stopping ---- */

static void
idle_it_stops_at_once(void **state)
{
	double began;

	(void)state;
	responder_start(&responder, NULL);
	began = now();
	assert_int_equal(responder_stop(&responder), 0);
	if (now() - began > STOP_SECONDS)
		fail_msg("took %.2f s", now() - began);
}

static void
idle_connections_do_not_hold_it_up(void **state)
{
	struct webhook_params w;
	struct fcgi_reply reply;
	char body[1024];
	double began;
	int fds[8];

	(void)state;
	responder_start(&responder, NULL);
	for (unsigned i = 0; i < 8; i++) {
		size_t len = push_body(body, sizeof body, 10 + i);

		fds[i] = fcgi_connect(responder.socket);
		webhook_params(&w, RESPONDER_SECRET, "push", 10 + i, body, len);
		if (i % 2 == 0)
			continue; /* says nothing at all */
		assert_int_equal(fcgi_send(fds[i], w.list, body, len, 1), 0);
		assert_int_equal(fcgi_receive(fds[i], &reply), 0);
	}
	began = now();
	assert_int_equal(responder_stop(&responder), 0);
	if (now() - began > STOP_SECONDS)
		fail_msg("took %.2f s", now() - began);
	for (unsigned i = 0; i < 8; i++)
		close(fds[i]);
}

/* Half of the body is there when the signal comes. */
static void
the_request_in_hand_is_finished(void **state)
{
	struct webhook_params w;
	struct fcgi_reply reply;
	char body[1024];
	size_t len = push_body(body, sizeof body, 30);
	int fd;

	(void)state;
	responder_start(&responder, NULL);
	fd = fcgi_connect(responder.socket);
	webhook_params(&w, RESPONDER_SECRET, "push", 30, body, len);
	assert_int_equal(fcgi_send_begin(fd, 0), 0);
	assert_int_equal(fcgi_send_params(fd, w.list), 0);
	assert_int_equal(fcgi_send_stdin(fd, body, len / 2), 0);
	nap(50);
	kill(responder.pid, SIGTERM);
	nap(100);
	assert_int_equal(fcgi_send_stdin(fd, body + len / 2, len - len / 2), 0);
	assert_int_equal(fcgi_send_end(fd), 0);
	assert_int_equal(fcgi_receive(fd, &reply), 0);
	assert_int_equal(reply.status, 202);
	close(fd);
	assert_int_equal(responder_stop(&responder), 0);
}

/* ---- reloading ---- */

static void
write_secret(const char *secret, const char *more)
{
	char text[2048];

	snprintf(text, sizeof text,
	    "data-directory: %s/data\n"
	    "webhook-secret: %s\n"
	    "limits: {min-free-bytes: 1M, min-free-inodes: 10}\n"
	    "hooks: [{name: x, events: [push], command: [/bin/true]}]\n%s",
	    responder.dir, secret, more);
	responder_write_config(&responder, text);
}

struct secret_try {
	const char *secret;
	unsigned number;
};

/* Both processes have to know it: a few tries in a row. */
static int
all_take(void *arg)
{
	struct secret_try *try = arg;

	for (int i = 0; i < 8; i++) {
		if (push_with(try->secret, try->number++) != 202)
			return 0;
	}
	return 1;
}

static int
none_takes(void *arg)
{
	struct secret_try *try = arg;

	for (int i = 0; i < 8; i++) {
		if (push_with(try->secret, try->number++) != 403)
			return 0;
	}
	return 1;
}

static void
a_changed_file_is_noticed(void **state)
{
	struct secret_try old = { RESPONDER_SECRET, 1000 };
	struct secret_try new = { "a wholly different secret", 2000 };

	(void)state;
	responder_start(&responder, NULL);
	assert_true(all_take(&old));
	write_secret(new.secret, "");
	assert_true(responder_wait(all_take, &new, 10));
	assert_true(responder_wait(none_takes, &old, 10));
}

static int
is_ready_with(void *arg)
{
	struct fcgi_reply reply;

	responder_get(&responder, "/health/ready", &reply);
	return strstr(reply.body, arg) != NULL;
}

static void
a_broken_file_leaves_the_last_good_one(void **state)
{
	static char fine[] = "\"configuration\":\"ok\"";
	struct secret_try new = { "a wholly different secret", 3000 };
	struct secret_try newer = { "and yet another one", 4000 };
	static char line[] = "config.yaml:5";

	(void)state;
	write_secret(newer.secret, "no-such-key: 1\n");
	assert_true(responder_wait(is_ready_with, line, 10));
	assert_true(all_take(&new));
	assert_true(responder_logged(
	    &responder, "the last good configuration stays in use"));
	assert_int_equal(unlink(responder.config), 0);
	kill(responder.pid, SIGHUP);
	nap(100);
	assert_true(all_take(&new));
	write_secret(newer.secret, "");
	assert_true(responder_wait(all_take, &newer, 10));
	assert_true(responder_wait(is_ready_with, fine, 10));
	assert_int_equal(responder_stop(&responder), 0);
}

/* ---- under load ---- */

struct sender {
	pthread_t thread;
	unsigned first, sent, accepted, lost, other;
};

static volatile int sending;

/* A connection that breaks is a delivery nobody answered. */
static void *
send_pushes(void *arg)
{
	struct sender *s = arg;

	while (sending) {
		struct webhook_params w;
		struct fcgi_reply reply;
		char body[1024];
		unsigned n = s->first + s->sent++;
		size_t len = push_body(body, sizeof body, n);

		webhook_params(&w, RESPONDER_SECRET, "push", n, body, len);
		if (fcgi_ask(responder.socket, w.list, body, len, &reply) == -1)
			s->lost++;
		else if (reply.status == 202)
			s->accepted++;
		else
			s->other++;
	}
	return NULL;
}

static void
start_load(struct sender *senders)
{
	sending = 1;
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ .first = 100000 + i * 100000 };
		assert_int_equal(pthread_create(&senders[i].thread, NULL,
				     send_pushes, &senders[i]),
		    0);
	}
}

static struct sender
end_load(struct sender *senders)
{
	struct sender sum = { 0 };

	sending = 0;
	for (unsigned i = 0; i < SENDERS; i++) {
		pthread_join(senders[i].thread, NULL);
		sum.sent += senders[i].sent;
		sum.accepted += senders[i].accepted;
		sum.lost += senders[i].lost;
		sum.other += senders[i].other;
	}
	return sum;
}

static void
ten_reloads_a_second_lose_nothing(void **state)
{
	struct sender senders[SENDERS], sum;

	(void)state;
	responder_make(&responder, NULL, NULL);
	responder_start(&responder, NULL);
	start_load(senders);
	for (int i = 0; i < 20; i++) {
		kill(responder.pid, SIGHUP);
		nap(100);
	}
	sum = end_load(senders);
	assert_int_equal(sum.lost + sum.other, 0);
	assert_int_equal(sum.accepted, sum.sent);
	assert_int_equal(responder_count(&responder, "new"), sum.sent);
	assert_int_equal(responder_stop(&responder), 0);
	responder_remove(&responder);
}

static int
many_are_accepted(void *arg)
{
	const struct sender *senders = arg;
	unsigned sum = 0;

	for (unsigned i = 0; i < SENDERS; i++)
		sum += __atomic_load_n(&senders[i].accepted, __ATOMIC_RELAXED);
	return sum > 100;
}

/* A delivery whose connection broke may be stored or not; one that was
 * answered 202 is. */
static void
a_killed_process_is_replaced(void **state)
{
	struct sender senders[SENDERS], sum;
	struct fcgi_reply reply;
	pid_t child[2];
	unsigned jobs;

	(void)state;
	responder_make(&responder, NULL, NULL);
	responder_start(&responder, NULL);
	start_load(senders);
	for (int i = 0; i < 5; i++) {
		nap(150);
		if (responder_children(&responder, child, 2) == 2)
			kill(child[i % 2], SIGKILL);
	}
	assert_true(responder_wait(many_are_accepted, senders, 60));
	sum = end_load(senders);
	assert_int_equal(sum.other, 0);
	jobs = responder_count(&responder, "new");
	assert_in_range(jobs, sum.accepted, sum.accepted + sum.lost);
	assert_int_equal(
	    responder_get(&responder, "/health/live", &reply), 200);
	assert_int_equal(responder_stop(&responder), 0);
	responder_remove(&responder);
}

static void
stopping_under_load_breaks_no_request(void **state)
{
	struct sender senders[SENDERS], sum;
	unsigned jobs;

	(void)state;
	responder_make(&responder, NULL, NULL);
	responder_start(&responder, NULL);
	start_load(senders);
	nap(300);
	assert_int_equal(responder_stop(&responder), 0);
	sum = end_load(senders);
	jobs = responder_count(&responder, "new");
	/* The lost ones found no socket; none of them is a job. */
	assert_int_equal(jobs, sum.accepted);
	assert_int_equal(sum.other, 0);
	responder_remove(&responder);
}

static int
make(void **state)
{
	(void)state;
	responder_make(&responder, NULL, NULL);
	return 0;
}

static int
clear(void **state)
{
	(void)state;
	responder_remove(&responder);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    idle_it_stops_at_once, make, clear),
		cmocka_unit_test_setup_teardown(
		    idle_connections_do_not_hold_it_up, make, clear),
		cmocka_unit_test_setup_teardown(
		    the_request_in_hand_is_finished, make, clear),
		cmocka_unit_test_setup(a_changed_file_is_noticed, make),
		cmocka_unit_test_teardown(
		    a_broken_file_leaves_the_last_good_one, clear),
		cmocka_unit_test(ten_reloads_a_second_lose_nothing),
		cmocka_unit_test(a_killed_process_is_replaced),
		cmocka_unit_test(stopping_under_load_breaks_no_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
