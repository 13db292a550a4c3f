/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "responder.h"

#define DEADLINE 30 /* seconds for a start or a stop, on a busy machine */

static const char usual_config[] =
    "webhook-secrets:\n"
    "  - " RESPONDER_SECRET "\n"
    "  - " RESPONDER_NEXT "\n"
    "limits: {min-free-bytes: 1M, min-free-inodes: 10}\n"
    "repositories:\n"
    "  plain: {name: octo/plain}\n"
    "  own: {name: octo/own, webhook-secret: " RESPONDER_OWN "}\n"
    "hooks:\n"
    "  - name: every\n"
    "    events: [push, pull_request, issues, organization, check_run]\n"
    "    command: [/bin/true]\n";

static pid_t spawn(struct responder *r, const char *const *options);
static int remove_one(
    const char *path, const struct stat *st, int type, struct FTW *ftw);

const char *
responder_program(void)
{
	static char path[4096];
	const char *build = getenv("HOOKSPOOL_BUILD");

	snprintf(path, sizeof path, "%s/hookspool-fcgi",
	    build != NULL ? build : "build");
	return path;
}

void
responder_make(struct responder *r, const char *usual, const char *more)
{
	const char *tmp = getenv("TMPDIR");
	char text[8192];

	memset(r, 0, sizeof *r);
	snprintf(r->dir, sizeof r->dir, "%s/hookspool-XXXXXX",
	    tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->config, sizeof r->config, "%s/config.yaml", r->dir);
	snprintf(r->socket, sizeof r->socket, "%s/fcgi.sock", r->dir);
	snprintf(r->spool, sizeof r->spool, "%s/data/spool", r->dir);
	snprintf(r->log, sizeof r->log, "%s/log", r->dir);
	snprintf(text, sizeof text, "%s/data", r->dir);
	assert_int_equal(mkdir(text, 0700), 0);
	snprintf(text, sizeof text, "data-directory: %s/data\n%s%s", r->dir,
	    usual != NULL ? usual : usual_config, more != NULL ? more : "");
	responder_write_config(r, text);
}

/* By rename, as editors and configuration tools do. */
void
responder_write_config(const struct responder *r, const char *text)
{
	char fresh[128];
	FILE *f;

	snprintf(fresh, sizeof fresh, "%s.new", r->config);
	f = fopen(fresh, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(fresh, 0600), 0);
	assert_int_equal(rename(fresh, r->config), 0);
}

static pid_t
spawn(struct responder *r, const char *const *options)
{
	const char *argv[24] = { responder_program(), "--config", r->config,
		"--listen", r->socket };
	size_t n = 5;
	pid_t pid;

	for (; options != NULL && *options != NULL && n < 23; options++)
		argv[n++] = *options;
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		int log = open(r->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

		/* It ends with a test that broke off. */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(log, 1);
		dup2(log, 2);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return pid;
}

static int
answers(void *arg)
{
	const struct responder *r = arg;
	int fd = fcgi_connect(r->socket);

	if (fd == -1)
		return 0;
	close(fd);
	return 1;
}

void
responder_start(struct responder *r, const char *const *options)
{
	/* A test that failed may have left one: its socket is this one's. */
	if (r->pid != 0)
		(void)responder_stop(r);
	r->pid = spawn(r, options);
	if (!responder_wait(answers, r, DEADLINE))
		fail_msg(
		    "%s does not answer; see %s", responder_program(), r->log);
}

struct ending {
	pid_t pid;
	int status;
};

static int
has_ended(void *arg)
{
	struct ending *e = arg;

	return waitpid(e->pid, &e->status, WNOHANG) == e->pid;
}

int
responder_stop(struct responder *r)
{
	struct ending e = { .pid = r->pid };

	assert_int_not_equal(r->pid, 0);
	kill(r->pid, SIGTERM);
	if (!responder_wait(has_ended, &e, DEADLINE)) {
		kill(r->pid, SIGKILL);
		fail_msg("the responder does not end");
	}
	r->pid = 0;
	return e.status;
}

int
responder_fail(struct responder *r, const char *const *options)
{
	struct ending e = { .pid = spawn(r, options) };

	if (!responder_wait(has_ended, &e, DEADLINE)) {
		kill(e.pid, SIGTERM);
		waitpid(e.pid, &e.status, 0);
		fail_msg("the responder runs where it should have refused");
	}
	return WIFEXITED(e.status) ? WEXITSTATUS(e.status) : -1;
}

void
responder_remove(struct responder *r)
{
	if (r->pid != 0)
		responder_stop(r);
	if (getenv("KEEP") == NULL)
		nftw(r->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
responder_logged(const struct responder *r, const char *text)
{
	static char log[1 << 20];
	FILE *f = fopen(r->log, "r");
	size_t n;

	if (f == NULL)
		return 0;
	n = fread(log, 1, sizeof log - 1, f);
	log[n] = '\0';
	fclose(f);
	return strstr(log, text) != NULL;
}

unsigned
responder_count(const struct responder *r, const char *dir)
{
	char path[256];
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof path, "%s/%s", r->spool, dir);
	d = opendir(path);
	if (d == NULL)
		return 0;
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

unsigned
responder_children(const struct responder *r, pid_t *out, unsigned max)
{
	char path[64];
	unsigned n = 0;
	int pid;
	FILE *f;

	snprintf(
	    path, sizeof path, "/proc/%d/task/%d/children", r->pid, r->pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (n < max && fscanf(f, "%d", &pid) == 1)
		out[n++] = pid;
	fclose(f);
	return n;
}

int
responder_wait(int (*done)(void *arg), void *arg, int seconds)
{
	struct timespec pause = { .tv_nsec = 2000000 }, now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	while (!done(arg)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec)
			return 0;
		nanosleep(&pause, NULL);
	}
	return 1;
}
