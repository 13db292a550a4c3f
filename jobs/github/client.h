/* SPDX-License-Identifier: MIT */
#ifndef GITHUB_CLIENT_H
#define GITHUB_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "github/http.h"

struct config;
struct secret;
struct steplog;

/*
 * GitHub's REST and GraphQL APIs, github.com or an Enterprise Server.
 *
 * Calling sequence: github_open() once a job, github_call() and
 * github_graphql() any number of times with a reply from http_reply_init(),
 * github_close(). One thread.
 *
 * What a call does by itself (docs/github-api.md has the table):
 *   - picks a token, fails over to another on 401 or an exhausted limit;
 *   - waits its turn before a mutation (limits.h);
 *   - sends If-None-Match for what etag.h has, and answers a 304 from there
 *     as 200;
 *   - follows 301, 302, 307 and 308 up to 5 times, without Authorization on
 *     another origin;
 *   - after no reply, 429, 5xx or 403 with evidence of a limit tries again,
 *     after 1, 2 and 4 seconds or as long as GitHub says; before a mutation
 *     is repeated, `happened` is asked whether it was done after all;
 *   - writes one api_call line into the step log and counts one unit.
 *
 * Returns 0 with the final reply, whatever its status: the caller judges
 * (github_expect() for those who only take 2xx). -1: there is none; ERR_TEMP
 * then means "try again", not before github_retry_at() if that is not 0.
 */

struct github;

enum github_identity {
	GITHUB_AS_TOKEN,	/* one of github-tokens */
	GITHUB_AS_INSTALLATION, /* the App in this repository */
	GITHUB_AS_APP,		/* the App itself (JWT) */
};

struct github_call {
	const char *method; /* GET, POST, PATCH, PUT, DELETE */
	const char *path;   /* "/repos/o/r/labels", or a URL of a reply */
	const char *body;   /* JSON, or NULL */
	enum github_identity as;
	int graphql; /* set by github_graphql() */
	int reads;   /* a POST that changes nothing (a GraphQL query) */
	/* 1: it is there; 0: it is not; -1: could not be told. May be NULL:
	 * then a mutation that may have been done is not repeated here. */
	int (*happened)(struct github *gh, void *arg, struct err *err);
	void *arg;
};

struct github_totals {
	unsigned calls;
	int64_t first_remaining;  /* after the first call; -1: not told */
	int64_t lowest_remaining; /* -1: not told */
};

int github_open(struct github **out, const struct config *config,
    const char *repository, const char *request_id, struct steplog *log,
    struct err *err) CHECKED;
void github_close(struct github *gh);

/* 1 if an App is configured, 1 if anything can be called. */
int github_have_app(const struct github *gh);
int github_usable(const struct github *gh);

/*
 * 0 if the App can act in the repository; its token is then there. -1: it
 * cannot, ERR_PERM (it is not installed) or ERR_CONF, or for now not,
 * ERR_TEMP. Costs no call while a token is kept (app.h).
 */
int github_find_installation(struct github *gh, struct err *err) CHECKED;

int github_call(struct github *gh, const struct github_call *call,
    struct http_reply *reply, struct err *err) CHECKED;

/*
 * A GraphQL query (or mutation, where `reads` is 0) with its variables as a
 * JSON object. A reply with errors and no use is -1: ERR_TEMP for a limit,
 * ERR_PERM with GitHub's words otherwise.
 */
int github_graphql(struct github *gh, const char *query, const char *variables,
    int reads, struct http_reply *reply, struct err *err) CHECKED;

/* The URL of the next page from a reply's Link header; 0 if there is one. */
int github_next_page(
    const struct http_reply *reply, char *url, size_t size) CHECKED;

/* 0 if the status is 2xx; else -1, ERR_PERM, with GitHub's message. */
int github_expect(
    const struct http_reply *reply, const char *what, struct err *err) CHECKED;

/*
 * Whoever REST calls would be sent as now: one of github-tokens, else the
 * App's installation. And the token for git over https, borrowed until the
 * next call: NULL where nothing is configured.
 */
enum github_identity github_identity(const struct github *gh);
int github_git_token(
    struct github *gh, const struct secret **token, struct err *err) CHECKED;

const struct github_totals *github_totals(const struct github *gh);
int64_t github_retry_at(const struct github *gh); /* epoch seconds, or 0 */

#endif
