/* SPDX-License-Identifier: MIT */
/*
 * What a responder that was taken over can not do. A child process opens what
 * a responder opens, enters the same sandbox, and then tries; another one
 * tries the same without the sandbox, and there it must succeed, or the row
 * would prove nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/landlock.h>

#include "attempts.h"
#include "err.h"
#include "log.h"
#include "responder_attempts.h"
#include "sandbox.h"
#include "settings.h"
#include "spool.h"

static struct responder r;
static struct attempt_place place = { .r = &r };

#define ITEMS(a) (sizeof(a) / sizeof *(a))

static void
enter_sandbox(void)
{
	struct settings *s;
	struct spool *spool;
	struct err err = { 0 };

	log_level_set(LOG_ERROR_);
	if (settings_load(&s, r.config, &err) == -1 ||
	    spool_open(&spool, s->spool_path, 1, &err) == -1 ||
	    sandbox_forgo(&err) == -1 || sandbox_enter(s, spool, &err) == -1) {
		fprintf(stderr, "%s\n", err.text);
		_exit(255);
	}
}

/* Exit code of a child that tries it: 0 or an errno. */
static int
outcome(int (*try)(void), int inside)
{
	int status;
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (inside)
			enter_sandbox();
		_exit(try());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* 0 where this machine cannot show the row. */
static int
can_show(int needs)
{
	long landlock = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	if ((needs & LANDLOCK) && landlock < 2)
		return 0;
	if ((needs & TRACING) && outcome(try_trace, 0) != 0)
		return 0;
	if ((needs & NAMESPACES) && outcome(try_new_user, 0) != 0)
		return 0;
#ifdef __SANITIZE_ADDRESS__
	if (needs & TRACING) /* the leak check traces */
		return 0;
#endif
	return 1;
}

static void
none_of_it_is_possible(void **state)
{
	unsigned shown = 0;

	(void)state;
	for (const struct attempt *a = attempts_forbidden; a->what; a++) {
		int without, within;

		if (!can_show(a->needs)) {
			print_message("not shown here: %s\n", a->what);
			continue;
		}
		without = outcome(a->try, 0);
		within = outcome(a->try, 1);
		if (without != 0)
			fail_msg("%s: errno %d without the sandbox", a->what,
			    without);
		if (within != EPERM && within != EACCES && within != EXDEV)
			fail_msg("%s: %s in the sandbox", a->what,
			    within == 0 ? "possible" : strerror(within));
		shown++;
	}
	print_message("walls: a responder can do none of %u things\n", shown);
	assert_true(shown >= 12);
}

static void
what_it_is_for_is_possible(void **state)
{
	(void)state;
	for (const struct attempt *a = attempts_allowed; a->what; a++) {
		int within = outcome(a->try, 1);

		if (within != 0)
			fail_msg("%s: %s", a->what, strerror(within));
	}
}

/* The configuration in a directory of its own, as /etc/hookspool is. */
static int
set_up(void **state)
{
	static const char *const files[] = { "run/job.0", "done/job",
		"log/x.json", "lock/keys" };
	char text[512], path[256];
	struct spool *spool;
	struct err err;

	(void)state;
	responder_make(&r, NULL, NULL);
	snprintf(place.config_dir, sizeof place.config_dir, "%s/etc", r.dir);
	assert_int_equal(mkdir(place.config_dir, 0700), 0);
	snprintf(r.config, sizeof r.config, "%s/etc/config.yaml", r.dir);
	snprintf(text, sizeof text,
	    "data-directory: %s/data\nwebhook-secret: " RESPONDER_SECRET "\n",
	    r.dir);
	responder_write_config(&r, text);
	assert_int_equal(spool_open(&spool, r.spool, 1, &err), 0);
	spool_close(spool);
	for (size_t i = 0; i < ITEMS(files); i++) {
		snprintf(path, sizeof path, "%s/%s", r.spool, files[i]);
		assert_int_equal(close(creat(path, 0600)), 0);
	}
	attempts_at(&place);
	place.victim = fork();
	assert_int_not_equal(place.victim, -1);
	if (place.victim == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	kill(place.victim, SIGKILL);
	waitpid(place.victim, NULL, 0);
	responder_remove(&r);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_of_it_is_possible),
		cmocka_unit_test(what_it_is_for_is_possible),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
