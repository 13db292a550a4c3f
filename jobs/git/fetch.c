/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "git/fetch.h"
#include "git/git.h"
#include "git/mirror.h"
#include "secret.h"

/* GitHub takes any user name with a token; this is the one it documents. */
#define TOKEN_USER "x-access-token"

/*
 * libgit2 1.5 calls this again and again while the remote refuses, until it
 * returns an error of its own.
 */
static int
give_credentials(git_credential **out, const char *url, const char *user,
    unsigned allowed, void *payload)
{
	struct remote_state *state = payload;

	(void)url;
	(void)user;
	if (state->token == NULL || state->asked++ > 0 ||
	    !(allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT))
		return GIT_EUSER;
	return git_credential_userpass_plaintext_new(
	    out, TOKEN_USER, secret_bytes(state->token));
}

static int
watch_size(const git_indexer_progress *progress, void *payload)
{
	struct remote_state *state = payload;

	if (state->max_bytes != 0 &&
	    progress->received_bytes > state->max_bytes) {
		state->too_large = 1;
		return GIT_EUSER;
	}
	return 0;
}

/* Called for each ref of a push with the remote's words, NULL if it took it.*/
static int
take_push_answer(const char *ref, const char *status, void *payload)
{
	struct remote_state *state = payload;

	if (status != NULL)
		snprintf(state->refused, sizeof state->refused, "%.60s: %.90s",
		    ref, status);
	return 0;
}

void
remote_callbacks(git_remote_callbacks *callbacks, struct remote_state *state)
{
	callbacks->credentials = give_credentials;
	callbacks->transfer_progress = watch_size;
	callbacks->push_update_reference = take_push_answer;
	callbacks->payload = state;
}

int
remote_failed(struct err *err, const struct remote_state *state, int code,
    const char *what)
{
	if (state->too_large)
		return err_set(err, ERR_PERM, 0,
		    "%s: more than %llu bytes (workspace.mirror-bytes)", what,
		    (unsigned long long)state->max_bytes);
	if (state->asked > 1)
		return err_set(
		    err, ERR_PERM, 0, "%s: the remote refused the token", what);
	if (code == GIT_EUSER && state->token == NULL)
		return err_set(err, ERR_PERM, 0,
		    "%s: the remote wants credentials, none are configured",
		    what);
	return git_failed(err, code, "%s", what);
}

static int
is_loopback_http(const char *url)
{
	static const char *const allowed[] = { "http://127.", "http://[::1]",
		"http://localhost:", "http://localhost/" };

	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
		if (strncmp(url, allowed[i], strlen(allowed[i])) == 0)
			return 1;
	}
	return 0;
}

int
remote_check_url(const char *url, struct err *err)
{
	const char *host = strstr(url, "://");

	if (strncmp(url, "file:///", 8) == 0)
		return 0;
	if (host == NULL ||
	    (strncmp(url, "https://", 8) != 0 && !is_loopback_http(url)))
		return err_set(err, ERR_CONF, 0,
		    "only https is fetched from, http from loopback only");
	if (memchr(host + 3, '@', strcspn(host + 3, "/")) != NULL)
		return err_set(err, ERR_CONF, 0,
		    "a repository's URL may not hold credentials");
	return 0;
}

/* Nothing in it may run: no hooks, no template files. */
static int
open_or_init(git_repository **repo, const char *path, struct err *err)
{
	git_repository_init_options options;
	git_config *config = NULL;
	int rc = git_repository_open_bare(repo, path);

	if (rc == 0)
		return 0;
	git_repository_init_options_init(
	    &options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
	options.mode = 0700;
	rc = git_repository_init_ext(repo, path, &options);
	if (rc == 0)
		rc = git_repository_config(&config, *repo);
	if (rc == 0)
		rc = git_config_set_string(
		    config, "core.hooksPath", "/dev/null");
	git_config_free(config);
	return rc < 0 ? git_failed(err, rc, "mirror") : 0;
}

int
fetch_into(const char *path, const struct mirror_source *source,
    const char *extra, struct err *err)
{
	char heads[] = "+refs/heads/*:refs/heads/*";
	char tags[] = "+refs/tags/*:refs/tags/*";
	char more[600];
	char *specs[3] = { heads, tags, more }, *all[1] = { more };
	git_strarray refspecs = { specs, extra != NULL ? 3 : 2 };
	git_fetch_options options;
	struct remote_state state = { .token = source->token,
		.max_bytes = source->max_bytes };
	git_repository *repo = NULL;
	git_remote *remote = NULL;
	int rc;

	if (remote_check_url(source->url, err) == -1 ||
	    open_or_init(&repo, path, err) == -1)
		return -1;
	if (extra != NULL)
		snprintf(more, sizeof more, "+%.250s:%.250s", extra, extra);
	if (extra != NULL && strcmp(extra, FETCH_ALL) == 0)
		refspecs = (git_strarray){ all, 1 };
	git_fetch_options_init(&options, GIT_FETCH_OPTIONS_VERSION);
	remote_callbacks(&options.callbacks, &state);
	options.prune = GIT_FETCH_PRUNE;
	options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	rc = git_remote_create_anonymous(&remote, repo, source->url);
	if (rc == 0)
		rc = git_remote_fetch(remote, &refspecs, &options, NULL);
	if (rc < 0)
		rc = remote_failed(err, &state, rc, "fetch");
	git_remote_free(remote);
	git_repository_free(repo);
	return rc;
}
