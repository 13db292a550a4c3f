/* SPDX-License-Identifier: MIT */
/*
 * One request again and again, each time with the next of its allocations
 * failing, alone and with all behind it: as a CGI program from its first
 * instruction, and in a FastCGI process. Whatever fails, nothing dies, nobody
 * is told 2xx of a job that is not there, and the same delivery is taken when
 * there is memory again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc_shim.h"
#include "head.h"
#include "responder.h"

#define MANY 20000 /* allocations no request makes */

static struct responder r;
static struct alloc_orders *orders;
static char orders_path[128], shim[4096];
static unsigned step = 1; /* $ALLOC_STEP: only each so many-th of CGI's */
static unsigned swept, refused, restarted;

static void
make_orders(void)
{
	int fd;

	snprintf(orders_path, sizeof orders_path, "%s/orders", r.dir);
	fd = open(orders_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(ftruncate(fd, sizeof *orders), 0);
	orders = mmap(
	    NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(orders != MAP_FAILED);
	close(fd);
}

static void
find_shim(void)
{
	char path[4096];

	snprintf(path, sizeof path, "%s", responder_program());
	strcpy(strrchr(path, '/'), "/test/memory/alloc_shim.so");
	assert_non_null(realpath(path, shim));
}

static int
job_is_there(unsigned delivery)
{
	char uuid[37], path[256];

	make_delivery(uuid, delivery);
	snprintf(path, sizeof path, "%s/new/0-%s.0", r.spool, uuid);
	return access(path, F_OK) == 0;
}

/* The n-th allocation failed and this was the answer, 0 for none. */
static void
judge(const char *how, unsigned n, unsigned delivery, int status)
{
	swept++;
	if (status >= 200 && status < 300 && !job_is_there(delivery))
		fail_msg("%s, allocation %u: %d, and there is no job", how, n,
		    status);
	if (status != 0 && status != 202 && status != 503)
		fail_msg("%s, allocation %u: %d", how, n, status);
	refused += status == 503;
	restarted += status == 0;
}

/* ---- CGI ---- */

static void
become_cgi(const struct webhook_params *w, int in, int out)
{
	dup2(in, 0);
	dup2(out, 1);
	dup2(open(r.log, O_WRONLY | O_CREAT | O_APPEND, 0600), 2);
	clearenv();
	for (size_t i = 0; w->list[i].name != NULL; i++) {
		if (w->list[i].value != NULL)
			setenv(w->list[i].name, w->list[i].value, 1);
	}
	setenv("HOOKSPOOL_CONFIG", r.config, 1);
	setenv("LD_PRELOAD", shim, 1);
	setenv("ALLOC_SHIM", orders_path, 1);
	execl(responder_program(), "hookspool-fcgi", (char *)NULL);
	_exit(127);
}

/* The status it printed, or 0. */
static int
ask_cgi(const char *how, unsigned n, unsigned delivery)
{
	struct webhook_params w;
	char body[1024], out[4096];
	size_t len = push_body(body, sizeof body, delivery), used = 0;
	int in[2], back[2], status;
	ssize_t got;
	pid_t pid;

	webhook_params(&w, RESPONDER_SECRET, "push", delivery, body, len);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(back, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		become_cgi(&w, in[0], back[1]);
	close(in[0]);
	close(back[1]);
	assert_int_equal(write(in[1], body, len), len);
	close(in[1]);
	while (used + 1 < sizeof out &&
	       (got = read(back[0], out + used, sizeof out - 1 - used)) > 0)
		used += (size_t)got;
	out[used] = '\0';
	close(back[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		fail_msg("%s, allocation %u: died of signal %d; see %s", how, n,
		    WTERMSIG(status), r.log);
	return strncmp(out, "Status: ", 8) == 0 ? atoi(out + 8) : 0;
}

static void
sweep_cgi(const char *how, int all, unsigned base)
{
	unsigned n;

	for (n = 1; n < MANY; n += step) {
		int status;

		atomic_store(&orders->failed, 0);
		atomic_store(&orders->all, all);
		atomic_store(&orders->left, (int)n);
		status = ask_cgi(how, n, base + n);
		atomic_store(&orders->left, 0);
		if (atomic_load(&orders->failed) == 0) {
			assert_int_equal(status, 202);
			break;
		}
		judge(how, n, base + n, status);
	}
	assert_true(n > 50 && n < MANY);
	print_message("%s: %u allocations\n", how, n - 1);
}

static void
a_cgi_program_survives_each(void **state)
{
	(void)state;
	sweep_cgi("CGI", 0, 1000000);
	sweep_cgi("CGI, all from there on", 1, 2000000);
}

/* ---- FastCGI ---- */

static int
ask_fcgi(unsigned delivery)
{
	struct webhook_params w;
	struct fcgi_reply reply;
	char body[1024];
	size_t len = push_body(body, sizeof body, delivery);

	webhook_params(&w, RESPONDER_SECRET, "push", delivery, body, len);
	if (fcgi_ask(r.socket, w.list, body, len, &reply) == -1)
		return 0;
	return reply.status;
}

static int
is_taken(unsigned delivery)
{
	int status = ask_fcgi(delivery);

	return status == 202 || status == 200;
}

static void
start(void)
{
	static const char *const options[] = { "--processes", "1", "--threads",
		"1", NULL };

	setenv("LD_PRELOAD", shim, 1);
	setenv("ALLOC_SHIM", orders_path, 1);
	responder_start(&r, options);
	unsetenv("LD_PRELOAD");
	unsetenv("ALLOC_SHIM");
}

/* libfcgi aborts where it finds no memory, and the supervisor starts another
 * process, each time more slowly; there is no time to wait for that. */
static void
start_again(void)
{
	assert_int_equal(responder_stop(&r), 0);
	start();
}

static int
is_replaced(void *arg)
{
	pid_t now;

	return responder_children(&r, &now, 1) == 0 ||
	       now != *(const pid_t *)arg;
}

static void
sweep_fcgi(const char *how, int all, unsigned base)
{
	unsigned n, delivery, quiet = 0;
	pid_t before;

	assert_int_equal(ask_fcgi(base), 202);
	for (n = 1; n < MANY && quiet < 3; n++) {
		int status;

		delivery = base + n;
		assert_int_equal(responder_children(&r, &before, 1), 1);
		atomic_store(&orders->failed, 0);
		atomic_store(&orders->all, all);
		atomic_store(&orders->left, (int)n);
		status = ask_fcgi(delivery);
		atomic_store(&orders->left, 0);
		quiet = atomic_load(&orders->failed) == 0 ? quiet + 1 : 0;
		judge(how, n, delivery, status);
		if (status == 0 && !responder_wait(is_replaced, &before, 10))
			fail_msg("%s, allocation %u: no answer", how, n);
		if (status == 0)
			start_again();
		if (!is_taken(delivery))
			fail_msg("%s, allocation %u: not taken after", how, n);
		assert_true(job_is_there(delivery));
	}
	assert_true(n > 5 && n < MANY);
	print_message("%s: %u allocations\n", how, n - 4);
}

static void
a_fastcgi_process_survives_each(void **state)
{
	(void)state;
	start();
	sweep_fcgi("FastCGI", 0, 3000000);
	sweep_fcgi("FastCGI, all from there on", 1, 4000000);
	assert_int_equal(responder_stop(&r), 0);
	/* An abort is libfcgi's; any other signal would be ours. */
	assert_false(responder_logged(&r, "(signal 11)"));
	assert_false(responder_logged(&r, "(signal 7)"));
}

static int
set_up(void **state)
{
	(void)state;
	if (getenv("ALLOC_STEP") != NULL)
		step = (unsigned)atoi(getenv("ALLOC_STEP"));
	assert_true(step > 0);
	responder_make(&r, NULL, "log-level: WARNING\n");
	make_orders();
	find_shim();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	print_message("allocations: %u failed one by one, %u answered 503, "
		      "%u ended the process, 0 false 2xx\n",
	    swept, refused, restarted);
	responder_remove(&r);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cgi_program_survives_each),
		cmocka_unit_test(a_fastcgi_process_survives_each),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
