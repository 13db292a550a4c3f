/* SPDX-License-Identifier: MIT */
/*
 * Reads the params and checks their shapes. A param is looked for by its
 * whole name; the first of two counts for logging only, since the second
 * makes request_check() refuse where it matters.
 */
#include <string.h>

#include "err.h"
#include "event.h"
#include "head.h"
#include "request.h"
#include "signature.h"
#include "spool.h"

static void pick(struct request *r, const char *param);
static void read_path(struct request *r);
static enum reply_code check_repeated(const struct request *r);
static enum reply_code check_type(struct job_head *head, const char *type);
static enum reply_code check_length(uint64_t *out, const char *text);
static enum reply_code check_hook(struct job_head *head, const char *hook);

static const char *const names[PARAMS] = {
	[PARAM_METHOD] = "REQUEST_METHOD",
	[PARAM_URI] = "REQUEST_URI",
	[PARAM_SCRIPT] = "SCRIPT_NAME",
	[PARAM_PATH_INFO] = "PATH_INFO",
	[PARAM_TYPE] = "CONTENT_TYPE",
	[PARAM_LENGTH] = "CONTENT_LENGTH",
	[PARAM_PEER] = "REMOTE_ADDR",
	[PARAM_FORWARDED] = "HTTP_X_FORWARDED_FOR",
	[PARAM_SIGNATURE] = "HTTP_X_HUB_SIGNATURE_256",
	[PARAM_SIGNATURE_SHA1] = "HTTP_X_HUB_SIGNATURE",
	[PARAM_DELIVERY] = "HTTP_X_GITHUB_DELIVERY",
	[PARAM_EVENT] = "HTTP_X_GITHUB_EVENT",
	[PARAM_HOOK] = "HTTP_X_GITHUB_HOOK_ID",
	[PARAM_REQUEST_ID] = "HTTP_X_REQUEST_ID",
};

/* What decides something and so must not come in two versions. */
#define ONCE                                                                   \
	(1u << PARAM_METHOD | 1u << PARAM_URI | 1u << PARAM_TYPE |             \
	    1u << PARAM_LENGTH | 1u << PARAM_PEER | 1u << PARAM_FORWARDED |    \
	    1u << PARAM_SIGNATURE | 1u << PARAM_DELIVERY | 1u << PARAM_EVENT | \
	    1u << PARAM_HOOK)

void
request_read(struct request *r, char *const *params)
{
	struct err err = { 0 };

	memset(r, 0, sizeof *r);
	for (size_t i = 0; i < PARAMS; i++)
		r->param[i] = "";
	for (; params != NULL && *params != NULL; params++)
		pick(r, *params);
	read_path(r);
	if (uuid_parse(r->id, r->param[PARAM_REQUEST_ID]) == -1 &&
	    uuid_make(r->id, &err) == -1)
		memset(r->id, 0, sizeof r->id);
}

static void
pick(struct request *r, const char *param)
{
	const char *equals = strchr(param, '=');
	size_t len = equals == NULL ? 0 : (size_t)(equals - param);

	for (size_t i = 0; i < PARAMS; i++) {
		if (len != strlen(names[i]) ||
		    memcmp(param, names[i], len) != 0)
			continue;
		if (*r->param[i] != '\0')
			r->repeated |= 1u << i;
		else
			r->param[i] = equals + 1;
		return;
	}
}

/* SCRIPT_NAME and PATH_INFO are cut differently by every server and mapping;
 * they serve only where there is no REQUEST_URI (it is not in RFC 3875). */
static void
read_path(struct request *r)
{
	const char *uri = r->param[PARAM_URI];
	const char *first = *uri != '\0' ? uri : r->param[PARAM_SCRIPT];
	const char *second = *uri != '\0' ? "" : r->param[PARAM_PATH_INFO];
	size_t a = strcspn(first, "?#"), b = strcspn(second, "?#");

	if (a + b >= sizeof r->path)
		return;
	memcpy(r->path, first, a);
	memcpy(r->path + a, second, b);
	r->path[a + b] = '\0';
}

enum reply_code
request_check(const struct request *r, struct job_head *head, uint64_t *length)
{
	enum reply_code code;

	if ((code = check_repeated(r)) != REPLY_NONE)
		return code;
	if ((code = check_type(head, r->param[PARAM_TYPE])) != REPLY_NONE)
		return code;
	if ((code = check_length(length, r->param[PARAM_LENGTH])) != REPLY_NONE)
		return code;
	if (uuid_parse(head->delivery, r->param[PARAM_DELIVERY]) == -1)
		return REPLY_BAD_DELIVERY;
	if (!event_name_valid(r->param[PARAM_EVENT]))
		return REPLY_BAD_EVENT;
	head_clean(head->event, sizeof head->event, r->param[PARAM_EVENT],
	    strlen(r->param[PARAM_EVENT]));
	return check_hook(head, r->param[PARAM_HOOK]);
}

static enum reply_code
check_repeated(const struct request *r)
{
	return (r->repeated & ONCE) != 0 ? REPLY_REPEATED : REPLY_NONE;
}

/* "application/json; charset=utf-8" is the same type; the case of a type
 * does not matter (RFC 9110, 8.3.1). */
static enum reply_code
check_type(struct job_head *head, const char *type)
{
	static const char *const types[] = { HEAD_TYPE_JSON, HEAD_TYPE_FORM };
	size_t len = strcspn(type, "; \t");

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (len == strlen(types[i]) &&
		    strncasecmp(type, types[i], len) == 0) {
			memcpy(head->type, types[i], len + 1);
			return REPLY_NONE;
		}
	}
	return REPLY_BAD_TYPE;
}

static enum reply_code
check_length(uint64_t *out, const char *text)
{
	uint64_t n = 0;

	if (*text == '\0' || strcmp(text, "-1") == 0) {
		*out = LENGTH_UNKNOWN;
		return REPLY_NONE;
	}
	if (text[strspn(text, "0123456789")] != '\0')
		return REPLY_BAD_LENGTH;
	for (; *text != '\0' && n <= SPOOL_BODY_MAX; text++)
		n = n * 10 + (uint64_t)(*text - '0');
	if (n > SPOOL_BODY_MAX)
		return REPLY_TOO_LARGE;
	*out = n;
	return n == 0 ? REPLY_EMPTY_BODY : REPLY_NONE;
}

/* A hook's ID is a 64-bit number; old GitHub Enterprise sends none. */
static enum reply_code
check_hook(struct job_head *head, const char *hook)
{
	size_t len = strlen(hook);

	if (len == 0) {
		memcpy(head->hook_id, "-", 2);
		return REPLY_NONE;
	}
	if (len > 19 || strspn(hook, "0123456789") != len)
		return REPLY_BAD_HOOK;
	memcpy(head->hook_id, hook, len + 1);
	return REPLY_NONE;
}
