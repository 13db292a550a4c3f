/* SPDX-License-Identifier: MIT */
/*
 * What a new process does before it is a worker, the same whether it will
 * execute the program (child.c) or was forked from it (worker/serve.c).
 * Between fork and exec, so async-signal-safe calls only.
 */
#include <sys/prctl.h>
#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "runner/child_enter.h"
#include "runner/ending.h"

_Noreturn void
child_give_in(const char *what)
{
	const char *parts[] = { "reason ", what, ": ", strerrordesc_np(errno),
		"\n" };

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (parts[i] != NULL &&
		    write(CHILD_REPORT_FD, parts[i], strlen(parts[i])) == -1)
			break;
	}
	_exit(ENDING_NO_WORKER);
}

/* Only what we are given, and what was opened for us, stays. */
static int
close_others(const struct child_fds *fds)
{
	unsigned from = CHILD_CONFIG_FD + 1;

	if (fds->kept_from != 0) {
		if (close_range(from, (unsigned)fds->kept_from - 1, 0) == -1)
			return -1;
		from = (unsigned)fds->kept_to + 1;
	}
	return close_range(from, ~0u, 0);
}

/* First all above the numbers in use, so that none is overwritten before it
 * is copied. What was at 0 is closed by this. */
static int
arrange_descriptors(const struct child_fds *fds)
{
	int file = fcntl(fds->file, F_DUPFD_CLOEXEC, CHILD_CONFIG_FD + 1);
	int key = fcntl(fds->key, F_DUPFD_CLOEXEC, CHILD_CONFIG_FD + 1);
	int pipe = fcntl(fds->report, F_DUPFD_CLOEXEC, CHILD_CONFIG_FD + 1);
	int good = fcntl(fds->config, F_DUPFD_CLOEXEC, CHILD_CONFIG_FD + 1);

	if (dup2(pipe, CHILD_REPORT_FD) == -1 || dup2(file, 0) == -1 ||
	    dup2(good, CHILD_CONFIG_FD) == -1 || dup2(2, 1) == -1)
		return -1;
	if (fds->key != -1 && dup2(key, CHILD_KEY_FD) == -1)
		return -1;
	if (fds->key == -1)
		close(CHILD_KEY_FD);
	return close_others(fds);
}

void
child_reset_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	sigaction(SIGPIPE, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void
child_enter(const struct child_fds *fds, pid_t runner)
{
	static const struct rlimit no_core = { 0, 0 };

	if (arrange_descriptors(fds) == -1)
		child_give_in("descriptors");
	setsid();
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		child_give_in("prctl");
	if (getppid() != runner)
		_exit(ENDING_NO_WORKER);
	setrlimit(RLIMIT_CORE, &no_core);
}
