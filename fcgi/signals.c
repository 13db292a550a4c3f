/* SPDX-License-Identifier: MIT */
#include <sys/signalfd.h>

#include <pthread.h>

#include "err.h"
#include "signals.h"

static void
fill(sigset_t *set)
{
	static const int ours[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };

	sigemptyset(set);
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		sigaddset(set, ours[i]);
}

void
signals_block(sigset_t *set)
{
	fill(set);
	if (pthread_sigmask(SIG_BLOCK, set, NULL) != 0 ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		BUG("signals cannot be blocked");
}

int
signals_fd(void)
{
	sigset_t set;
	int fd;

	fill(&set);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd == -1)
		fatal("signalfd: no descriptor left");
	return fd;
}
