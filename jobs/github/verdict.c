/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "github/verdict.h"

/* Words GitHub uses where headers are missing; matched in any case. */
static const char *const limit_words[] = {
	"rate limit",
	"secondary rate",
	"abuse detection",
	"RATE_LIMITED",
};

static int
tells_of_limit(const struct http_reply *reply)
{
	if (reply->retry_after >= 0 || reply->remaining == 0)
		return 1;
	for (size_t i = 0; i < sizeof limit_words / sizeof *limit_words; i++) {
		if (strcasestr(reply->body.data, limit_words[i]) != NULL)
			return 1;
	}
	return 0;
}

enum verdict
verdict_of(const struct http_reply *reply)
{
	switch (reply->status) {
	case 301:
	case 302:
	case 307:
	case 308:
		return reply->location[0] != '\0' ? VERDICT_REDIRECT
						  : VERDICT_FINAL;
	case 304:
		return VERDICT_CACHED;
	case 401:
		return VERDICT_REFUSED;
	case 403:
		return tells_of_limit(reply) ? VERDICT_LIMITED : VERDICT_FINAL;
	case 429:
		return VERDICT_LIMITED;
	default:
		return reply->status >= 500 ? VERDICT_AGAIN : VERDICT_FINAL;
	}
}

enum verdict
verdict_of_graphql(const struct http_reply *reply)
{
	if (reply->status == 200 &&
	    strstr(reply->body.data, "\"errors\"") != NULL &&
	    strstr(reply->body.data, "\"RATE_LIMITED\"") != NULL)
		return VERDICT_LIMITED;
	return verdict_of(reply);
}

int64_t
verdict_until(const struct http_reply *reply, int64_t now)
{
	if (reply->retry_after >= 0)
		return now + reply->retry_after;
	/* A reset that is past by now: the window is a new one. */
	if (reply->remaining == 0 && reply->reset >= 0)
		return reply->reset > now ? reply->reset : now + 1;
	return now + VERDICT_REST;
}

unsigned
verdict_backoff(unsigned tries_so_far)
{
	static const unsigned seconds[] = { 0, 1, 2, 4 };

	return tries_so_far < VERDICT_TRIES ? seconds[tries_so_far] : 0;
}
