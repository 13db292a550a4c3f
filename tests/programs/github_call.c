/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "config.h"
#include "err.h"
#include "github/client.h"
#include "json.h"

/*
 * One call of the GitHub client, for tests that play GitHub:
 *
 *   github_call CONFIG REPOSITORY token|installation|any METHOD PATH [BODY]
 *   github_call CONFIG REPOSITORY graphql QUERY [VARIABLES]
 *
 * With $READ_BACK set to a path, a mutation in doubt is asked for there: it
 * happened if the reply holds "happened". $REPEAT makes the call so often.
 * Prints one JSON object: what github_call() returned and told.
 */

static int
read_back(struct github *gh, void *arg, struct err *err)
{
	struct github_call call = { .method = "GET", .path = arg };
	struct http_reply reply;
	int happened = -1;

	http_reply_init(&reply);
	if (github_call(gh, &call, &reply, err) == 0)
		happened = strstr(reply.body.data, "happened") != NULL;
	http_reply_release(&reply);
	return happened;
}

static int
make_call(
    struct github *gh, char **argv, struct http_reply *reply, struct err *err)
{
	struct github_call call = { 0 };
	char *path = getenv("READ_BACK");

	if (strcmp(argv[3], "graphql") == 0)
		return github_graphql(gh, argv[4], argv[5], 1, reply, err);
	if (strcmp(argv[3], "installation") == 0)
		call.as = GITHUB_AS_INSTALLATION;
	else if (strcmp(argv[3], "any") == 0)
		call.as = github_identity(gh);
	call.method = argv[4];
	call.path = argv[5];
	call.body = argv[6];
	if (path != NULL) {
		call.happened = read_back;
		call.arg = path;
	}
	return github_call(gh, &call, reply, err);
}

static void
print_result(struct github *gh, int rc, const struct http_reply *reply,
    const struct err *err)
{
	const struct github_totals *totals = github_totals(gh);
	char next[HTTP_HEADER_MAX];
	struct buf out;

	buf_init(&out, 1 << 20);
	buf_addc(&out, '{');
	json_put_int(&out, "rc", rc);
	json_put_int(&out, "status", rc == 0 ? reply->status : 0);
	json_put_int(&out, "class", rc == 0 ? 0 : (int)err->class);
	json_put_member(&out, "error", rc == 0 ? "" : err->text);
	json_put_int(&out, "calls", totals->calls);
	json_put_int(&out, "lowest_remaining", totals->lowest_remaining);
	json_put_int(&out, "retry_at", github_retry_at(gh));
	json_put_member(&out, "body", rc == 0 ? reply->body.data : "");
	if (github_next_page(reply, next, sizeof next) == 0)
		json_put_member(&out, "next", next);
	buf_addc(&out, '}');
	puts(out.data);
	buf_release(&out);
}

int
main(int argc, char **argv)
{
	struct config *config;
	struct github *gh;
	struct http_reply reply;
	struct err err = { 0 };
	char *repeat = getenv("REPEAT");
	int rc = 0;

	if (argc < 5)
		return 2;
	if (config_load(&config, argv[1], NULL, &err) == -1 ||
	    github_open(&gh, config, argv[2],
		"11111111-2222-4333-8444-555555555555", NULL, &err) == -1)
		fatal("%s", err.text);
	http_reply_init(&reply);
	for (int n = repeat != NULL ? atoi(repeat) : 1; n > 0; n--)
		rc = make_call(gh, argv, &reply, &err);
	print_result(gh, rc, &reply, &err);
	http_reply_release(&reply);
	github_close(gh);
	config_free(config);
	return 0;
}
