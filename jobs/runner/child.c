/* SPDX-License-Identifier: MIT */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "runner/child.h"
#include "runner/ending.h"

#define ARGV_MAX 8
#define ENV_MAX	 16

/* Handed down if set; nothing else of our environment is. */
static const char *const passed_on[] = { "CREDENTIALS_DIRECTORY", "TZ",
	"TMPDIR", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY",
	"SSL_CERT_FILE", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS" };

#define PATH_DEFAULT  "PATH=/usr/local/bin:/usr/bin:/bin"
#define REPORT_NUMBER "4"
#define CONFIG_NUMBER "5"
_Static_assert(CHILD_REPORT_FD == 4 && CHILD_CONFIG_FD == 5,
    "REPORT_NUMBER and CONFIG_NUMBER say so");

int
child_prepare(struct err *err)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		return err_sys(err, "prctl(PR_SET_CHILD_SUBREAPER)");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_sys(err, "prctl(PR_SET_NO_NEW_PRIVS)");
	return 0;
}

/* Pointers into our own environment: getenv() gives what is behind "=". */
static void
make_environment(char *env[ENV_MAX], const struct child_setup *setup)
{
	static char path[] = PATH_DEFAULT, lang[] = "LANG=C.UTF-8",
		    report[] = REPORT_ENV "=" REPORT_NUMBER,
		    config[] = CONFIG_COPY_ENV "=" CONFIG_NUMBER;
	char *value = getenv("PATH");
	size_t n = 0;

	env[n++] = value == NULL ? path : value - strlen("PATH=");
	env[n++] = lang;
	env[n++] = report;
	if (setup->config_fd != -1)
		env[n++] = config;
	for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++) {
		value = getenv(passed_on[i]);
		if (value != NULL)
			env[n++] = value - strlen(passed_on[i]) - 1;
	}
	env[n] = NULL;
}
_Static_assert(sizeof passed_on / sizeof *passed_on + 5 <= ENV_MAX,
    "the environment's array");

static void
make_argv(const char *argv[ARGV_MAX], const struct child_setup *setup,
    const char *option, const char *value)
{
	size_t n = 0;

	argv[n++] = setup->worker;
	if (setup->config != NULL) {
		argv[n++] = "--config";
		argv[n++] = setup->config;
	}
	argv[n++] = "--spool";
	argv[n++] = setup->spool;
	argv[n++] = option;
	argv[n++] = value; /* may be the end */
	argv[n] = NULL;
}

/* ---- between fork and exec: async-signal-safe calls only ---- */

static _Noreturn void
become_worker(
    const struct child_fds *fds, pid_t runner, char **argv, char **env)
{
	child_enter(fds, runner);
	child_reset_signals();
	execve(argv[0], argv, env);
	child_give_in(argv[0]);
}

/* ---- the runner's side ---- */

int
child_start(struct job *job, const struct child_setup *setup, struct err *err)
{
	const char *argv[ARGV_MAX];
	char *env[ENV_MAX], attempt[12];
	pid_t runner = getpid(), pid;
	struct child_fds fds;
	int report[2];

	snprintf(attempt, sizeof attempt, "%u", job->name.attempt);
	make_argv(argv, setup, "--attempt", attempt);
	make_environment(env, setup);
	if (pipe2(report, O_CLOEXEC | O_NONBLOCK) == -1)
		return err_sys(err, "pipe");
	fds = (struct child_fds){ .file = job->fd,
		.key = job->key_fd,
		.report = report[1],
		.config = setup->config_fd };
	pid = fork();
	if (pid == 0)
		become_worker(&fds, runner, (char **)(uintptr_t)argv, env);
	close(report[1]);
	if (pid == -1) {
		close(report[0]);
		return err_sys(err, "fork");
	}
	job->pid = pid;
	job->report_fd = report[0];
	return 0;
}

/* Before its setsid() the child has no group, but it hears all the same. */
static void
signal_group(const struct job *job, int signal)
{
	if (kill(-job->pid, signal) == -1)
		kill(job->pid, signal);
}

static _Noreturn void
become_helper(pid_t runner, int in, int death_signal, char **argv, char **env)
{
	static const struct rlimit no_core = { 0, 0 };

	setsid();
	if (prctl(PR_SET_PDEATHSIG, death_signal) == -1 || getppid() != runner)
		_exit(ENDING_NO_WORKER);
	if ((in != -1 && dup2(in, 0) == -1) || dup2(2, 1) == -1 ||
	    close_range(3, ~0u, 0) == -1)
		_exit(ENDING_NO_WORKER);
	setrlimit(RLIMIT_CORE, &no_core);
	child_reset_signals();
	execve(argv[0], argv, env);
	_exit(ENDING_NO_WORKER);
}

static int
start_helper(pid_t *pid, const struct child_setup *setup, const char *option,
    int in, int death_signal, struct err *err)
{
	const char *argv[ARGV_MAX];
	char *env[ENV_MAX];
	pid_t runner = getpid(), child;

	make_argv(argv, setup, option, NULL);
	make_environment(env, setup);
	child = fork();
	if (child == 0)
		become_helper(
		    runner, in, death_signal, (char **)(uintptr_t)argv, env);
	if (child == -1)
		return err_sys(err, "fork");
	*pid = child;
	return 0;
}

int
child_start_reports(
    pid_t *pid, const struct child_setup *setup, struct err *err)
{
	return start_helper(pid, setup, "--reports", -1, SIGTERM, err);
}

int
child_start_forker(
    pid_t *pid, const struct child_setup *setup, int in, struct err *err)
{
	return start_helper(pid, setup, "--serve", in, SIGKILL, err);
}

void
child_stop(struct job *job, enum stop why, int64_t kill_at)
{
	if (job->stop != STOP_NONE)
		return;
	job->stop = why;
	job->kill_at = kill_at;
	signal_group(job, SIGTERM);
	signal_group(job, SIGCONT); /* a stopped one could not hear it */
}

void
child_kill(struct job *job)
{
	signal_group(job, SIGKILL);
}

int
child_reap(pid_t *pid, int *status)
{
	siginfo_t info = { .si_pid = 0 };

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 ||
	    info.si_pid == 0)
		return 0;
	/* For a stray this is no group's number, and nothing happens. */
	kill(-info.si_pid, SIGKILL);
	*pid = waitpid(info.si_pid, status, WNOHANG);
	return *pid > 0;
}

static int
is_known(const struct job *running, const pid_t spared[2], pid_t pid)
{
	for (; running != NULL; running = running->next) {
		if (running->pid == pid)
			return 1;
	}
	return pid == spared[0] || pid == spared[1];
}

/* /proc/PID/task/PID/children: numbers with a space behind each. */
static size_t
read_children(char *out, size_t size)
{
	char path[64];
	size_t len = 0;
	int fd;

	snprintf(
	    path, sizeof path, "/proc/%d/task/%d/children", getpid(), getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	while (len < size - 1) {
		ssize_t n = read(fd, out + len, size - 1 - len);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close(fd);
	out[len] = '\0';
	return len;
}

unsigned
child_strays(const struct job *running, const pid_t spared[2])
{
	char text[16384], *p = text, *end;
	unsigned strays = 0;

	if (read_children(text, sizeof text) == 0)
		return 0;
	for (;; p = end) {
		pid_t pid = (pid_t)strtol(p, &end, 10);

		if (end == p)
			break;
		/* A number cut off at the end of the room is left for later.*/
		if (pid <= 1 || *end == '\0' || is_known(running, spared, pid))
			continue;
		kill(pid, SIGKILL);
		strays++;
	}
	return strays;
}
