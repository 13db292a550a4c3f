/* SPDX-License-Identifier: MIT */
#ifndef GITHUB_APP_H
#define GITHUB_APP_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct secret;

/*
 * The two proofs of a GitHub App: the JSON Web Token it signs with its key
 * (RS256, with OpenSSL), and the installation token GitHub gives for it.
 *
 * Source of the figures: docs.github.com, "Generating a JSON Web Token for a
 * GitHub App": issued at most 60 seconds in the past against clock drift,
 * expires at most 10 minutes ahead; installation tokens live one hour.
 */

#define APP_JWT_BACKDATE 60  /* seconds */
#define APP_JWT_LIFE	 540 /* seconds from now */
#define APP_RENEW_BEFORE 300 /* seconds before an installation token ends */

/* Signs a token for `app_id` valid at `now` (epoch seconds). `pem` is the
 * App's private key. ERR_CONF where it is no RSA key. */
int app_jwt(struct secret **out, int64_t app_id, const struct secret *pem,
    int64_t now, struct err *err) CHECKED;

/*
 * Installation tokens kept in cache/github/ of the data directory, mode
 * 0600, one file an App and repository, so that workers share them.
 *
 * app_token_find() answers 1 with a token that lives on for more than
 * APP_RENEW_BEFORE seconds, else 0; a damaged file is "not there".
 */
int app_token_find(struct secret **out, const char *data_directory,
    int64_t app_id, const char *repository, int64_t now);
int app_token_keep(const char *data_directory, int64_t app_id,
    const char *repository, const struct secret *token, int64_t expires,
    struct err *err) CHECKED;
/* Forgets it: GitHub said 401. */
void app_token_drop(
    const char *data_directory, int64_t app_id, const char *repository);

#endif
