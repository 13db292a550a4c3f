/* SPDX-License-Identifier: MIT */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * One HTTP request and the place for its reply, whichever way the web server
 * hands it over: FastCGI (server.c) and plain CGI (cgi.c) each fill one in,
 * everything else knows only this.
 *
 * The params are borrowed and stay until the exchange ends. The body is read
 * at most once, front to back; the reply is written in one go.
 */
struct exchange {
	char *const *params; /* "NAME=VALUE", NULL ends: CGI's meta-variables */
	void *channel;	     /* handed to the two functions */

	/* Up to len bytes of the body; 0 at its end; -1 if it broke off. */
	ssize_t (*read)(void *channel, void *bytes, size_t len);

	/* 0, or -1 where nobody listens any more. */
	int (*write)(void *channel, const void *bytes, size_t len);
};

#endif
