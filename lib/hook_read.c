/* SPDX-License-Identifier: MIT */
/*
 * One hook's mapping in the configuration becomes a struct hook: a table of
 * keys, each with the function that reads and checks its value.
 */
#include <string.h>

#include "clock.h"
#include "config.h"
#include "glob.h"
#include "hook_parts.h"

#define TIMEOUT_DEFAULT (10 * 60 * CLOCK_SECOND)
#define TIMEOUT_MAX	(INT64_C(7) * 24 * 3600 * CLOCK_SECOND)
#define RETRIES_MAX	100

#define NAME_CHARS                                                             \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define VARIABLE_CHARS                                                         \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

static const char *const sandbox_names[] = {
	[SANDBOX_NONE] = "none",
	[SANDBOX_LIMITS] = "limits",
	[SANDBOX_STRICT] = "strict",
};

static const char *const workspace_names[] = {
	[WORKSPACE_HEAD] = "head",
	[WORKSPACE_MERGE] = "merge",
	[WORKSPACE_TAG] = "tag",
	[WORKSPACE_DEFAULT] = "default-branch",
};

/* What a reader gets: the hook to fill, its arena, the key's own place. */
struct reading {
	struct hook *hook;
	struct hooks *hooks;
	size_t at;			      /* offset in struct hook */
	const char *(*problem)(const char *); /* of a string, or NULL */
	struct err *err;
};

static void *
target(const struct reading *r)
{
	return (char *)r->hook + r->at;
}

/* ---- checks of single strings ---- */

static const char *
event_problem(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return len > 0 && len <= 64 && text[len] == '\0'
		   ? NULL
		   : "not an event's name";
}

static const char *
path_name_problem(const char *text)
{
	return *text == '/' ? NULL : "an absolute path is wanted";
}

/* ---- readers ---- */

static int
read_text(const struct reading *r, const struct config_value *v)
{
	const char *text = value_str(v), *problem;
	char *copy;

	if (text == NULL || *text == '\0')
		return hook_wrong(r->err, v, "a string is wanted");
	problem = r->problem != NULL ? r->problem(text) : NULL;
	if (problem != NULL)
		return hook_wrong(r->err, v, "%.60s: %s", text, problem);
	copy = hooks_copy(r->hooks, text, r->err);
	if (copy == NULL)
		return -1;
	*(const char **)target(r) = copy;
	return 0;
}

static int
read_list(const struct reading *r, const struct config_value *v)
{
	const char *const *list;

	if (hooks_strings(&list, r->hooks, v, r->err) == -1)
		return -1;
	for (size_t i = 0; list[i] != NULL && r->problem != NULL; i++) {
		const char *problem = r->problem(list[i]);

		if (problem != NULL)
			return hook_wrong(r->err,
			    value_is_list(v) ? value_at(v, i) : v, "%.60s: %s",
			    list[i], problem);
	}
	*(const char *const **)target(r) = list;
	return 0;
}

/* A list of exclusions alone would match nothing. */
static int
read_globs(const struct reading *r, const struct config_value *v)
{
	const char *const *list;

	if (read_list(r, v) == -1)
		return -1;
	list = *(const char *const **)target(r);
	for (; *list != NULL; list++) {
		if (**list != '!')
			return 0;
	}
	return hook_wrong(
	    r->err, v, "nothing but exclusions; put \"**\" before them");
}

static int
read_flag(const struct reading *r, const struct config_value *v)
{
	if (value_bool(target(r), v) == -1)
		return hook_wrong(r->err, v, "true or false is wanted");
	return 0;
}

static int
read_timeout(const struct reading *r, const struct config_value *v)
{
	int64_t ns;

	if (value_duration(&ns, v) == -1 || ns <= 0 || ns > TIMEOUT_MAX)
		return hook_wrong(r->err, v,
		    "a duration up to 7 days is wanted, such as 90s or 10m");
	r->hook->timeout = ns;
	return 0;
}

static int
read_retries(const struct reading *r, const struct config_value *v)
{
	int64_t n;

	if (value_int(&n, v) == -1 || n < 0 || n > RETRIES_MAX)
		return hook_wrong(
		    r->err, v, "a number from 0 to %d is wanted", RETRIES_MAX);
	r->hook->retries = (unsigned)n;
	return 0;
}

static int
read_name(const struct reading *r, const struct config_value *v)
{
	const char *text = value_str(v);
	size_t len = text != NULL ? strspn(text, NAME_CHARS) : 0;

	if (len == 0 || len >= HOOK_NAME_MAX || text[len] != '\0')
		return hook_wrong(r->err, v,
		    "a name of 1 to 64 letters, digits, \".\", \"_\", \"-\" "
		    "is wanted");
	return read_text(r, v);
}

static int
read_command(const struct reading *r, const struct config_value *v)
{
	if (!value_is_list(v))
		return hook_wrong(r->err, v,
		    "a list is wanted: the program and its arguments");
	if (read_list(r, v) == -1)
		return -1;
	if (strstr(r->hook->command[0], "{{") != NULL)
		return hook_wrong(r->err, v,
		    "the program itself cannot come from the payload");
	if (*r->hook->command[0] == '\0')
		return hook_wrong(r->err, v, "the program's name is empty");
	return 0;
}

static int
read_match(const struct reading *r, const struct config_value *v)
{
	return hook_rule_read(&r->hook->match, r->hooks, v, 1, r->err);
}

static int
read_stdin(const struct reading *r, const struct config_value *v)
{
	const char *text = value_str(v);

	r->hook->payload_on_stdin =
	    text != NULL && strcmp(text, "payload") == 0;
	if (!r->hook->payload_on_stdin &&
	    (text == NULL || strcmp(text, "none") != 0))
		return hook_wrong(r->err, v, "payload or none is wanted");
	return 0;
}

static int
read_sandbox(const struct reading *r, const struct config_value *v)
{
	const char *text = value_str(v);

	for (unsigned i = SANDBOX_NONE; text != NULL && i <= SANDBOX_STRICT;
	     i++) {
		if (strcmp(sandbox_names[i], text) == 0) {
			r->hook->sandbox = (enum hook_sandbox)i;
			return 0;
		}
	}
	return hook_wrong(r->err, v, "none, limits or strict is wanted");
}

static int
read_workspace(const struct reading *r, const struct config_value *v)
{
	const char *text = value_str(v);

	for (unsigned i = WORKSPACE_HEAD;
	     text != NULL && i <= WORKSPACE_DEFAULT; i++) {
		if (strcmp(workspace_names[i], text) == 0) {
			r->hook->workspace = (enum hook_workspace)i;
			return 0;
		}
	}
	return hook_wrong(
	    r->err, v, "head, merge, tag or default-branch is wanted");
}

static int
variable_is_ours(const char *name)
{
	return strncmp(name, "HOOKSPOOL_", 10) == 0;
}

static int
read_variable(struct hook_env *out, const struct reading *r,
    const struct config_value *v, size_t i)
{
	const char *name = value_name(v, i);
	const struct config_value *item = value_get(v, name);
	const char *text = value_str(item), *problem;
	size_t len = strspn(name, VARIABLE_CHARS);

	if (len == 0 || len > 128 || name[len] != '\0' ||
	    strchr("0123456789", *name) != NULL || variable_is_ours(name))
		return hook_wrong(r->err, item,
		    "%.60s: no name for a variable of yours", name);
	if (text == NULL)
		return hook_wrong(r->err, item, "%s: a string is wanted", name);
	problem = hook_template_problem(text);
	if (problem != NULL)
		return hook_wrong(r->err, item, "%.60s: %s", text, problem);
	out->name = hooks_copy(r->hooks, name, r->err);
	out->value = hooks_copy(r->hooks, text, r->err);
	return out->name != NULL && out->value != NULL ? 0 : -1;
}

static int
read_environment(const struct reading *r, const struct config_value *v)
{
	size_t n = value_count(v);
	struct hook_env *list;

	if (!value_is_map(v))
		return hook_wrong(
		    r->err, v, "a mapping of names to values is wanted");
	list = hooks_alloc(r->hooks, (n + 1) * sizeof *list, r->err);
	if (list == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (read_variable(&list[i], r, v, i) == -1)
			return -1;
	}
	r->hook->environment = list;
	return 0;
}

/* ---- the table ---- */

#define AT(member) offsetof(struct hook, member)

static const struct key {
	const char *name;
	int (*read)(const struct reading *r, const struct config_value *v);
	size_t at;
	const char *(*problem)(const char *);
} keys[] = {
	{ "name", read_name, AT(name), NULL },
	{ "events", read_list, AT(events), event_problem },
	{ "actions", read_list, AT(actions), event_problem },
	{ "branches", read_globs, AT(branches), glob_problem },
	{ "tags", read_globs, AT(tags), glob_problem },
	{ "labels", read_list, AT(labels), NULL },
	{ "match", read_match, 0, NULL },
	{ "command", read_command, AT(command), hook_template_problem },
	{ "environment", read_environment, 0, NULL },
	{ "stdin", read_stdin, 0, NULL },
	{ "payload-file", read_flag, AT(payload_file), NULL },
	{ "working-directory", read_text, AT(working_directory),
	    path_name_problem },
	{ "workspace", read_workspace, 0, NULL },
	{ "timeout", read_timeout, 0, NULL },
	{ "retries", read_retries, 0, NULL },
	{ "key", read_text, AT(key), hook_template_problem },
	{ "sandbox", read_sandbox, 0, NULL },
	{ "network", read_flag, AT(network), NULL },
	{ "writable", read_list, AT(writable), path_name_problem },
	{ "readable", read_list, AT(readable), path_name_problem },
};

static const struct key *
find_key(const char *name)
{
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	}
	return NULL;
}

/* What the keys must say together. */
static int
check_whole(
    const struct hook *hook, const struct config_value *v, struct err *err)
{
	if (hook->name == NULL)
		return hook_wrong(err, v, "a hook lacks its name");
	if (hook->command == NULL)
		return hook_wrong(
		    err, v, "hook \"%s\": the command is missing", hook->name);
	if (hook->workspace != WORKSPACE_NONE &&
	    hook->working_directory != NULL)
		return hook_wrong(err, v,
		    "hook \"%s\": workspace and working-directory exclude "
		    "each other",
		    hook->name);
	if (hook->sandbox == SANDBOX_STRICT)
		return 0;
	if (value_get(v, "network") != NULL || hook->readable != NULL)
		return hook_wrong(err, v,
		    "hook \"%s\": network and readable "
		    "need sandbox: strict",
		    hook->name);
	if (hook->sandbox == SANDBOX_NONE && hook->writable != NULL)
		return hook_wrong(err, v,
		    "hook \"%s\": writable needs "
		    "sandbox: limits or strict",
		    hook->name);
	return 0;
}

int
hook_read(struct hook *hook, struct hooks *hooks, const struct config_value *v,
    struct err *err)
{
	if (!value_is_map(v))
		return hook_wrong(err, v, "a hook is a mapping");
	hook->timeout = TIMEOUT_DEFAULT;
	for (size_t i = 0; i < value_count(v); i++) {
		const char *name = value_name(v, i);
		const struct key *key = find_key(name);
		const struct config_value *item = value_get(v, name);
		struct reading r = { .hook = hook, .hooks = hooks, .err = err };

		if (key == NULL)
			return hook_wrong(
			    err, v, "unknown key \"%.40s\" in a hook", name);
		if (item == NULL) /* "key:" alone is as good as not there */
			continue;
		r.at = key->at;
		r.problem = key->problem;
		if (key->read(&r, item) == -1)
			return -1;
	}
	if (hook->sandbox != SANDBOX_STRICT)
		hook->network = 1;
	return check_whole(hook, v, err);
}

const char *
hook_sandbox_name(enum hook_sandbox sandbox)
{
	return sandbox_names[sandbox];
}
