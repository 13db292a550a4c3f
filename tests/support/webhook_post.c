/* SPDX-License-Identifier: MIT */
/* Requests as a web server would hand them over: responder.h's second half. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "err.h"
#include "responder.h"

void
sign_body(char *out, const char *secret, const void *body, size_t len)
{
	uint8_t mac[DIGEST_LEN];
	struct digest *d;
	struct err err;

	assert_int_equal(digest_new_hmac(&d, secret, strlen(secret), &err), 0);
	assert_int_equal(digest_add(d, body, len, &err), 0);
	assert_int_equal(digest_end(d, mac, &err), 0);
	digest_free(d);
	memcpy(out, "sha256=", 7);
	hex_encode(out + 7, mac, sizeof mac);
}

void
make_delivery(char *out, unsigned n)
{
	snprintf(out, 37, "%08x-72d3-11e3-a5a5-%012x", n, n ^ 0x5a5a5a);
}

void
webhook_params(struct webhook_params *w, const char *secret, const char *event,
    unsigned delivery, const void *body, size_t len)
{
	const struct fcgi_param list[] = {
		{ "GATEWAY_INTERFACE", "CGI/1.1" },
		{ "REQUEST_METHOD", "POST" },
		{ "REQUEST_URI", "/webhook_server" },
		{ "CONTENT_TYPE", "application/json" },
		{ "CONTENT_LENGTH", w->length },
		{ "REMOTE_ADDR", "192.0.2.7" },
		{ "HTTP_X_HUB_SIGNATURE_256", w->signature },
		{ "HTTP_X_GITHUB_DELIVERY", w->delivery },
		{ "HTTP_X_GITHUB_EVENT", event },
		{ "HTTP_X_GITHUB_HOOK_ID", "42" },
		{ NULL, NULL },
	};

	memset(w, 0, sizeof *w);
	memcpy(w->list, list, sizeof list);
	snprintf(w->length, sizeof w->length, "%zu", len);
	make_delivery(w->delivery, delivery);
	sign_body(w->signature, secret, body, len);
}

void
webhook_set(struct webhook_params *w, const char *name, const char *value)
{
	size_t i = 0;

	while (w->list[i].name != NULL && strcmp(w->list[i].name, name) != 0)
		i++;
	assert_true(i + 1 < sizeof w->list / sizeof *w->list);
	w->list[i] = (struct fcgi_param){ name, value };
}

int
webhook_post(const struct responder *r, const struct webhook_params *w,
    const void *body, size_t len, struct fcgi_reply *reply)
{
	if (fcgi_ask(r->socket, w->list, body, len, reply) == -1)
		fail_msg("no reply: \"%.200s\"", reply->text);
	return reply->status;
}

size_t
push_body(char *out, size_t size, unsigned n)
{
	int len = snprintf(out, size,
	    "{\"ref\":\"refs/heads/main\",\"before\":\"%040u\","
	    "\"after\":\"%040u\",\"commits\":[],\"created\":false,"
	    "\"deleted\":false,\"pusher\":{\"name\":\"octocat\"},"
	    "\"repository\":{\"full_name\":\"octo/plain\"},"
	    "\"sender\":{\"login\":\"octocat\"}}",
	    n, n + 1);

	assert_true(len > 0 && (size_t)len < size);
	return (size_t)len;
}

int
webhook_push(
    const struct responder *r, unsigned delivery, struct fcgi_reply *reply)
{
	struct webhook_params w;
	char body[1024];
	size_t len = push_body(body, sizeof body, delivery);

	webhook_params(&w, RESPONDER_SECRET, "push", delivery, body, len);
	return webhook_post(r, &w, body, len, reply);
}

int
responder_get(
    const struct responder *r, const char *path, struct fcgi_reply *reply)
{
	const struct fcgi_param list[] = {
		{ "REQUEST_METHOD", "GET" },
		{ "REQUEST_URI", path },
		{ "CONTENT_LENGTH", "" },
		{ "REMOTE_ADDR", "127.0.0.1" },
		{ NULL, NULL },
	};

	if (fcgi_ask(r->socket, list, NULL, 0, reply) == -1)
		fail_msg("no reply to GET %s", path);
	return reply->status;
}
