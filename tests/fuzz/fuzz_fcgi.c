/* SPDX-License-Identifier: MIT */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "err.h"
#include "fcgi_client.h"
#include "log.h"
#include "place.h"
#include "server.h"
#include "settings.h"
#include "spool.h"

/*
 * Raw FastCGI records, as somebody who got at the socket could send them: to
 * the responder's own server with one thread, its libfcgi, and behind it all
 * that happens to a request, for it takes unsigned ones. Then the connection
 * is closed; in time the server closes it as well, and it answers the next.
 *
 * Of Debian's libfcgi two things are known and kept out: it calls abort() on
 * a param's length near 2^31 (tests/fcgi/test_connections.c: the process is
 * replaced), and it leaks 48 bytes for a management record of unknown type.
 */

#define INPUT_MAX 16384 /* replies to more would not fit into the socket */
#define KEEP	  500	/* accepted jobs in the spool at most, about */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libfcgi.so\n";
}

const char *
__lsan_default_options(void)
{
	return "print_suppressions=0";
}

static struct server *server;
static struct sockaddr_un address = { .sun_family = AF_UNIX };

static void
must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

static void
stop(void)
{
	server_stop(server);
	settings_current_release();
}

static void
load_settings(void)
{
	char path[96];
	struct settings *s;
	struct err err = { 0 };
	FILE *f;

	snprintf(path, sizeof path, "%s/config.yaml", place_path());
	f = fopen(path, "w");
	must(f != NULL, path);
	fprintf(f,
	    "data-directory: %s\n"
	    "allow-unsigned: true\n"
	    "log-level: ERROR\n"
	    "limits: {min-free-bytes: 1, min-free-inodes: 1}\n"
	    "hooks: [{name: all, command: [/bin/true]}]\n",
	    place_path());
	fclose(f);
	must(settings_load(&s, path, &err) == 0, err.text);
	settings_current_init(s);
}

static void
start(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	uint8_t unused[DIGEST_LEN];
	struct err err = { 0 };
	sigset_t alarm;

	/* libFuzzer's, which would interrupt what waits for a socket. */
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarm, NULL);
	load_settings();
	snprintf(address.sun_path, sizeof address.sun_path, "%s/fcgi.sock",
	    place_path());
	must(bind(fd, (const struct sockaddr *)&address, sizeof address) == 0,
	    "bind");
	must(listen(fd, 16) == 0, "listen");
	log_start("fuzz", LOG_ERROR_);
	must(server_start(&server, fd, 1, place_spool(), 1, &err) == 0,
	    err.text);
	/* What OpenSSL does at the end has to come after our stop(). */
	must(digest_of(unused, "", 0, &err) == 0, err.text);
	must(atexit(stop) == 0, "atexit");
}

/* Where a length may stand, no byte of 0x80 or more is left but 0x80 with a
 * zero behind it, and the last is less. */
static void
limit_record(unsigned char *body, size_t len)
{
	int is_long = 0;

	for (size_t i = 0; i < len; i++) {
		int begins = !is_long && body[i] >= 0x80 && i + 1 < len;

		if (begins)
			body[i] = 0x80;
		else if (is_long || body[i] >= 0x80)
			body[i] = 0;
		is_long = begins;
	}
}

/* Only a body of a request is never read as params. */
static int
may_be_params(const unsigned char *record)
{
	int has_id = record[2] != 0 || record[3] != 0;

	return record[0] == 1 && !(record[1] == 5 && has_id);
}

/* Lengths of params become ones below 64 k, whatever libfcgi takes for them:
 * it does not skip each padding, and reads what a management record of unknown
 * type holds as what follows the params before it. */
static void
limit_lengths(unsigned char *data, size_t size)
{
	for (size_t at = 0; at + 8 < size; at++) {
		size_t len = (size_t)data[at + 4] << 8 | data[at + 5];

		if (len > size - at - 8)
			len = size - at - 8;
		if (may_be_params(data + at))
			limit_record(data + at + 8, len);
	}
}

/* Until the server has closed the connection, too. */
static void
send_records(const unsigned char *data, size_t size)
{
	int fd = fcgi_connect(address.sun_path);
	char reply[4096];
	ssize_t n;

	must(fd != -1, "connect");
	/* It may close early, over a record that it cannot take. */
	if (send(fd, data, size, MSG_NOSIGNAL) == -1)
		must(errno == EPIPE || errno == ECONNRESET, "send");
	shutdown(fd, SHUT_WR);
	while ((n = read(fd, reply, sizeof reply)) > 0)
		;
	must(n == 0 || errno == ECONNRESET, "the end of a connection");
	close(fd);
}

static void
must_answer(void)
{
	static const struct fcgi_param health[] = {
		{ "REQUEST_METHOD", "GET" },
		{ "REQUEST_URI", "/health/live" },
		{ "REMOTE_ADDR", "127.0.0.1" },
		{ NULL, NULL },
	};
	struct fcgi_reply reply;

	must(fcgi_ask(address.sun_path, health, NULL, 0, &reply) == 0 &&
		 reply.status == 200,
	    "the next request");
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static unsigned char copy[INPUT_MAX];
	static unsigned runs;

	if (size > INPUT_MAX)
		return 0;
	memcpy(copy, data, size);
	limit_lengths(copy, size);
	if (server == NULL)
		start();
	send_records(copy, size);
	must_answer();
	if (++runs % KEEP == 0) {
		place_empty(SPOOL_NEW);
		place_empty(SPOOL_SEEN);
		place_empty(SPOOL_TMP);
	}
	return 0;
}
