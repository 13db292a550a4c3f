/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "github/credential.h"
#include "secret.h"

/* The name users of the reference server have the App's key under. */
#define APP_KEY_FILE "webhook-server.private-key.pem"

struct credentials {
	struct limits *limits;
	const struct secret *const *tokens; /* the configuration's */
	size_t n;
	struct secret *app_key; /* NULL: no App */
	int64_t app_id;
};

static int
read_app_key(struct credentials *c, const struct config *config,
    const char *data, struct err *err)
{
	const char *file = config_str(config, NULL, "github-app-key-file");
	char path[4096];

	if (c->app_id == 0)
		return 0;
	if (file != NULL)
		return secret_read(&c->app_key, file, err);
	snprintf(path, sizeof path, "%s/%s", data, APP_KEY_FILE);
	/* An id alone is no mistake: tokens may do all the work. */
	if (access(path, F_OK) == -1)
		return 0;
	return secret_read(&c->app_key, path, err);
}

int
credentials_new(struct credentials **out, const struct config *config,
    const char *repository, struct err *err)
{
	struct credentials *c = calloc(1, sizeof *c);
	const char *data = config_str(config, NULL, "data-directory");

	if (c == NULL)
		return err_set(err, ERR_TEMP, 0, "credentials: out of memory");
	c->n = config_secrets(config, repository, "github-tokens", &c->tokens);
	if (c->n > CREDENTIALS_MAX)
		c->n = CREDENTIALS_MAX;
	c->app_id = config_int(config, repository, "github-app-id");
	if (limits_open(&c->limits, data, err) == -1 ||
	    read_app_key(c, config, data, err) == -1) {
		credentials_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

void
credentials_free(struct credentials *c)
{
	if (c == NULL)
		return;
	limits_close(c->limits);
	secret_free(c->app_key);
	free(c);
}

struct limits *
credentials_limits(struct credentials *c)
{
	return c->limits;
}

int
credentials_have_app(const struct credentials *c)
{
	return c->app_key != NULL;
}

int
credentials_have_tokens(const struct credentials *c)
{
	return c->n > 0;
}

int
credentials_any(const struct credentials *c)
{
	return c->n > 0 || c->app_key != NULL;
}

const struct secret *
credentials_app_key(const struct credentials *c, int64_t *app_id)
{
	*app_id = c->app_id;
	return c->app_key;
}

/* When the token may be used again; 0: now. */
static int64_t
resting_until(
    const struct limits_state *s, enum limits_resource resource, int64_t now)
{
	int64_t until = 0;

	if (s->invalid_until > now)
		until = s->invalid_until;
	if (s->blocked_until > now && s->blocked_until > until)
		until = s->blocked_until;
	if (s->window[resource].remaining == 0 &&
	    s->window[resource].reset > until)
		until = s->window[resource].reset;
	return until;
}

/* Calls left; a token nobody knows is as good as a full one. */
static int64_t
calls_left(const struct limits_state *s, enum limits_resource resource)
{
	int64_t left = s->window[resource].remaining;

	return left < 0 ? INT64_MAX : left;
}

int
credentials_pick(struct credentials *c, enum limits_resource resource,
    struct credential *out, int64_t *ready_at, struct err *err)
{
	int64_t now = clock_wall() / CLOCK_SECOND, most = -1, first = INT64_MAX;
	struct credential best = { 0 };

	if (c->n == 0)
		return err_set(err, ERR_CONF, 0, "no github-tokens configured");
	for (size_t i = 0; i < c->n; i++) {
		struct credential candidate = { .token = c->tokens[i] };
		struct limits_state state;
		int64_t until;

		if (limits_name(candidate.name, candidate.token, err) == -1 ||
		    limits_get(c->limits, candidate.name, &state, err) == -1)
			return -1;
		until = resting_until(&state, resource, now);
		if (until == 0 && calls_left(&state, resource) > most) {
			most = calls_left(&state, resource);
			best = candidate;
		}
		if (until != 0 && until < first)
			first = until;
	}
	if (best.token == NULL) {
		*ready_at = first;
		return err_set(err, ERR_TEMP, 0,
		    "every GitHub token is used up or refused for %lld s",
		    (long long)(first - now));
	}
	*out = best;
	return 0;
}
