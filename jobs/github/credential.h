/* SPDX-License-Identifier: MIT */
#ifndef GITHUB_CREDENTIAL_H
#define GITHUB_CREDENTIAL_H

#include <stdint.h>

#include "err.h"
#include "github/limits.h"

struct config;
struct secret;

/*
 * The identities a job may act as: the configured tokens (github-tokens) and
 * the GitHub App (github-app-id and its key). Chooses by what limits.h
 * remembers, without asking GitHub.
 *
 * Calling sequence: credentials_new() once a job, credentials_pick() before
 * each exchange, credentials_free(). A picked credential is borrowed and
 * valid until the next pick.
 */

#define CREDENTIALS_MAX	       32   /* tokens of one configuration */
#define CREDENTIAL_REFUSED_FOR 3600 /* seconds a token rests after a 401 */

struct credential {
	const struct secret *token;
	char name[LIMITS_NAME]; /* for files and logs; does not tell the token*/
};

struct credentials;

int credentials_new(struct credentials **out, const struct config *config,
    const char *repository, struct err *err) CHECKED;
void credentials_free(struct credentials *c);

struct limits *credentials_limits(struct credentials *c);

/* 1 if an App is configured (its id and its key). */
int credentials_have_app(const struct credentials *c);
/* 1 if there is a token besides the App's. */
int credentials_have_tokens(const struct credentials *c);
/* 1 if there is any token or an App. */
int credentials_any(const struct credentials *c);

/*
 * The token with the most calls left in its window; one whose state is not
 * known counts as fresh. Those that are blocked, refused or used up are left
 * out: where none is left, ERR_TEMP and *ready_at says (epoch seconds) when
 * the first may be used again. No token configured: ERR_CONF.
 */
int credentials_pick(struct credentials *c, enum limits_resource resource,
    struct credential *out, int64_t *ready_at, struct err *err) CHECKED;

/* The App's key and id, for app.h; borrowed. */
const struct secret *credentials_app_key(
    const struct credentials *c, int64_t *app_id);

#endif
