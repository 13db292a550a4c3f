/* SPDX-License-Identifier: MIT */
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "listener.h"
#include "log.h"
#include "settings.h"
#include "signals.h"
#include "supervisor.h"

#define DELAY_MIN (100 * CLOCK_MSEC)
#define DELAY_MAX (10 * CLOCK_SECOND)
#define STEADY	  (5 * CLOCK_SECOND) /* a process that lived so long is sound */
#define PATIENCE  (60 * CLOCK_SECOND) /* from SIGTERM to SIGKILL */

struct child {
	pid_t pid;	 /* 0: none */
	int64_t started; /* clock_mono() */
	int64_t due;	 /* not to be started before */
	int64_t delay;	 /* the last one */
	int again;
};

struct crew {
	const struct process *model;
	struct child child[SUPERVISOR_MAX];
	unsigned count;
	int64_t kill_at; /* 0: not ending */
};

static void start_due(struct crew *crew);
static void start(struct crew *crew, struct child *child);
static void reap(struct crew *crew);
static void bury(struct child *child, int status, int ending);
static void pass_on(const struct crew *crew, int signal);
static void reload(void);
static int64_t next_event(const struct crew *crew);
static int wait_signal(const sigset_t *set, int64_t until);
static unsigned alive(const struct crew *crew);

int
supervisor_run(
    const struct process *model, struct listener *listener, unsigned count)
{
	struct crew crew = { .model = model, .count = count };
	sigset_t set;

	signals_block(&set);
	while (crew.kill_at == 0 || alive(&crew) > 0) {
		int signal;

		if (crew.kill_at == 0)
			start_due(&crew);
		signal = wait_signal(&set, next_event(&crew));
		if (signal == SIGHUP) {
			reload();
			pass_on(&crew, SIGHUP);
		}
		if ((signal == SIGTERM || signal == SIGINT) &&
		    crew.kill_at == 0) {
			crew.kill_at = clock_mono() + PATIENCE;
			/* No new connections; those made are answered. */
			if (listener->path != NULL)
				unlink(listener->path);
			pass_on(&crew, SIGTERM);
		}
		if (crew.kill_at != 0 && clock_mono() >= crew.kill_at)
			pass_on(&crew, SIGKILL);
		reap(&crew);
	}
	return 0;
}

static void
start_due(struct crew *crew)
{
	for (unsigned i = 0; i < crew->count; i++) {
		struct child *child = &crew->child[i];

		if (child->pid == 0 && child->due <= clock_mono())
			start(crew, child);
	}
}

static void
start(struct crew *crew, struct child *child)
{
	struct process mine = *crew->model;
	pid_t pid = fork();

	mine.again = child->again;
	if (pid == 0)
		_exit(process_run(&mine));
	child->started = clock_mono();
	child->again = 1;
	if (pid == -1) {
		child->due = child->started + DELAY_MAX;
		log_event(LOG_ERROR_, "fork", "no process: errno %d", errno);
		return;
	}
	child->pid = pid;
}

static void
reap(struct crew *crew)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (unsigned i = 0; i < crew->count; i++) {
			if (crew->child[i].pid == pid)
				bury(&crew->child[i], status,
				    crew->kill_at != 0);
		}
	}
}

/* Restarted at once if it had lived a while, else ever more slowly. */
static void
bury(struct child *child, int status, int ending)
{
	int64_t now = clock_mono();

	child->pid = 0;
	if (ending)
		return;
	if (now - child->started > STEADY)
		child->delay = 0;
	child->due = now + child->delay;
	log_event(LOG_ERROR_, "process_died",
	    "a responder process ended (%s %d); another follows in %lld ms",
	    WIFSIGNALED(status) ? "signal" : "exit code",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	    (long long)(child->delay / CLOCK_MSEC));
	child->delay = child->delay == 0 ? DELAY_MIN : 2 * child->delay;
	if (child->delay > DELAY_MAX)
		child->delay = DELAY_MAX;
}

static void
pass_on(const struct crew *crew, int signal)
{
	for (unsigned i = 0; i < crew->count; i++) {
		if (crew->child[i].pid != 0)
			kill(crew->child[i].pid, signal);
	}
}

/* The processes log what is wrong with it; once is enough. */
static void
reload(void)
{
	struct err err = { 0 };

	if (settings_reload(&err) == -1)
		log_event(LOG_DEBUG_, "reload", "%s", err.text);
}

/* 0: nothing to come but signals. */
static int64_t
next_event(const struct crew *crew)
{
	int64_t next = crew->kill_at;

	for (unsigned i = 0; i < crew->count && crew->kill_at == 0; i++) {
		const struct child *child = &crew->child[i];

		if (child->pid == 0 && (next == 0 || child->due < next))
			next = child->due;
	}
	return next;
}

static int
wait_signal(const sigset_t *set, int64_t until)
{
	int64_t left = until - clock_mono();
	struct timespec timeout;

	if (until == 0)
		return sigwaitinfo(set, NULL);
	if (left < CLOCK_MSEC)
		left = CLOCK_MSEC;
	timeout.tv_sec = left / CLOCK_SECOND;
	timeout.tv_nsec = left % CLOCK_SECOND;
	return sigtimedwait(set, NULL, &timeout);
}

static unsigned
alive(const struct crew *crew)
{
	unsigned n = 0;

	for (unsigned i = 0; i < crew->count; i++)
		n += crew->child[i].pid != 0;
	return n;
}
