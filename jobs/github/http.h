/* SPDX-License-Identifier: MIT */
#ifndef GITHUB_HTTP_H
#define GITHUB_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

struct secret;

/*
 * One HTTP exchange, with libcurl behind it. Knows nothing of GitHub but
 * the headers it is asked to keep; policy (retries, tokens, redirects) is
 * client.c's.
 *
 * Calling sequence: http_new() once a job, http_send() for each exchange
 * (the connection is kept between them), http_free(). A reply is set up with
 * http_reply_init(), may be used for several exchanges, and is released with
 * http_reply_release().
 *
 * Only https is spoken, but for loopback addresses, where http is allowed
 * too. Redirects are not followed here. Connecting may take 5 seconds. A
 * reply's body may have at most max_body bytes.
 *
 * Fails with ERR_TEMP where no complete reply came back; *sent then says
 * whether the far end may have acted on the request. A URL that may not be
 * spoken to is ERR_CONF.
 */

#define HTTP_CONNECT_MS 5000
#define HTTP_HEADER_MAX 2048 /* bytes of a kept header value, with NUL */

struct http;

struct http_request {
	const char *method, *url;
	const char *const *headers;  /* "Name: value", NULL-terminated */
	const struct secret *bearer; /* Authorization, or NULL for none */
	const char *body;	     /* NULL: none */
	size_t body_len;
	long timeout_ms; /* of the whole exchange */
	size_t max_body; /* bytes of the reply's body */
};

struct http_reply {
	int status;
	struct buf body;
	char etag[256];
	char link[HTTP_HEADER_MAX];
	char location[HTTP_HEADER_MAX];
	char request_id[64];	  /* X-GitHub-Request-Id */
	char resource[32];	  /* X-RateLimit-Resource */
	int64_t limit, remaining; /* X-RateLimit-*, -1 where absent */
	int64_t reset;		  /* epoch seconds, -1 where absent */
	int64_t retry_after;	  /* seconds, -1 where absent */
};

/* What is known of a request that got no complete reply. */
enum http_sent { HTTP_NOT_SENT, HTTP_MAYBE_SENT };

/* `ca_file` may be NULL: the system's certificates. */
int http_new(struct http **out, const char *ca_file, const char *user_agent,
    struct err *err) CHECKED;
void http_free(struct http *http);

void http_reply_init(struct http_reply *reply);
void http_reply_release(struct http_reply *reply);

int http_send(struct http *http, const struct http_request *request,
    struct http_reply *reply, enum http_sent *sent, struct err *err) CHECKED;

/* 1 if both URLs have the same scheme, host and port. */
int http_same_origin(const char *a, const char *b);

#endif
