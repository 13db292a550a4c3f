/* SPDX-License-Identifier: MIT */
#include "runner/forker.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fsio.h"
#include "runner/ending.h"
#include "runner/forker_wire.h"

/* A fork takes far less than a millisecond; a forker that somebody stopped
 * (SIGSTOP) must not stop the runner. */
#define ANSWER_MS 5000

/* ---- its beginning and end ---- */

/* It has nothing that could be lost. */
void
forker_stop(struct forker *f)
{
	if (f->fd == -1)
		return;
	fs_close(&f->fd);
	f->ready = 0;
	kill(f->pid, SIGKILL);
}

void
forker_close(struct forker *f)
{
	forker_stop(f);
	while (f->pid != 0 && waitpid(f->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	f->pid = 0;
}

static void
begin(struct forker *f, const struct child_setup *setup, int64_t now)
{
	int pair[2];
	struct err err;

	if (f->unwanted || f->pid != 0 || now < f->not_before ||
	    stat(setup->worker, &f->program) == -1)
		return;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return;
	if (child_start_forker(&f->pid, setup, pair[1], &err) == 0) {
		f->fd = pair[0];
		pair[0] = -1;
	}
	fs_close(&pair[0]);
	fs_close(&pair[1]);
}

static int
is_same_program(const struct forker *f, const char *path)
{
	struct stat now;

	return stat(path, &now) == 0 && fs_unchanged(&now, &f->program);
}

int
forker_ended(struct forker *f, pid_t pid, int status, int64_t now)
{
	struct err err;

	if (pid == 0 || pid != f->pid)
		return 0;
	f->pid = 0;
	if (f->fd == -1) /* we ended it */
		return 1;
	fs_close(&f->fd);
	f->ready = 0;
	err_set(&err, ERR_TEMP, 0, "%s %d",
	    WIFEXITED(status) ? "exit status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	f->not_before =
	    trouble_tell(&f->trouble, now, "keeping a worker ready", &err);
	return 1;
}

static int64_t
idle_at(const struct forker *f)
{
	return f->fd == -1 ? INT64_MAX : f->last + FORKER_IDLE;
}

void
forker_round(struct forker *f, int64_t now)
{
	if (now >= idle_at(f))
		forker_stop(f);
}

int64_t
forker_wake(const struct forker *f)
{
	return idle_at(f);
}

/* ---- asking ---- */

static int
receive(struct forker *f, struct forker_answer *answer, int flags)
{
	ssize_t n;

	do
		n = recv(f->fd, answer, sizeof *answer, flags);
	while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return n == sizeof *answer ? 1 : -1;
}

/* 1 if it can be asked. */
static int
is_ready(struct forker *f, const char *program)
{
	struct forker_answer hello = { -1 };
	int rc;

	if (f->fd == -1)
		return 0;
	if (!is_same_program(f, program)) {
		forker_stop(f);
		return 0;
	}
	if (f->ready)
		return 1;
	rc = receive(f, &hello, MSG_DONTWAIT);
	f->ready = rc == 1 && hello.pid == 0; /* if not, its end tells why */
	return f->ready;
}

static int
send_request(struct forker *f, const struct job *job, int report, int config)
{
	struct forker_request request = { job->name.attempt,
		job->key_fd != -1 };
	const int fds[FORKER_FDS_MAX] = { job->fd, report, config,
		job->key_fd };
	size_t size = sizeof *fds * (request.has_key ? 4 : 3);
	union {
		char bytes[CMSG_SPACE(sizeof fds)];
		struct cmsghdr align;
	} control = { .bytes = { 0 } };
	struct iovec part = { &request, sizeof request };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(size) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(head), fds, size);
	return sendmsg(f->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) ==
		       (ssize_t)sizeof request
		   ? 0
		   : -1;
}

/* The worker's pid; 0 if there is none; -1 if nobody knows. */
static pid_t
ask(struct forker *f, const struct job *job, int report, int config)
{
	struct pollfd fd = { .fd = f->fd, .events = POLLIN };
	struct forker_answer answer;
	struct err err;
	int rc;

	if (send_request(f, job, report, config) == -1) {
		forker_stop(f);
		return 0;
	}
	do
		rc = poll(&fd, 1, ANSWER_MS);
	while (rc == -1 && errno == EINTR);
	if (rc == 1 && receive(f, &answer, MSG_DONTWAIT) == 1 &&
	    answer.pid != 0) {
		trouble_over(&f->trouble);
		return answer.pid > 0 ? answer.pid : 0;
	}
	forker_stop(f);
	err_set(&err, ERR_TEMP, 0, "no answer");
	f->not_before = trouble_tell(
	    &f->trouble, clock_boot(), "keeping a worker ready", &err);
	return -1;
}

/* 1 if the job has its worker, or nobody knows; 0 if one is to be executed. */
static int
start_ready(struct forker *f, struct job *job, const struct child_setup *setup)
{
	static const char why[] =
	    "reason the worker kept ready did not answer\n";
	int report[2];
	pid_t pid;

	if (!is_ready(f, setup->worker) ||
	    pipe2(report, O_CLOEXEC | O_NONBLOCK) == -1)
		return 0;
	pid = ask(f, job, report[1], setup->config_fd);
	if (pid == -1) {
		job->status = W_EXITCODE(ENDING_NO_WORKER, 0);
		(void)!write(report[1], why, sizeof why - 1);
	}
	fs_close(&report[1]);
	if (pid == 0) {
		fs_close(&report[0]);
		return 0;
	}
	job->pid = pid == -1 ? 0 : pid;
	job->report_fd = report[0];
	return 1;
}

int
forker_start(struct forker *f, struct job *job, const struct child_setup *setup,
    int64_t now, struct err *err)
{
	int close_by = f->last != 0 && now - f->last < FORKER_IDLE;

	f->last = now;
	if (start_ready(f, job, setup))
		return 0;
	if (child_start(job, setup, err) == -1)
		return -1;
	if (close_by)
		begin(f, setup, now);
	return 0;
}
