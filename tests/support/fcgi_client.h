/* SPDX-License-Identifier: MIT */
#ifndef FCGI_CLIENT_H
#define FCGI_CLIENT_H

#include <stddef.h>
#include <stdint.h>

/*
 * A small FastCGI client: what a web server does, so that tests and
 * benchmarks need none. One request at a time on a connection; every call
 * blocks for at most FCGI_SECONDS.
 *
 * Calling sequence: fcgi_connect(); fcgi_send() (or its parts, to be odd on
 * purpose); fcgi_receive(); again if keep was set, else close(). fcgi_ask()
 * does it all.
 *
 * Functions return 0 or -1 with errno; nothing is printed.
 */

#define FCGI_SECONDS   30
#define FCGI_REPLY_MAX 16384

struct fcgi_param {
	const char *name, *value; /* value NULL: left out; name NULL ends */
};

struct fcgi_reply {
	int status;		   /* of the Status header, 200 without */
	char text[FCGI_REPLY_MAX]; /* header and body, NUL-terminated */
	const char *body;	   /* inside text */
	int closed;		   /* the other side closed the connection */
};

int fcgi_connect(const char *path); /* the descriptor, or -1 */

/* A whole request; body NULL: none. keep: FCGI_KEEP_CONN. */
int fcgi_send(int fd, const struct fcgi_param *params, const void *body,
    size_t len, int keep);

/* The parts of it. A record of length 0 ends a stream. */
int fcgi_send_begin(int fd, int keep);
int fcgi_send_params(int fd, const struct fcgi_param *params);
int fcgi_send_stdin(int fd, const void *bytes, size_t len);
int fcgi_send_end(int fd);

int fcgi_receive(int fd, struct fcgi_reply *reply);

/* Value of a header in the reply's text ("" if it has none), copied. */
void fcgi_header(
    const struct fcgi_reply *reply, const char *name, char *out, size_t size);

int fcgi_ask(const char *path, const struct fcgi_param *params,
    const void *body, size_t len, struct fcgi_reply *reply);

#endif
