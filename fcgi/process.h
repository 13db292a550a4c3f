/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_H
#define PROCESS_H

struct listener;

/*
 * One responder process, from fork to exit: spool and sandbox, then threads
 * that answer, one that keeps ready-made slots in stock, and the first
 * thread, which waits for signals and for a change of the configuration.
 *
 * SIGTERM and SIGINT end it after the requests in hand; SIGHUP reloads. The
 * signals are blocked when it is called, in the caller already. Returns the
 * exit code. settings_current_init() has been called; with `again` (a process
 * that replaces one that died) the configuration is read anew first.
 */
struct process {
	const struct listener *listener;
	unsigned threads;
	int again;
};

int process_run(const struct process *p);

#endif
