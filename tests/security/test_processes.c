/* SPDX-License-Identifier: MIT */
/*
 * Every program at work, seen from outside: no new privileges, no core files,
 * the responder's filter of system calls in force, and the secret nowhere in
 * memory that a core dump would hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/prctl.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "responder.h"

static struct responder r;
static pid_t runner;

enum { SUPERVISOR, PROCESS, RUNNER, WORKER, COMMAND, KINDS };

static const struct {
	const char *name;
	int filtered; /* by seccomp */
} kinds[KINDS] = {
	[SUPERVISOR] = { "the responder's supervisor", 1 },
	[PROCESS] = { "a responder", 1 },
	[RUNNER] = { "the runner", 0 },
	[WORKER] = { "a worker", 0 },
	[COMMAND] = { "a hook's command", 0 },
};

static pid_t pids[KINDS];

static pid_t
first_child(pid_t parent)
{
	struct responder of = { .pid = parent };
	pid_t child = 0;

	return responder_children(&of, &child, 1) == 1 ? child : 0;
}

static int
is_named(pid_t pid, const char *name)
{
	char path[64], text[64] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/comm", pid);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	if (fgets(text, sizeof text, f) == NULL)
		text[0] = '\0';
	fclose(f);
	return strncmp(text, name, strlen(name)) == 0;
}

static int
command_runs(void *arg)
{
	(void)arg;
	pids[WORKER] = first_child(runner);
	if (pids[WORKER] == 0 || !is_named(pids[WORKER], "job-worker"))
		return 0;
	pids[COMMAND] = first_child(pids[WORKER]);
	return pids[COMMAND] != 0 && is_named(pids[COMMAND], "sleep");
}

/* The line of a file in /proc that begins so, behind that. */
static void
proc_line(char *out, size_t size, pid_t pid, const char *file, const char *key)
{
	char path[64], line[512];
	FILE *f;

	out[0] = '\0';
	snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL) {
		if (strncmp(line, key, strlen(key)) == 0)
			snprintf(out, size, "%s", line + strlen(key));
	}
	fclose(f);
}

static void
every_program_gives_up_privileges(void **state)
{
	char text[512];
	unsigned soft = 1, hard = 1;

	(void)state;
	for (int i = 0; i < KINDS; i++) {
		proc_line(text, sizeof text, pids[i], "status", "NoNewPrivs:");
		if (atoi(text) != 1)
			fail_msg("%s may gain privileges", kinds[i].name);
		proc_line(text, sizeof text, pids[i], "status", "Seccomp:");
		if (kinds[i].filtered && atoi(text) != 2)
			fail_msg("%s: no filter of calls", kinds[i].name);
		proc_line(
		    text, sizeof text, pids[i], "limits", "Max core file size");
		if (sscanf(text, "%u %u", &soft, &hard) != 2 || soft + hard > 0)
			fail_msg("%s may leave a core file", kinds[i].name);
	}
}

static int
memory_has(int mem, unsigned long from, unsigned long to, const char *text)
{
	size_t len = to - from;
	char *copy = malloc(len);
	ssize_t n;
	int found = 0;

	assert_non_null(copy);
	n = pread(mem, copy, len, (off_t)from);
	if (n > 0)
		found = memmem(copy, (size_t)n, text, strlen(text)) != NULL;
	free(copy);
	return found;
}

/* Places of the text in memory: those that a dump has, those it has not. */
static void
count_secret(pid_t pid, unsigned *dumped, unsigned *kept)
{
	char path[64], line[512], perms[8] = "", where[256] = "";
	unsigned long from = 0, to = 0, a, b;
	FILE *f;
	int mem;

	*dumped = *kept = 0;
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof path, "/proc/%d/smaps", pid);
	f = fopen(path, "r");
	if (mem == -1 || f == NULL)
		fail_msg("process %d cannot be looked at", pid);
	while (fgets(line, sizeof line, f) != NULL) {
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &a, &b, perms,
			where) >= 3) {
			from = a;
			to = b;
		}
		if (strncmp(line, "VmFlags:", 8) != 0 || perms[1] != 'w')
			continue;
		if (!memory_has(mem, from, to, RESPONDER_SECRET))
			continue;
		if (strstr(line, " dd") != NULL) {
			++*kept;
		} else {
			++*dumped;
			print_message(
			    "%d: in %lx-%lx %s\n", pid, from, to, where);
		}
	}
	fclose(f);
	close(mem);
}

static void
no_dump_would_hold_the_secret(void **state)
{
	unsigned dumped, kept;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip(); /* it keeps freed memory as it was */
#endif
	for (int i = 0; i < KINDS; i++) {
		count_secret(pids[i], &dumped, &kept);
		if (dumped > 0)
			fail_msg("%s: the secret is in %u mappings that a "
				 "dump holds",
			    kinds[i].name, dumped);
		/* Or we would not find it where it is. */
		if (i == PROCESS && kept == 0)
			fail_msg("the responder's secret was not found");
	}
}

static void
start_runner(void)
{
	char path[4096];

	snprintf(path, sizeof path, "%s", responder_program());
	strcpy(strrchr(path, '/'), "/spool-runner");
	runner = fork();
	assert_int_not_equal(runner, -1);
	if (runner == 0) {
		int log = open(r.log, O_WRONLY | O_APPEND);

		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(log, 1);
		dup2(log, 2);
		execl(path, path, "--config", r.config, (char *)NULL);
		_exit(127);
	}
}

static int
set_up(void **state)
{
	static const char config[] =
	    "webhook-secret: " RESPONDER_SECRET "\n"
	    "limits: {min-free-bytes: 1M, min-free-inodes: 10}\n"
	    "hooks: [{name: x, events: [push], command: [sleep, 300]}]\n";
	struct fcgi_reply reply;

	(void)state;
	responder_make(&r, config, NULL);
	responder_start(&r, NULL);
	assert_int_equal(webhook_push(&r, 1, &reply), 202);
	start_runner();
	pids[SUPERVISOR] = r.pid;
	pids[PROCESS] = first_child(r.pid);
	pids[RUNNER] = runner;
	if (!responder_wait(command_runs, NULL, 30))
		fail_msg("no command was started; see %s", r.log);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	kill(runner, SIGTERM);
	kill(runner, SIGTERM); /* without waiting for the command */
	waitpid(runner, NULL, 0);
	responder_remove(&r);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_program_gives_up_privileges),
		cmocka_unit_test(no_dump_would_hold_the_secret),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
