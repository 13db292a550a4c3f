/* SPDX-License-Identifier: MIT */
/*
 * job-worker: one job. The spool file is standard input; see
 * docs/job-worker.8.
 */
#include <sys/prctl.h>
#include <sys/signalfd.h>

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "log.h"
#include "nodump.h"
#include "runner/report.h"
#include "spool.h"
#include "worker/job.h"
#include "worker/reporting.h"
#include "worker/serve.h"

#define EXIT_USAGE 2

static const char usage[] =
    "usage: job-worker [--config FILE] [--spool DIR] [--attempt N] < FILE\n"
    "       job-worker --reports [--config FILE] --spool DIR\n"
    "       job-worker --serve [--config FILE] [--spool DIR]\n"
    "\n"
    "Does the job whose spool file is standard input and writes its steps to\n"
    "the spool's log, or to standard error where there is no spool.\n"
    "\n"
    "  --config FILE  configuration (default: see config(5))\n"
    "  --spool DIR    spool (default: the configuration's, if it is there);\n"
    "                 \"-\": none, steps go to standard error\n"
    "  --attempt N    this is attempt N, from 0: hooks that an earlier one\n"
    "                 completed are not run again\n"
    "  --reports      send the statuses and check runs that wait in the spool\n"
    "  --serve        for spool-runner: fork for each job it asks for\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 done, 100 failed for good, 111 try again, 2 usage.\n";

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "spool", required_argument, NULL, 's' },
	{ "attempt", required_argument, NULL, 'a' },
	{ "reports", no_argument, NULL, 'r' },
	{ "serve", no_argument, NULL, 'S' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int
read_attempt(struct job_options *out, const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 4 || text[digits] != '\0')
		return -1;
	out->attempt = (unsigned)strtoul(text, NULL, 10);
	out->attempt_given = 1;
	return out->attempt <= SPOOL_ATTEMPTS ? 0 : -1;
}

/* Ends the program where there is nothing to run. */
static void
read_options(struct job_options *out, int argc, char **argv)
{
	int c, bad = 0;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'c')
			out->config = optarg;
		else if (c == 's')
			out->spool = optarg;
		else if (c == 'a')
			bad |= read_attempt(out, optarg) == -1;
		else if (c == 'r')
			out->reports = 1;
		else if (c == 'S')
			out->serve = 1;
		else if (c == 'h')
			exit(fputs(usage, stdout) < 0);
		else if (c == 'V')
			exit(printf("job-worker %s\n", HOOKSPOOL_VERSION) < 0);
		else
			bad = 1;
	}
	if (!bad && optind == argc)
		return;
	fputs(usage, stderr);
	exit(EXIT_USAGE);
}

/*
 * Signals that ask us to stop become a descriptor, which is what a running
 * command is watched together with. Our memory holds secrets, and commands
 * may run as our own user: nobody may look into it. Descriptors we were
 * given (the key's lock, the report pipe) are not for commands.
 */
static int
prepare_process(void)
{
	sigset_t stop;

	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &stop, NULL) == -1)
		return -1;
#ifndef __SANITIZE_ADDRESS__ /* its leak check must look */
	if (prctl(PR_SET_DUMPABLE, 0) == -1)
		return -1;
#endif
	if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == -1)
		return -1;
	return signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int
do_job(const struct job_options *given, int cancel_fd)
{
	struct job job;
	struct err err = { 0 };
	int code;

	if (job_open(&job, given, cancel_fd, &err) == -1) {
		report_reason(err.text);
		fprintf(stderr, "job-worker: %s\n", err.text);
		err_wait_for_permission(&err);
		code = err_exit_code(err.class);
	} else {
		code = job_run(&job);
	}
	job_close(&job);
	return code;
}

/* TERM ends it at once: what was sent and what was not is on disk. */
static int
send_reports(const struct job_options *given)
{
	struct err err = { 0 };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	log_start("job-worker", LOG_INFO_);
	if (reporting_send(given, &err) == 0)
		return EXIT_DONE;
	log_event(LOG_ERROR_, "status_reports", "%s", err.text);
	return err_exit_code(err.class);
}

int
main(int argc, char **argv)
{
	/* Not on the stack, which a forked worker's leak check does not know.*/
	static struct job_options given;
	int cancel_fd, code;

	read_options(&given, argc, argv);
	nodump_process();
	if (given.serve)
		serve(&given); /* returns in a process for one job */
	cancel_fd = prepare_process();
	if (cancel_fd == -1)
		fatal("cannot prepare the process");
	if (given.reports)
		return send_reports(&given);
	code = do_job(&given, cancel_fd);
#ifndef __SANITIZE_ADDRESS__
	/* Nothing waits to be written; what libraries would tidy up is the
	 * forker's, and to touch it is to copy it. */
	if (given.serve)
		_exit(code);
#endif
	return code;
}
