/* SPDX-License-Identifier: MIT */
#include <sys/prctl.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "command.h"
#include "command_child.h"

#define REPORT_FD  4
#define FIRST_FREE 10 /* descriptors are moved above the ones to be set */

/* Writes the failure and ends the child; 127 is never seen by anybody. */
static _Noreturn void
give_up(int report_fd, enum child_stage stage)
{
	struct child_report report = { stage, errno };
	ssize_t n = write(report_fd, &report, sizeof report);

	(void)n;
	_exit(127);
}

/* A handler is gone after execve(2), but what is ignored or blocked stays. */
static void
reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int
moved_up(int fd)
{
	return fd == -1 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE);
}

/*
 * 0, 1, 2, the status pipe, the report pipe (closed by execve), and nothing
 * else. Returns the report pipe's new number, or -1.
 */
static int
set_descriptors(const struct child_plan *p)
{
	int in = p->command->stdin_fd, out, status, report;

	in = in == -1 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : in;
	in = moved_up(in);
	out = moved_up(p->output_fd);
	status = moved_up(p->status_fd);
	report = moved_up(p->report_fd);
	if (in == -1 || out == -1 || report == -1 || dup2(in, 0) == -1 ||
	    dup2(out, 1) == -1 || dup2(out, 2) == -1 ||
	    dup3(report, REPORT_FD, O_CLOEXEC) == -1)
		return -1;
	if (status == -1)
		close(CHILD_STATUS_FD);
	else if (dup2(status, CHILD_STATUS_FD) == -1)
		return -1;
	return close_range(REPORT_FD + 1, ~0u, 0) == 0 ? REPORT_FD : -1;
}

void
child_exec(const struct child_plan *p)
{
	int report_fd;

	reset_signals();
	(void)umask(022);
	if (setsid() == -1 || prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		give_up(p->report_fd, STAGE_SESSION);
	if (getppid() != p->parent) /* it died before the line above */
		_exit(127);
	report_fd = set_descriptors(p);
	if (report_fd == -1)
		give_up(p->report_fd, STAGE_DESCRIPTORS);
	if (p->cwd != NULL && chdir(p->cwd) == -1)
		give_up(report_fd, STAGE_DIRECTORY);
	if (sandbox_enter(p->command, p->landlock) == -1)
		give_up(report_fd, STAGE_SANDBOX);
	environ = p->env; /* execvp() searches the PATH it finds there */
	execvp(p->argv[0], p->argv);
	give_up(report_fd, STAGE_EXEC);
}
