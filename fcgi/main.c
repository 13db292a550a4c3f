/* SPDX-License-Identifier: MIT */
/*
 * hookspool-fcgi: takes webhooks from a web server and puts them into the
 * spool. Fatal are, at the start only: options, configuration, spool and
 * socket. Later nothing is: a process that dies is replaced.
 *
 * Run by a web server as a CGI program it answers one request and looks at
 * no argument, for these then come from the request's query ("?--config+x").
 */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cgi.h"
#include "config.h"
#include "err.h"
#include "listener.h"
#include "log.h"
#include "process.h"
#include "sandbox.h"
#include "settings.h"
#include "signals.h"
#include "spool.h"
#include "supervisor.h"

#define EXIT_USAGE 2

struct options {
	const char *config, *listen, *group;
	unsigned mode, processes, threads; /* processes 0: not said */
};

static void read_options(struct options *o, int argc, char **argv);
static unsigned read_number(
    const char *name, const char *text, int base, unsigned most);
static void open_socket(
    struct listener *l, const struct options *o, enum listener_kind kind);
static void check_spool(void);
static void check_separation(void);
_Noreturn static void usage(FILE *out, int code);

int
main(int argc, char **argv)
{
	enum listener_kind kind = listener_inherited();
	struct options o = { .mode = 0660, .threads = 32 };
	struct listener listener;
	struct settings *settings;
	struct err err = { 0 };
	struct process process;
	sigset_t set;
	int rc;

	/* Client's "Proxy:" header under CGI; curl would believe it. */
	unsetenv("HTTP_PROXY");
	mallopt(M_ARENA_MAX, 2);
	log_start("hookspool-fcgi", LOG_INFO_);
	signals_block(&set);
	if (getenv("GATEWAY_INTERFACE") == NULL)
		read_options(&o, argc, argv);
	else if (kind == LISTENER_NONE)
		/* Not exit(): what runs then may want files (a leak check
		 * opens /proc), and the sandbox has none. */
		_exit(cgi_run(config_default_path(NULL)));

	if (settings_load(&settings, config_default_path(o.config), &err) == -1)
		fatal("%s", err.text);
	settings_current_init(settings);
	check_spool();
	check_separation();
	open_socket(&listener, &o, kind);
	if (sandbox_forgo(&err) == -1)
		fatal("%s", err.text);
	process = (struct process){
		.listener = &listener,
		.threads = o.threads,
	};
	if (o.processes == 0)
		o.processes = kind == LISTENER_STDIN ? 1 : 2;
	rc = supervisor_run(&process, &listener, o.processes);
	listener_close(&listener);
	settings_current_release();
	return rc;
}

static void
read_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "listen", required_argument, NULL, 'l' },
		{ "mode", required_argument, NULL, 'm' },
		{ "group", required_argument, NULL, 'g' },
		{ "processes", required_argument, NULL, 'p' },
		{ "threads", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			o->config = optarg;
			break;
		case 'l':
			o->listen = optarg;
			break;
		case 'm':
			o->mode = read_number("mode", optarg, 8, 0777);
			break;
		case 'g':
			o->group = optarg;
			break;
		case 'p':
			o->processes = read_number(
			    "processes", optarg, 10, SUPERVISOR_MAX);
			break;
		case 't':
			o->threads = read_number("threads", optarg, 10, 256);
			break;
		case 'h':
			usage(stdout, 0);
		case 'V':
			puts("hookspool-fcgi " HOOKSPOOL_VERSION);
			exit(0);
		default:
			usage(stderr, EXIT_USAGE);
		}
	}
	if (optind < argc)
		usage(stderr, EXIT_USAGE);
}

static unsigned
read_number(const char *name, const char *text, int base, unsigned most)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, base);
	if (errno != 0 || end == text || *end != '\0' || n == 0 || n > most ||
	    *text == '-') {
		fprintf(stderr,
		    base == 8 ? "hookspool-fcgi: --%s %s: not an octal number "
				"up to %o\n"
			      : "hookspool-fcgi: --%s %s: not a number from 1 "
				"to %u\n",
		    name, text, most);
		exit(EXIT_USAGE);
	}
	return (unsigned)n;
}

static void
open_socket(
    struct listener *l, const struct options *o, enum listener_kind kind)
{
	struct err err = { 0 };
	int rc;

	if (o->listen != NULL)
		rc = listener_open(l, o->listen, o->mode, o->group, &err);
	else if (kind != LISTENER_NONE)
		rc = listener_take(l, kind, &err);
	else
		usage(stderr, EXIT_USAGE);
	if (rc == -1)
		fatal("%s", err.text);
}

/*
 * Each process opens the spool again for itself; here what is wrong with it
 * is told apart from what would make them die one after the other. Recovery
 * comes before the first request, since after a power cut seen/ may lack
 * deliveries that are in the spool. A responder whose user may not do all of
 * it still can accept: the runner's recovery follows.
 */
static void
check_spool(void)
{
	struct settings *s = settings_get();
	struct spool_recovered recovered = { 0 };
	struct spool *spool;
	struct err err = { 0 };

	if (spool_open(&spool, s->spool_path, 1, &err) == -1)
		fatal("%s", err.text);
	if (spool_recover(spool, &recovered, NULL, NULL, &err) == -1)
		log_event(LOG_WARN_, "recover", "%s", err.text);
	else if (recovered.published > 0)
		log_event(LOG_INFO_, "recover", "%u jobs published",
		    recovered.published);
	spool_close(spool);
	settings_put(s);
}

/* Not an error: it works, and who has one directory only may want it so. */
static void
check_separation(void)
{
	struct settings *s = settings_get();
	const char *file = config_above_data(s->config);

	if (file != NULL)
		log_event(LOG_WARN_, "sandbox",
		    "%s lies above the spool, so responders may read all of "
		    "the spool; give it a directory of its own",
		    file);
	settings_put(s);
}

_Noreturn static void
usage(FILE *out, int code)
{
	fputs("usage: hookspool-fcgi --listen PATH [--config FILE] [--mode "
	      "0660] [--group NAME]\n"
	      "                      [--processes N] [--threads N]\n"
	      "       hookspool-fcgi --help | --version\n"
	      "Takes GitHub webhooks from a web server over FastCGI and puts "
	      "them into the spool.\n"
	      "Without --listen the socket is inherited (systemd, spawn-fcgi, "
	      "mod_fcgid), or one\n"
	      "request is answered as a CGI program.\n",
	    out);
	exit(code);
}
