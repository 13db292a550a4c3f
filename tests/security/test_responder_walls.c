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
#include "responder.h"
#include "sandbox.h"
#include "settings.h"
#include "spool.h"

static struct responder r;
static char config_dir[128];
static pid_t victim; /* a process of the same user, as the runner is */

/* ---- what is tried: 0 where it went through, else the errno ---- */

static int
open_in(const char *dir, const char *name, int flags)
{
	char path[256];
	int fd;

	snprintf(path, sizeof path, "%s/%s/%s", r.spool, dir, name);
	fd = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0600);
	if (fd == -1)
		return errno;
	close(fd);
	return 0;
}

static int
open_path(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd == -1)
		return errno;
	close(fd);
	return 0;
}

static int
signal_other(void)
{
	return kill(victim, 0) ? errno : 0;
}

static int
signal_thread(void)
{
	return syscall(SYS_tgkill, victim, victim, 0) == -1 ? errno : 0;
}

static int
trace(void)
{
	if (ptrace(PTRACE_SEIZE, victim, 0, 0) == -1)
		return errno;
	ptrace(PTRACE_DETACH, victim, 0, 0);
	return 0;
}

static int
read_running(void)
{
	return open_in("run", "job.0", O_RDONLY);
}
static int
list_running(void)
{
	return open_in("run", ".", O_RDONLY);
}
static int
read_done(void)
{
	return open_in("done", "job", O_RDONLY);
}
static int
read_records(void)
{
	return open_in("log", "x.json", O_RDONLY);
}
static int
ask_runner(void)
{
	return open_in("ctl", "drop", O_WRONLY | O_CREAT);
}
static int
write_out(void)
{
	return open_in("out", "x", O_WRONLY | O_CREAT);
}
static int
write_run(void)
{
	return open_in("run", "y.0", O_WRONLY | O_CREAT);
}
static int
write_lock(void)
{
	return open_in("lock", "keys", O_WRONLY);
}
static int
read_users(void)
{
	return open_path("/etc/passwd", O_RDONLY);
}
static int
read_own(void)
{
	return open_path("/proc/self/maps", O_RDONLY);
}
static int
write_tmp(void)
{
	char path[128];

	snprintf(path, sizeof path, "%s/found", r.dir);
	return open_path(path, O_WRONLY | O_CREAT);
}

static int
write_config(void)
{
	return open_path(r.config, O_WRONLY);
}

static int
replace_config(void)
{
	char path[160];

	snprintf(path, sizeof path, "%s/other", config_dir);
	return open_path(path, O_WRONLY | O_CREAT);
}

static int
link_new(int (*make)(const char *path))
{
	char path[160];
	int error;

	snprintf(path, sizeof path, "%s/new/planted", r.spool);
	error = make(path) == -1 ? errno : 0;
	(void)remove(path);
	return error;
}

static int
make_link(const char *path)
{
	return symlink("/etc", path);
}
static int
make_fifo(const char *path)
{
	return mkfifo(path, 0600);
}
static int
make_dir(const char *path)
{
	return mkdir(path, 0700);
}
static int
plant_link(void)
{
	return link_new(make_link);
}
static int
plant_fifo(void)
{
	return link_new(make_fifo);
}
static int
plant_dir(void)
{
	return link_new(make_dir);
}

/* run/ into new/, where it would run again. */
static int
steal_job(void)
{
	char from[160], to[160];

	snprintf(from, sizeof from, "%s/run/job.0", r.spool);
	snprintf(to, sizeof to, "%s/new/job.0", r.spool);
	if (link(from, to) == -1)
		return errno;
	unlink(to);
	return 0;
}

/* ---- what a responder must still be able to do ---- */

static int
read_config(void)
{
	return open_path(r.config, O_RDONLY);
}
static int
write_new(void)
{
	return open_in("new", "z", O_WRONLY | O_CREAT);
}
static int
write_seen(void)
{
	return open_in("seen", "z", O_WRONLY | O_CREAT);
}
static int
read_lock(void)
{
	return open_in("lock", "keys", O_RDONLY);
}

static int
accept_job(void)
{
	char from[160], to[160];
	int error = open_in("tmp", "z", O_WRONLY | O_CREAT);

	snprintf(from, sizeof from, "%s/tmp/z", r.spool);
	snprintf(to, sizeof to, "%s/new/z.0", r.spool);
	if (error == 0 && rename(from, to) == -1)
		error = errno;
	return error;
}

static void *
nothing(void *arg)
{
	return arg;
}

static int
start_thread(void)
{
	pthread_t id;
	int error = pthread_create(&id, NULL, nothing, NULL);

	return error != 0 ? error : pthread_join(id, NULL);
}

enum need { SECCOMP = 1, LANDLOCK = 2, TRACING = 4, NAMESPACES = 8 };

static const struct {
	const char *what;
	int (*try)(void);
	int needs; /* what keeps it out */
} forbidden[] = {
	{ "open a TCP socket", try_tcp, SECCOMP },
	{ "open a TCP socket over IPv6", try_tcp6, SECCOMP },
	{ "open a UDP socket", try_udp, SECCOMP },
	{ "open a Unix socket", try_unix_socket, SECCOMP },
	{ "open a netlink socket", try_netlink, SECCOMP },
	{ "do either through io_uring", try_io_uring, SECCOMP },
	{ "run a program", try_execute, SECCOMP },
	{ "fork", try_split, SECCOMP },
	{ "signal another process", signal_other, SECCOMP },
	{ "signal another's thread", signal_thread, SECCOMP },
	{ "trace another process", trace, SECCOMP | TRACING },
	{ "become root in a namespace", try_new_user, SECCOMP | NAMESPACES },
	{ "read a running job", read_running, LANDLOCK },
	{ "list running jobs", list_running, LANDLOCK },
	{ "read a settled job", read_done, LANDLOCK },
	{ "read records", read_records, LANDLOCK },
	{ "ask the runner for something", ask_runner, LANDLOCK },
	{ "plant a report to GitHub", write_out, LANDLOCK },
	{ "write into run/", write_run, LANDLOCK },
	{ "take a key's lock", write_lock, LANDLOCK },
	{ "link a running job into new/", steal_job, LANDLOCK },
	{ "plant a symbolic link", plant_link, LANDLOCK },
	{ "plant a FIFO", plant_fifo, LANDLOCK },
	{ "plant a directory", plant_dir, LANDLOCK },
	{ "read /etc/passwd", read_users, LANDLOCK },
	{ "read /proc/self/maps", read_own, LANDLOCK },
	{ "write beside the spool", write_tmp, LANDLOCK },
	{ "write the configuration", write_config, LANDLOCK },
	{ "put a file beside the configuration", replace_config, LANDLOCK },
}, allowed[] = {
	{ "read the configuration", read_config, 0 },
	{ "write into new/", write_new, 0 },
	{ "write into seen/", write_seen, 0 },
	{ "look at locks", read_lock, 0 },
	{ "rename from tmp/ to new/", accept_job, 0 },
	{ "start a thread", start_thread, 0 },
};

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
	if ((needs & TRACING) && outcome(trace, 0) != 0)
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
	for (size_t i = 0; i < ITEMS(forbidden); i++) {
		int without, within;

		if (!can_show(forbidden[i].needs)) {
			print_message(
			    "not shown here: %s\n", forbidden[i].what);
			continue;
		}
		without = outcome(forbidden[i].try, 0);
		within = outcome(forbidden[i].try, 1);
		if (without != 0)
			fail_msg("%s: errno %d without the sandbox",
			    forbidden[i].what, without);
		if (within != EPERM && within != EACCES && within != EXDEV)
			fail_msg("%s: %s in the sandbox", forbidden[i].what,
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
	for (size_t i = 0; i < ITEMS(allowed); i++) {
		int within = outcome(allowed[i].try, 1);

		if (within != 0)
			fail_msg("%s: %s", allowed[i].what, strerror(within));
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
	snprintf(config_dir, sizeof config_dir, "%s/etc", r.dir);
	assert_int_equal(mkdir(config_dir, 0700), 0);
	snprintf(r.config, sizeof r.config, "%s/etc/config.yaml", r.dir);
	snprintf(text, sizeof text,
	    "data-directory: %s/data\nwebhook-secret: " RESPONDER_SECRET "\n",
	    r.dir);
	responder_write_config(&r, text);
	assert_int_equal(spool_open(&spool, r.spool, 1, &err), 0);
	spool_close(spool);
	for (size_t i = 0; i < ITEMS(files); i++) {
		snprintf(path, sizeof path, "%s/%s", r.spool, files[i]);
		assert_int_equal(open_path(path, O_WRONLY | O_CREAT), 0);
	}
	victim = fork();
	assert_int_not_equal(victim, -1);
	if (victim == 0) {
		pause();
		_exit(0);
	}
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	kill(victim, SIGKILL);
	waitpid(victim, NULL, 0);
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
