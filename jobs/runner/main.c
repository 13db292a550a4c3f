/* SPDX-License-Identifier: MIT */
/*
 * spool-runner: runs the jobs that the responder accepted, one at a time per
 * key, each in a process of its own. Fatal are, at the start only: options,
 * configuration, spool, worker program. Later nothing is.
 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "err.h"
#include "log.h"
#include "nodump.h"
#include "runner/runner.h"

#define EXIT_USAGE 2

static void read_options(struct runner_options *o, int argc, char **argv);
static const char *worker_beside_us(void);
_Noreturn static void usage(FILE *out, int code);

int
main(int argc, char **argv)
{
	struct runner_options o = { .schedule = schedule_default };
	struct err err;

	nodump_process();
	log_start("spool-runner", LOG_INFO_);
	read_options(&o, argc, argv);
	o.config = config_default_path(o.config);
	if (o.worker == NULL)
		o.worker = worker_beside_us();
	if (access(o.worker, X_OK) == -1)
		fatal("%s: not a program that can be run", o.worker);
	if (runner_run(&o, &err) == -1) {
		log_event(LOG_ERROR_, "failed", "%s", err.text);
		return err_exit_code(err.class);
	}
	return EXIT_DONE;
}

static void
read_options(struct runner_options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "spool", required_argument, NULL, 's' },
		{ "worker", required_argument, NULL, 'w' },
		{ "retry-schedule", required_argument, NULL, 'r' },
		{ "drain", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct err err;
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			o->config = optarg;
			break;
		case 's':
			o->spool = optarg;
			break;
		case 'w':
			o->worker = optarg;
			o->other_worker = 1;
			break;
		case 'r':
			if (schedule_parse(&o->schedule, optarg, &err) == -1) {
				fprintf(stderr, "spool-runner: %s\n", err.text);
				exit(EXIT_USAGE);
			}
			break;
		case 'd':
			o->drain = 1;
			break;
		case 'h':
			usage(stdout, EXIT_DONE);
		case 'V':
			puts(HOOKSPOOL_VERSION);
			exit(EXIT_DONE);
		default:
			usage(stderr, EXIT_USAGE);
		}
	}
	if (optind != argc)
		usage(stderr, EXIT_USAGE);
}

/* Programs are installed, and built, side by side. */
static const char *
worker_beside_us(void)
{
	static char path[PATH_MAX + sizeof "/job-worker"];
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX);
	char *slash;

	if (len == -1)
		fatal("/proc/self/exe cannot be read: say --worker");
	path[len] = '\0';
	slash = strrchr(path, '/');
	memcpy(slash, "/job-worker", sizeof "/job-worker");
	return path;
}

_Noreturn static void
usage(FILE *out, int code)
{
	fputs(
	    "usage: spool-runner [--config FILE] [--spool DIR] "
	    "[--worker PROGRAM]\n"
	    "                    [--retry-schedule LIST] [--drain]\n"
	    "       spool-runner --help | --version\n\n"
	    "  --config FILE          config.yaml\n"
	    "  --spool DIR            the spool, instead of data-directory's\n"
	    "  --worker PROGRAM       instead of the job-worker beside this "
	    "program\n"
	    "  --retry-schedule LIST  delays between attempts; "
	    "10s,30s,2m,10m,30m,1h\n"
	    "  --drain                run what waits in new/, then exit "
	    "(for cron)\n",
	    out);
	exit(code);
}
