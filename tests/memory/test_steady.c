/* SPDX-License-Identifier: MIT */
/*
 * A responder's memory and descriptors after $REQUESTS requests (3000) are
 * those after the first thousand: memory within 5 %, descriptors the same.
 * The requests are a mixture of what is accepted, known, refused and asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "responder.h"

#define FIRST 1000
#define DRIFT 5 /* percent */

static struct responder r;

struct kind {
	const char *secret;
	int status;
	int known; /* of the delivery before */
};

/* One of ten is a question, which has no kind. */
static const struct kind kinds[9] = {
	{ RESPONDER_SECRET, 202, 0 },
	{ RESPONDER_SECRET, 202, 0 },
	{ RESPONDER_SECRET, 200, 1 },
	{ "a secret that is none of ours", 403, 0 },
	{ RESPONDER_NEXT, 202, 0 },
	{ RESPONDER_NEXT, 200, 1 },
	{ RESPONDER_OWN, 403, 0 },
	{ RESPONDER_SECRET, 202, 0 },
	{ RESPONDER_SECRET, 200, 1 },
};

static void
ask(int *fd, const struct fcgi_param *params, const char *body, size_t len,
    int want)
{
	struct fcgi_reply reply;

	if (*fd == -1)
		*fd = fcgi_connect(r.socket);
	assert_int_not_equal(*fd, -1);
	if (fcgi_send(*fd, params, body, len, 1) == -1 ||
	    fcgi_receive(*fd, &reply) == -1)
		fail_msg("no reply: \"%s\"", reply.text);
	if (reply.status != want)
		fail_msg("%d, not %d: %s", reply.status, want, reply.body);
	if (!reply.closed)
		return;
	close(*fd);
	*fd = -1;
}

static void
request(int *fd, unsigned n)
{
	static const struct fcgi_param health[] = {
		{ "REQUEST_METHOD", "GET" },
		{ "REQUEST_URI", "/health/live" },
		{ "REMOTE_ADDR", "127.0.0.1" },
		{ NULL, NULL },
	};
	struct webhook_params w;
	char body[1024];
	unsigned delivery = n;
	size_t len;

	if (n % 10 == 9) {
		ask(fd, health, NULL, 0, 200);
		return;
	}
	if (kinds[n % 10].known)
		delivery--;
	len = push_body(body, sizeof body, delivery);
	webhook_params(&w, kinds[n % 10].secret, "push", delivery, body, len);
	ask(fd, w.list, body, len, kinds[n % 10].status);
}

static long
resident(pid_t pid)
{
	char path[64];
	long size, pages = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/statm", pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &size, &pages), 2);
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE) / 1024;
}

/* Without those of ready slots, of which there are more or fewer, and of the
 * ledger, which has a file more each time it grows eightfold, and few. */
static unsigned
descriptors(pid_t pid)
{
	char path[64], link[512];
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	d = opendir(path);
	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		ssize_t len =
		    readlinkat(dirfd(d), e->d_name, link, sizeof link - 1);

		link[len < 0 ? 0 : len] = '\0';
		n += len > 0 && strstr(link, "/spool/tmp/") == NULL &&
		     strstr(link, "/spool/seen/ledger.") == NULL;
	}
	closedir(d);
	return n;
}

struct goal {
	pid_t pid;
	unsigned most;
};

/* The thread that makes slots may have a directory open just now. */
static int
is_few(void *arg)
{
	const struct goal *g = arg;

	return descriptors(g->pid) <= g->most;
}

static void
nothing_grows(void **state)
{
	/* Few threads, that each has had its first request early. */
	static const char *const options[] = { "--processes", "1", "--threads",
		"4", NULL };
	const char *text = getenv("REQUESTS");
	unsigned count = text != NULL ? (unsigned)atoi(text) : 3000, n;
	struct goal g;
	long early, late;
	int fd = -1;

	(void)state;
	assert_true(count > FIRST);
	responder_make(&r, NULL, "log-level: WARNING\n");
	responder_start(&r, options);
	for (n = 0; n < FIRST; n++)
		request(&fd, n);
	assert_int_equal(responder_children(&r, &g.pid, 1), 1);
	g.most = descriptors(g.pid);
	early = resident(g.pid);
	for (; n < count; n++)
		request(&fd, n);
	if (!responder_wait(is_few, &g, 10))
		fail_msg(
		    "%u descriptors, %u before", descriptors(g.pid), g.most);
	late = resident(g.pid);
	close(fd);
	print_message("memory: %ld KiB after %d requests, %ld KiB after %u "
		      "(%+.1f %%), %u descriptors\n",
	    early, FIRST, late, count,
	    100.0 * (double)(late - early) / (double)early, g.most);
	if (late * 100 > early * (100 + DRIFT))
		fail_msg("grown by more than %d %%", DRIFT);
	assert_int_equal(responder_stop(&r), 0);
	responder_remove(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
