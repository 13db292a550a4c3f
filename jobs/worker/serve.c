/* SPDX-License-Identifier: MIT */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "digest.h"
#include "fsio.h"
#include "runner/child_enter.h"
#include "runner/forker_wire.h"
#include "spool.h"
#include "worker/checkout.h"
#include "worker/serve.h"

#define RUNNER 0 /* the socket */

struct request {
	struct forker_request said;
	struct child_fds fds;
};

/*
 * The worker is not our child but the runner's, who waits for it and is
 * obeyed by it. Not fork(), which cannot do that: so there must be no other
 * thread here, and no handlers of pthread_atfork(3) are called.
 */
static pid_t
fork_for_runner(void)
{
	struct clone_args how = { .flags = CLONE_PARENT };

	return (pid_t)syscall(SYS_clone3, &how, sizeof how);
}

/* ---- what is made ready ---- */

/* libcrypto makes most of itself when it is first used. */
static void
use_libcrypto(void)
{
	uint8_t sum[DIGEST_LEN];
	struct digest *d;
	struct err ignored;

	if (digest_new(&d, &ignored) == -1)
		return;
	if (digest_end(d, sum, &ignored) == 0)
		explicit_bzero(sum, sizeof sum);
	digest_free(d);
}

/* 0 where the spool's numbers are not in a row: others may be between. */
static int
find_kept(struct child_fds *fds, const struct spool *s)
{
	int from = spool_fd(s, 0), to = from;

	for (unsigned dir = 1; dir < SPOOL_DIRS; dir++) {
		int fd = spool_fd(s, dir);

		from = fd < from ? fd : from;
		to = fd > to ? fd : to;
	}
	fds->kept_from = from;
	fds->kept_to = to;
	return to - from == SPOOL_DIRS - 1;
}

/*
 * Its directories, each of which a worker would open and close. The numbers
 * below, which are a worker's own, are taken meanwhile and stay so.
 */
static void
open_spool(struct job_options *given, struct child_fds *kept)
{
	struct err ignored;

	for (int fd = CHILD_KEY_FD; fd <= CHILD_CONFIG_FD; fd++) {
		if (dup2(STDERR_FILENO, fd) == -1)
			return;
	}
	if (given->spool == NULL ||
	    spool_open(&given->opened, given->spool, 0, &ignored) == -1)
		return;
	if (find_kept(kept, given->opened))
		return;
	spool_close(given->opened);
	given->opened = NULL;
	kept->kept_from = 0;
}

/* What cannot be read the worker tries to read itself, and says why not. */
static void
refresh(struct job_options *given)
{
	struct err ignored;

	if (given->ready.config != NULL &&
	    config_is_current(given->ready.config))
		return;
	job_config_free(&given->ready);
	if (job_config_load(&given->ready, -1,
		config_default_path(given->config), &ignored) == -1)
		given->ready = (struct job_config){ NULL, NULL };
	else
		checkout_expect(&given->ready);
}

/* ---- requests ---- */

static void
close_all(const int *fds, size_t n)
{
	while (n > 0)
		close(fds[--n]);
}

/* 1; 0 at the end. What is not as it should be is the end too. */
static int
receive(struct request *out)
{
	int fds[FORKER_FDS_MAX];
	union {
		char bytes[CMSG_SPACE(sizeof fds)];
		struct cmsghdr align;
	} control;
	struct iovec part = { &out->said, sizeof out->said };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes };
	const struct cmsghdr *head;
	size_t n = 0;
	ssize_t got;

	do
		got = recvmsg(RUNNER, &message, MSG_CMSG_CLOEXEC);
	while (got == -1 && errno == EINTR);
	head = CMSG_FIRSTHDR(&message);
	if (got > 0 && head != NULL && head->cmsg_type == SCM_RIGHTS) {
		n = (head->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
		memcpy(fds, CMSG_DATA(head), n * sizeof *fds);
	}
	if (got != sizeof out->said || (message.msg_flags & MSG_CTRUNC) ||
	    n != (out->said.has_key ? 4 : 3)) {
		close_all(fds, n);
		return 0;
	}
	out->fds.file = fds[0];
	out->fds.key = n == 4 ? fds[3] : -1;
	out->fds.report = fds[1];
	out->fds.config = fds[2];
	return 1;
}

static void
let_go(const struct request *r)
{
	const int fds[] = { r->fds.file, r->fds.report, r->fds.config,
		r->fds.key };

	close_all(fds, r->said.has_key ? 4 : 3);
}

static int
answer(pid_t pid)
{
	struct forker_answer a = { pid };

	return send(RUNNER, &a, sizeof a, MSG_NOSIGNAL) == sizeof a ? 0 : -1;
}

void
serve(struct job_options *given)
{
	pid_t runner = getppid(), pid;
	struct request r = { 0 };
	struct checkout_swept swept = { 0 };

#ifndef __SANITIZE_ADDRESS__ /* as in main.c */
	if (prctl(PR_SET_DUMPABLE, 0) == -1)
		exit(EXIT_TRYAGAIN);
#endif
	use_libcrypto();
	tzset(); /* reads a file */
	open_spool(given, &r.fds);
	refresh(given);
	if (answer(0) == -1)
		exit(EXIT_TRYAGAIN);
	while (receive(&r)) {
		refresh(given);
		given->swept = checkout_is_swept(&swept, given->ready.config);
		pid = fork_for_runner();
		if (pid == 0) {
			child_enter(&r.fds, runner);
			given->attempt = r.said.attempt;
			given->attempt_given = 1;
			return;
		}
		if (pid == -1)
			pid = -errno;
		let_go(&r);
		if (answer(pid) == -1)
			break;
	}
	job_config_free(&given->ready);
	spool_close(given->opened);
	exit(EXIT_DONE);
}
