/* SPDX-License-Identifier: MIT */
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attempts.h"
#include "responder_attempts.h"

static const struct attempt_place *place;

void
attempts_at(const struct attempt_place *where)
{
	place = where;
}

/* ---- what is tried: 0 where it went through, else the errno ---- */

static int
open_in(const char *dir, const char *name, int flags)
{
	char path[256];
	int fd;

	snprintf(path, sizeof path, "%s/%s/%s", place->r->spool, dir, name);
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
	return kill(place->victim, 0) ? errno : 0;
}

static int
signal_thread(void)
{
	return syscall(SYS_tgkill, place->victim, place->victim, 0) == -1
		   ? errno
		   : 0;
}

int
try_trace(void)
{
	if (ptrace(PTRACE_SEIZE, place->victim, 0, 0) == -1)
		return errno;
	ptrace(PTRACE_DETACH, place->victim, 0, 0);
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

	snprintf(path, sizeof path, "%s/found", place->r->dir);
	return open_path(path, O_WRONLY | O_CREAT);
}

static int
write_config(void)
{
	return open_path(place->r->config, O_WRONLY);
}

static int
replace_config(void)
{
	char path[160];

	snprintf(path, sizeof path, "%s/other", place->config_dir);
	return open_path(path, O_WRONLY | O_CREAT);
}

static int
link_new(int (*make)(const char *path))
{
	char path[160];
	int error;

	snprintf(path, sizeof path, "%s/new/planted", place->r->spool);
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

	snprintf(from, sizeof from, "%s/run/job.0", place->r->spool);
	snprintf(to, sizeof to, "%s/new/job.0", place->r->spool);
	if (link(from, to) == -1)
		return errno;
	unlink(to);
	return 0;
}

/* ---- what a responder must still be able to do ---- */

static int
read_config(void)
{
	return open_path(place->r->config, O_RDONLY);
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

	snprintf(from, sizeof from, "%s/tmp/z", place->r->spool);
	snprintf(to, sizeof to, "%s/new/z.0", place->r->spool);
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

const struct attempt attempts_forbidden[] = {
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
	{ "trace another process", try_trace, SECCOMP | TRACING },
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
	{ NULL, NULL, 0 },
};

const struct attempt attempts_allowed[] = {
	{ "read the configuration", read_config, 0 },
	{ "write into new/", write_new, 0 },
	{ "write into seen/", write_seen, 0 },
	{ "look at locks", read_lock, 0 },
	{ "rename from tmp/ to new/", accept_job, 0 },
	{ "start a thread", start_thread, 0 },
	{ NULL, NULL, 0 },
};
