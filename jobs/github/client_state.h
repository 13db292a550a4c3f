/* SPDX-License-Identifier: MIT */
#ifndef GITHUB_CLIENT_STATE_H
#define GITHUB_CLIENT_STATE_H

#include "github/client.h"
#include "github/credential.h"
#include "github/etag.h"

/*
 * What client.c (the loop of a call), session.c (opening, small questions)
 * and sender.c (who a request is sent as) share. For no one else.
 */

struct github {
	const struct config *config; /* borrowed */
	const char *api_url;	     /* the configuration's */
	char graphql_url[1024];
	char repository[256];
	char request_id[64];
	struct steplog *log; /* borrowed, may be NULL */
	struct http *http;
	struct credentials *credentials;
	struct etag_cache *etags;
	struct secret *installation; /* the App's token here, or NULL */
	struct secret *jwt;	     /* the last one made, or NULL */
	int renewed; /* a refused installation token was replaced */
	struct github_totals totals;
	int64_t retry_at;
};

/* Who one exchange is sent as. `token` is borrowed. */
struct sender {
	enum github_identity as;
	const struct secret *token;
	char name[LIMITS_NAME]; /* "" where limits are not kept (JWT) */
	char label[32];		/* for the step log */
};

/* As credentials_pick(), for each identity. */
int sender_pick(struct github *gh, enum github_identity as, int graphql,
    struct sender *out, int64_t *ready_at, struct err *err) CHECKED;

/* Remembers the limits a reply told. */
void sender_note(struct github *gh, const struct sender *sender, int graphql,
    const struct http_reply *reply);

/* The sender rests until then. */
void sender_rest(
    struct github *gh, const struct sender *sender, int64_t until, int refused);

/* After a 401: 1 if there is another identity to try in its place. */
int sender_replace(
    struct github *gh, const struct sender *sender, int64_t until);

#endif
