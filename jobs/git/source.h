/* SPDX-License-Identifier: MIT */
#ifndef GIT_SOURCE_H
#define GIT_SOURCE_H

#include "err.h"
#include "git/mirror.h"

struct config;
struct github;

/*
 * Where a repository is fetched from and pushed to, and with what: the
 * configuration and the API client made into a struct mirror_source.
 *
 * The URL is workspace.git-url with {repository} replaced by owner/name.
 * Where that is not set it follows from github-api-url as GitHub lays out
 * its hosts: https://api.github.com is https://github.com/owner/name.git,
 * https://HOST/api/v3 is https://HOST/owner/name.git, https://api.NAME is
 * https://NAME.
 *
 * The token is the one an API call would be sent with (client.h); it is
 * borrowed from the client until its next call, so ask again before each use.
 */

struct git_source {
	struct mirror_source mirror; /* points into this struct */
	char repository[256];
	char url[1024];
};

/* Fails with ERR_CONF where the URL may not be spoken to. */
int git_source_init(struct git_source *out, const struct config *config,
    const char *repository, struct err *err) CHECKED;

/* Puts the token in, or NULL where none is configured. */
int git_source_token(
    struct git_source *source, struct github *gh, struct err *err) CHECKED;

#endif
