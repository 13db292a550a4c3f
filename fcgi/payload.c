/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "config.h"
#include "event.h"
#include "form.h"
#include "head.h"
#include "hook.h"
#include "json.h"
#include "payload.h"
#include "settings.h"
#include "spool.h"

#define REPOSITORY_MAX 140 /* owner 39, "/", name 100 (GitHub's forms) */
#define NUMBER_MAX     INT64_C(999999999999)

enum pick {
	PICK_ACTION,
	PICK_REPOSITORY,
	PICK_SENDER,
	PICK_HOOK,
	PICK_NUMBER,
	PICK_SHA,
	PICK_SUBJECT,
	PICK_FOREIGN = PICK_SUBJECT + 3,
	PICKS = PICK_FOREIGN + 3,
};

static enum reply_code read_form(
    struct job_head *head, const char *body, size_t len, struct err *why);
static enum reply_code read_json(
    struct job_head *head, const char *text, size_t len, struct err *why);
static enum reply_code judge(
    struct job_head *head, const struct json_pick *picks);
static int is_of_kind(
    const struct event_kind *kind, const struct json_pick *picks);
static void copy_text(char *out, size_t size, const struct json_pick *pick);
static int same_hook(const struct job_head *head, const struct json_pick *p);
static int repository_valid(const char *name);
static void copy_sha(struct job_head *head, const struct json_pick *pick);
static void make_key(struct job_head *head);

enum reply_code
payload_read(
    struct job_head *head, const char *body, size_t len, struct err *why)
{
	if (strcmp(head->type, HEAD_TYPE_FORM) == 0)
		return read_form(head, body, len, why);
	return read_json(head, body, len, why);
}

/* Decoding never makes a text longer, so one allocation is enough. */
static enum reply_code
read_form(struct job_head *head, const char *body, size_t len, struct err *why)
{
	enum reply_code code = REPLY_BAD_FORM;
	struct buf text;

	buf_init(&text, SPOOL_BODY_MAX);
	if (buf_room(&text, len) == NULL)
		code = REPLY_NO_STORAGE;
	else if (form_field(&text, body, len, "payload", why) == 0)
		code = read_json(head, text.data, text.len, why);
	else if (why->class != ERR_BAD)
		code = REPLY_NO_STORAGE;
	buf_release(&text);
	return code;
}

/* A path that the event does not have is looked for under a name that no
 * payload has, so that the picks keep their places. */
static enum reply_code
read_json(struct job_head *head, const char *text, size_t len, struct err *why)
{
	static const struct event_kind unknown = { 0 };
	const struct event_kind *kind = event_find(head->event);
	struct json_pick picks[PICKS] = {
		[PICK_ACTION] = { .path = "action" },
		[PICK_REPOSITORY] = { .path = "repository.full_name" },
		[PICK_SENDER] = { .path = "sender.login" },
		[PICK_HOOK] = { .path = "hook_id" },
	};

	if (kind == NULL)
		kind = &unknown;
	picks[PICK_NUMBER].path = kind->number_path;
	picks[PICK_SHA].path = kind->sha_path;
	for (size_t i = 0; i < 3; i++) {
		picks[PICK_SUBJECT + i].path = kind->subject[i];
		picks[PICK_FOREIGN + i].path = kind->foreign[i];
	}
	for (size_t i = 0; i < PICKS; i++) {
		if (picks[i].path == NULL)
			picks[i].path = "\x7f";
	}
	if (json_scan(text, len, picks, PICKS, why) == -1)
		return why->class == ERR_BAD ? REPLY_BAD_JSON
					     : REPLY_NO_STORAGE;
	if (!is_of_kind(kind, picks))
		return REPLY_BAD_SHAPE;
	return judge(head, picks);
}

static int
is_of_kind(const struct event_kind *kind, const struct json_pick *picks)
{
	for (size_t i = 0; i < 3; i++) {
		if (kind->subject[i] != NULL &&
		    picks[PICK_SUBJECT + i].type == JSON_NONE)
			return 0;
		if (kind->foreign[i] != NULL &&
		    picks[PICK_FOREIGN + i].type != JSON_NONE)
			return 0;
	}
	return 1;
}

static enum reply_code
judge(struct job_head *head, const struct json_pick *picks)
{
	if (!same_hook(head, &picks[PICK_HOOK]))
		return REPLY_BAD_HOOK;
	copy_text(head->action, sizeof head->action, &picks[PICK_ACTION]);
	copy_text(head->sender, sizeof head->sender, &picks[PICK_SENDER]);
	copy_text(
	    head->repository, sizeof head->repository, &picks[PICK_REPOSITORY]);
	if (*head->repository != '\0' && !repository_valid(head->repository))
		return REPLY_BAD_REPOSITORY;
	copy_sha(head, &picks[PICK_SHA]);
	if (json_pick_int(&head->number, &picks[PICK_NUMBER]) == -1 ||
	    head->number < 0 || head->number > NUMBER_MAX)
		head->number = 0;
	head_job_id(head->id, head->number, head->delivery);
	make_key(head);
	return REPLY_NONE;
}

static void
copy_text(char *out, size_t size, const struct json_pick *pick)
{
	struct buf text;

	*out = '\0';
	if (pick->type != JSON_STRING)
		return;
	buf_init(&text, 4 * HEAD_VALUE_MAX);
	json_pick_string(pick, &text);
	head_clean(out, size, text.data, text.len);
	buf_release(&text);
}

/* Only a ping says which hook it is for. */
static int
same_hook(const struct job_head *head, const struct json_pick *pick)
{
	int64_t id;
	char text[24];

	if (strcmp(head->event, "ping") != 0 || head->hook_id[0] == '-' ||
	    pick->type != JSON_NUMBER)
		return 1;
	if (json_pick_int(&id, pick) == -1)
		return 0;
	snprintf(text, sizeof text, "%lld", (long long)id);
	return strcmp(text, head->hook_id) == 0;
}

/* It will be part of paths and addresses: "owner/name", and neither of them
 * made of dots, which a file system or an address reads in its own way. What
 * this takes a head has to take. */
static int
repository_valid(const char *name)
{
	static const char owner_bytes[] = "abcdefghijklmnopqrstuvwxyz"
					  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					  "0123456789-_";
	static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-_.";
	size_t owner = strspn(name, owner_bytes);
	const char *rest = name + owner + 1;

	if (owner == 0 || name[owner] != '/' || strlen(name) > REPOSITORY_MAX)
		return 0;
	if (*rest == '\0' || rest[strspn(rest, name_bytes)] != '\0')
		return 0;
	return rest[strspn(rest, ".")] != '\0';
}

static void
copy_sha(struct job_head *head, const struct json_pick *pick)
{
	size_t len;

	copy_text(head->sha, sizeof head->sha, pick);
	len = strlen(head->sha);
	if ((len != 40 && len != 64) ||
	    strspn(head->sha, "0123456789abcdef") != len)
		head->sha[0] = '\0';
}

/* Jobs of one key run one after the other, in the order they came. */
static void
make_key(struct job_head *head)
{
	if (*head->repository == '\0')
		snprintf(head->key, sizeof head->key, "@event:%s", head->event);
	else if (head->number == 0)
		memcpy(head->key, head->repository, sizeof head->key);
	else
		snprintf(head->key, sizeof head->key, "%.*s#%lld",
		    REPOSITORY_MAX, head->repository, (long long)head->number);
}

enum reply_code
payload_wanted(const struct job_head *head, const struct settings *s)
{
	const struct event_kind *kind = event_find(head->event);
	unsigned flags = kind != NULL ? kind->flags : 0;

	if ((flags & EVENT_ALWAYS) != 0 || hooks_want(s->hooks, head))
		return REPLY_NONE;
	if (*head->repository != '\0' &&
	    !config_has_repository(s->config, head->repository))
		return REPLY_IGNORED_REPOSITORY;
	if ((flags & EVENT_BUILTIN) == 0 ||
	    (kind->wanted_by != NULL && config_str(s->config, head->repository,
					    kind->wanted_by) == NULL))
		return REPLY_IGNORED_EVENT;
	return REPLY_NONE;
}
