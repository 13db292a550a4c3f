/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"
#include "glob.h"
#include "head.h"
#include "hook.h"
#include "hook_parts.h"
#include "json.h"

/*
 * Hooks: a template, a pattern and a name, a line each, then a payload. What
 * a template without a problem becomes has no value left in it, and "**"
 * matches every name.
 */

#define SHORT 200

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* Cuts the first line off; the rest if there is none. */
static char *
next_line(char **rest)
{
	char *line = *rest;

	*rest += strcspn(line, "\n");
	if (**rest == '\n')
		*(*rest)++ = '\0';
	return line;
}

static void
expand(const char *template_text, const char *json)
{
	static const struct job_head head = { .event = "push",
		.sender = "octocat" };
	struct json *payload = NULL;
	struct err err;
	struct buf out;

	if (hook_template_problem(template_text) != NULL)
		return;
	if (json_parse(&payload, json, strlen(json), &err) == -1)
		payload = NULL;
	buf_init(&out, HOOK_VALUE_MAX - 1);
	hook_expand(&out, template_text, &head, payload);
	if (payload == NULL && strstr(out.data, "{{") != NULL)
		abort();
	buf_release(&out);
	json_free(payload);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *copy = malloc(size + 1), *rest = copy;
	const char *template_text, *list[3];

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	copy[size] = '\0';
	template_text = next_line(&rest);
	list[0] = next_line(&rest);
	list[1] = next_line(&rest);
	list[2] = NULL;
	/* A configuration's patterns are well formed; only for those is the
	 * time bounded. */
	if (glob_problem(list[0]) == NULL &&
	    (glob_problem(list[1]) == NULL || strlen(list[1]) < SHORT))
		(void)glob_list_match(list, list[1]);
	if (glob_match("**", list[1]) != 1)
		abort();
	expand(template_text, rest);
	free(copy);
	return 0;
}
