/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "fsio.h"
#include "git/git.h"
#include "git/libgit2.h"
#include "log.h"

/* Where libgit2 would look for configuration that is not ours. */
static const int foreign_levels[] = { GIT_CONFIG_LEVEL_SYSTEM,
	GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL,
	GIT_CONFIG_LEVEL_PROGRAMDATA };

int
git_load(struct err *err)
{
	return libgit2_load(err);
}

int
git_start(const char *ca_file, struct err *err)
{
	static int started;
	int rc = 0;

	if (started)
		return 0;
	if (libgit2_load(err) == -1)
		return -1;
	rc = git_libgit2_init();
	if (rc < 0)
		return git_failed(err, rc, "libgit2");
	for (size_t i = 0; i < sizeof foreign_levels / sizeof *foreign_levels;
	     i++)
		git_libgit2_opts(
		    GIT_OPT_SET_SEARCH_PATH, foreign_levels[i], "");
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 1);
	/*
	 * What is fetched is hashed when its pack is indexed, whatever this
	 * says. Hashing every object again when it is read, as git does not,
	 * would be a third of the time that a workspace takes.
	 */
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
	if (ca_file != NULL) {
		rc = git_libgit2_opts(
		    GIT_OPT_SET_SSL_CERT_LOCATIONS, ca_file, NULL);
		if (rc < 0)
			return git_failed(err, rc, "ca-file %.100s", ca_file);
	}
	started = 1;
	return 0;
}

static enum err_class
class_of(int code, int klass)
{
	if (klass == GIT_ERROR_NET || klass == GIT_ERROR_HTTP ||
	    klass == GIT_ERROR_SSL || klass == GIT_ERROR_OS ||
	    klass == GIT_ERROR_NOMEMORY || code == GIT_ELOCKED)
		return ERR_TEMP;
	return ERR_PERM;
}

int
git_failed(struct err *err, int code, const char *fmt, ...)
{
	const git_error *last = git_error_last();
	char what[120];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	/* libgit2's text may quote a URL, and a URL may hold a password. */
	err_set(err, class_of(code, last != NULL ? last->klass : 0), 0,
	    "%s: %.140s", what, last != NULL ? last->message : "unknown error");
	err->text[redact(err->text, strlen(err->text), sizeof err->text - 1)] =
	    '\0';
	return -1;
}

/* ---- a child with a clock ---- */

#define REPORT_LATE	 0
#define REPORT_COMPLETE	 1
#define REPORT_CANCELLED 2

static int cancel_fd = -1;

void
git_cancel_on(int fd)
{
	cancel_fd = fd;
}

static _Noreturn void
run_child(int (*work)(void *arg, struct err *err), void *arg, int out)
{
	struct err err = { 0 }, ignored;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (work(arg, &err) == 0)
		err.class = ERR_NONE;
	/* If the parent cannot be told, the exit code says it failed. */
	_exit(fs_write_all(out, &err, sizeof err, &ignored) == -1);
}

/* Waits until the child has written its report (REPORT_*) or died (-1). */
static int
read_report(int in, int64_t timeout, struct err *report)
{
	int64_t end = clock_boot() + timeout;
	size_t got = 0;

	while (got < sizeof *report) {
		int64_t left = (end - clock_boot()) / CLOCK_MSEC;
		struct pollfd p[] = { { .fd = in, .events = POLLIN },
			{ .fd = cancel_fd, .events = POLLIN } };
		ssize_t n;
		int ready;

		if (left <= 0)
			return REPORT_LATE;
		ready = poll(p, 2, left > 60000 ? 60000 : (int)left);
		if (ready <= 0)
			continue;
		if (p[1].revents != 0)
			return REPORT_CANCELLED;
		n = read(in, (char *)report + got, sizeof *report - got);
		if (n <= 0)
			return -1;
		got += (size_t)n;
	}
	return REPORT_COMPLETE;
}

static int
reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1) {
		if (errno != EINTR)
			return -1;
	}
	return status;
}

int
git_in_child(int (*work)(void *arg, struct err *err), void *arg,
    int64_t timeout, const char *what, struct err *err)
{
	struct err report = { 0 };
	int ends[2], told;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return err_sys(err, "pipe");
	pid = fork();
	if (pid == -1) {
		err_sys(err, "fork");
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	if (pid == 0)
		run_child(work, arg, ends[1]);
	close(ends[1]);
	told = read_report(ends[0], timeout, &report);
	close(ends[0]);
	if (told != REPORT_COMPLETE)
		kill(pid, SIGKILL);
	reap(pid);
	if (told == REPORT_CANCELLED)
		return err_set(err, ERR_TEMP, 0, "%s: told to stop", what);
	if (told == REPORT_LATE)
		return err_set(err, ERR_TEMP, ETIMEDOUT,
		    "%s: not finished after %lld s", what,
		    (long long)(timeout / CLOCK_SECOND));
	if (told == -1)
		return err_set(err, ERR_TEMP, 0, "%s: its process died", what);
	if (report.class == ERR_NONE)
		return 0;
	*err = report;
	return -1;
}
