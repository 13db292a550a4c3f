/* SPDX-License-Identifier: MIT */
#ifndef HOOK_FIXTURE_H
#define HOOK_FIXTURE_H

#include "config.h"
#include "err.h"
#include "head.h"
#include "hook.h"
#include "json.h"

/* For tests of hooks: configurations, heads and payloads from short texts. */

struct compiled {
	struct config *config;
	struct hooks *hooks; /* NULL: the error says why */
};

/* Line 1 of the file is a secret, the text begins on line 2. */
struct err compile(struct compiled *c, const char *text);

/* One hook "h" from its keys in flow form; the test fails if it is wrong. */
void compile_one(struct compiled *c, const char *keys);
void release(struct compiled *c);

/* From octocat at 192.0.2.7, number 7 of Octo/Hello. */
struct job_head a_head(const char *event, const char *action);
struct json *a_payload(const char *text);

#endif
