/* SPDX-License-Identifier: MIT */
/*
 * Values: what a path names, and templates with values put in.
 *
 * A value never leaves the argument it stands in: there is no shell, no word
 * splitting, and JSON strings with NUL are refused long before. What is left
 * is the value that looks like an option; see hook_argv().
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "head.h"
#include "hook_parts.h"
#include "json.h"

#define PATH_MAX_LEN 256 /* bytes of a path inside {{ }}, with its NUL */

/* Paths that read the head: all of them arrays of characters. */
static const struct {
	const char *path;
	size_t at;
} head_paths[] = {
	{ "@event", offsetof(struct job_head, event) },
	{ "@action", offsetof(struct job_head, action) },
	{ "@delivery", offsetof(struct job_head, delivery) },
	{ "@hook_id", offsetof(struct job_head, hook_id) },
	{ "@repository", offsetof(struct job_head, repository) },
	{ "@sender", offsetof(struct job_head, sender) },
	{ "@peer", offsetof(struct job_head, peer) },
	{ "@sha", offsetof(struct job_head, sha) },
	{ "@job_id", offsetof(struct job_head, id) },
	{ "@request_id", offsetof(struct job_head, request_id) },
};

void
hook_say(struct buf *why, const char *fmt, ...)
{
	va_list ap;

	if (why == NULL)
		return;
	va_start(ap, fmt);
	buf_vaddf(why, fmt, ap);
	va_end(ap);
}

/* The head's text at an "@" path, or NULL. */
static const char *
head_text(const char *path, const struct job_head *head)
{
	for (size_t i = 0; i < sizeof head_paths / sizeof *head_paths; i++) {
		if (strcmp(head_paths[i].path, path) == 0)
			return (const char *)head + head_paths[i].at;
	}
	return NULL;
}

static int
add_json(struct buf *out, const struct json *v)
{
	switch (json_type(v)) {
	case JSON_NONE:
	case JSON_NULL:
		return 0;
	case JSON_STRING:
		buf_adds(out, json_str(v, ""));
		return 1;
	case JSON_FALSE:
	case JSON_TRUE:
	case JSON_NUMBER:
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	json_put_value(out, v);
	return 1;
}

int
hook_value(struct buf *out, const char *path, const struct job_head *head,
    const struct json *payload)
{
	const char *text;

	if (*path != '@')
		return add_json(out, json_path(payload, path));
	if (strcmp(path, "@payload") == 0)
		return add_json(out, payload);
	if (strcmp(path, "@number") == 0) {
		buf_addf(out, "%lld", (long long)head->number);
		return 1;
	}
	text = head_text(path, head);
	if (text == NULL || *text == '\0')
		return 0;
	buf_adds(out, text);
	return 1;
}

const char *
hook_path_problem(const char *path)
{
	static const struct job_head none;

	if (*path == '\0')
		return "the path is empty";
	if (strlen(path) >= PATH_MAX_LEN)
		return "the path is too long";
	if (*path == '@' && strcmp(path, "@payload") != 0 &&
	    strcmp(path, "@number") != 0 && head_text(path, &none) == NULL)
		return "there is no such @ value";
	return NULL;
}

/*
 * The next "{{path}}" at or behind `text`: where it begins and ends, and its
 * path without blanks. NULL if there is none that is whole.
 */
static const char *
next_value(const char *text, char path[PATH_MAX_LEN], const char **end)
{
	const char *begin = strstr(text, "{{");
	const char *from, *to;
	size_t len;

	if (begin == NULL || (to = strstr(begin + 2, "}}")) == NULL)
		return NULL;
	*end = to + 2;
	for (from = begin + 2; from < to && *from == ' ';)
		from++;
	while (to > from && to[-1] == ' ')
		to--;
	len = (size_t)(to - from);
	if (len >= PATH_MAX_LEN)
		return NULL;
	memcpy(path, from, len);
	path[len] = '\0';
	return begin;
}

const char *
hook_template_problem(const char *text)
{
	char path[PATH_MAX_LEN];
	const char *end, *problem;

	while (next_value(text, path, &end) != NULL) {
		problem = hook_path_problem(path);
		if (problem != NULL)
			return problem;
		text = end;
	}
	return strstr(text, "{{") != NULL ? "a {{ lacks its path or its }}"
					  : NULL;
}

void
hook_expand(struct buf *out, const char *template_text,
    const struct job_head *head, const struct json *payload)
{
	char path[PATH_MAX_LEN];
	const char *begin, *end;

	while ((begin = next_value(template_text, path, &end)) != NULL) {
		buf_add(out, template_text, (size_t)(begin - template_text));
		(void)hook_value(out, path, head, payload);
		template_text = end;
	}
	buf_adds(out, template_text);
}
