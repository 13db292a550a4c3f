/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "clock.h"

/* Checks of the machine: its clock, and whether it lets us sandbox. */

#define PROBE_MS 5000

static int probe(char *const argv[], struct err *err);

void
doctor_clock(struct doctor *d, struct finding *f)
{
	struct timex t = { 0 };
	char day[CLOCK_DAY];
	int state;

	clock_day(day, d->now);
	if (strcmp(day, "2024-01-01") < 0 || strcmp(day, "2100-01-01") > 0) {
		finding_fail(f,
		    "it is not %s: retries and logs go wrong\n"
		    "set the clock: timedatectl set-ntp true",
		    day);
		return;
	}
	state = adjtimex(&t);
	if (state == -1)
		finding_skip(
		    f, "%s; whether it is kept by NTP cannot be seen", day);
	else if (state == TIME_ERROR || (t.status & STA_UNSYNC))
		finding_warn(f,
		    "%s, but nothing keeps it\n"
		    "tokens of a GitHub App need a right clock: timedatectl "
		    "set-ntp true",
		    day);
	else
		finding_ok(f, "%s, kept by NTP", day);
}

void
doctor_sandbox(struct doctor *d, struct finding *f)
{
	static char bwrap[] = "bwrap", bind[] = "--ro-bind", root[] = "/",
		    all[] = "--unshare-all", die[] = "--die-with-parent",
		    program[] = "/bin/true";
	char *const argv[] = { bwrap, bind, root, root, all, die, program,
		NULL };
	struct err err = { 0 };
	int status = probe(argv, &err);

	(void)d;
	if (status == 0)
		finding_ok(f, "bubblewrap works");
	else if (status == -1 && err.sys == ENOENT)
		finding_warn(f,
		    "bubblewrap is not installed: hooks with sandbox: strict "
		    "do not run\napt install bubblewrap");
	else if (status == -1)
		finding_warn(f, "%s\nsee bwrap(1)", err.text);
	else
		finding_warn(f,
		    "bubblewrap may not make namespaces here\n"
		    "allow them: sysctl kernel.unprivileged_userns_clone=1, "
		    "or in the container's settings");
}

/* The exit status of a harmless program of the system; -1 where it did not
 * start or did not end. */
static int
probe(char *const argv[], struct err *err)
{
	posix_spawn_file_actions_t files;
	struct pollfd p = { .events = POLLIN };
	int rc, status = 0;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	for (int fd = 0; fd < 3; fd++)
		posix_spawn_file_actions_addopen(
		    &files, fd, "/dev/null", O_RDWR, 0);
	rc = posix_spawnp(&pid, argv[0], &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (rc != 0) {
		errno = rc;
		return err_sys(err, "%s", argv[0]);
	}
	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	rc = p.fd == -1 ? 1 : poll(&p, 1, PROBE_MS);
	if (p.fd != -1)
		close(p.fd);
	if (rc != 1)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (rc != 1)
		return err_set(err, ERR_TEMP, 0, "%s: does not end", argv[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
