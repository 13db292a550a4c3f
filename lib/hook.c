/* SPDX-License-Identifier: MIT */
/*
 * The set of hooks of one configuration: made, counted, freed, and asked
 * whether an event is worth queueing.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "head.h"
#include "hook_parts.h"

#define HOOKS_MAX 1000 /* more in one file is a mistake */

static int add_all(struct hooks *hooks, const char *repository,
    const struct config_value *list, struct err *err);
static int is_named(const char *const *names, const char *name);

void *
hooks_alloc(struct hooks *hooks, size_t size, struct err *err)
{
	struct hook_block *block = calloc(1, sizeof *block + size);

	if (block == NULL) {
		(void)err_set(err, ERR_TEMP, 0, "hooks: out of memory");
		return NULL;
	}
	block->next = hooks->blocks;
	hooks->blocks = block;
	return block + 1;
}

char *
hooks_copy(struct hooks *hooks, const char *text, struct err *err)
{
	size_t size = strlen(text) + 1;
	char *copy = hooks_alloc(hooks, size, err);

	return copy != NULL ? memcpy(copy, text, size) : NULL;
}

int
hooks_strings(const char *const **out, struct hooks *hooks,
    const struct config_value *v, struct err *err)
{
	size_t n = value_is_list(v) ? value_count(v) : 1;
	const char **list = hooks_alloc(hooks, (n + 1) * sizeof *list, err);

	if (list == NULL)
		return -1;
	if (n == 0)
		return hook_wrong(err, v, "the list is empty");
	for (size_t i = 0; i < n; i++) {
		const struct config_value *item =
		    value_is_list(v) ? value_at(v, i) : v;
		const char *text = value_str(item);

		if (text == NULL)
			return hook_wrong(err, item, "a string is wanted");
		list[i] = hooks_copy(hooks, text, err);
		if (list[i] == NULL)
			return -1;
	}
	*out = list;
	return 0;
}

int
hook_wrong(struct err *err, const struct config_value *v, const char *fmt, ...)
{
	char place[96], text[ERR_TEXT_MAX];
	va_list ap;

	value_place(place, sizeof place, v);
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return err_set(err, ERR_CONF, 0, "%s: %s", place, text);
}

/* The top level's hooks come first, then those of each repository. */
int
hooks_compile(struct hooks **out, const struct config *config, struct err *err)
{
	struct hooks *hooks = calloc(1, sizeof *hooks);
	const struct config_value *top = config_node(config, NULL, "hooks");
	const char *const *repositories;
	size_t n = config_repositories(config, &repositories);

	if (hooks == NULL)
		return err_set(err, ERR_TEMP, 0, "hooks: out of memory");
	if (top != NULL && add_all(hooks, NULL, top, err) == -1)
		goto fail;
	for (size_t i = 0; i < n; i++) {
		const struct config_value *own =
		    config_node(config, repositories[i], "hooks");

		/* A block without hooks answers with the top level's. */
		if (own == NULL || own == top)
			continue;
		if (add_all(hooks, repositories[i], own, err) == -1)
			goto fail;
	}
	*out = hooks;
	return 0;
fail:
	hooks_free(hooks);
	return -1;
}

/* `repository` is the arena's copy: one pointer, one repository. */
static int
add_one(struct hooks *hooks, const char *repository,
    const struct config_value *v, struct err *err)
{
	struct hook *hook = &hooks->list[hooks->count];

	*hook = (struct hook){ .repository = repository };
	if (hook_read(hook, hooks, v, err) == -1)
		return -1;
	/* Two repositories may have a hook of one name; one job sees the top
	 * level's and one repository's, and steps are called after them. */
	for (size_t i = 0; i < hooks->count; i++) {
		const struct hook *other = &hooks->list[i];

		if (strcmp(other->name, hook->name) == 0 &&
		    (other->repository == NULL ||
			other->repository == repository))
			return hook_wrong(err, v,
			    "hook \"%s\": the name is taken", hook->name);
	}
	hooks->count++;
	return 0;
}

static int
add_all(struct hooks *hooks, const char *repository,
    const struct config_value *list, struct err *err)
{
	size_t n = value_count(list);
	struct hook *more;

	if (!value_is_list(list))
		return hook_wrong(err, list, "hooks: a list is wanted");
	if (n > HOOKS_MAX - hooks->count)
		return hook_wrong(err, list, "hooks: more than %d", HOOKS_MAX);
	if (n == 0)
		return 0;
	more = reallocarray(hooks->list, hooks->count + n, sizeof *more);
	if (more == NULL)
		return err_set(err, ERR_TEMP, 0, "hooks: out of memory");
	hooks->list = more;
	if (repository != NULL) {
		repository = hooks_copy(hooks, repository, err);
		if (repository == NULL)
			return -1;
	}
	for (size_t i = 0; i < n; i++) {
		if (add_one(hooks, repository, value_at(list, i), err) == -1)
			return -1;
	}
	return 0;
}

void
hooks_free(struct hooks *hooks)
{
	struct hook_block *block, *next;

	if (hooks == NULL)
		return;
	hook_rules_release(hooks);
	for (block = hooks->blocks; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	free(hooks->list);
	free(hooks);
}

size_t
hooks_count(const struct hooks *hooks)
{
	return hooks->count;
}

const struct hook *
hooks_at(const struct hooks *hooks, size_t i)
{
	return i < hooks->count ? &hooks->list[i] : NULL;
}

static int
is_named(const char *const *names, const char *name)
{
	if (names == NULL)
		return 1;
	for (; *names != NULL; names++) {
		if (strcmp(*names, name) == 0)
			return 1;
	}
	return 0;
}

/* What the head alone decides; the first condition that fails, or NULL. */
static const char *
head_problem(const struct hook *hook, const struct job_head *head)
{
	if (hook->repository != NULL &&
	    strcasecmp(hook->repository, head->repository) != 0)
		return "repository";
	if (!is_named(hook->events, head->event))
		return "events";
	if (!is_named(hook->actions, head->action))
		return "actions";
	return NULL;
}

int
hooks_want(const struct hooks *hooks, const struct job_head *head)
{
	for (size_t i = 0; i < hooks->count; i++) {
		if (head_problem(&hooks->list[i], head) == NULL)
			return 1;
	}
	return 0;
}

int
hook_match(const struct hook *hook, const struct job_head *head,
    const struct json *payload, struct buf *why)
{
	const char *problem = head_problem(hook, head);

	if (problem != NULL) {
		hook_say(why, "%s", problem);
		return 0;
	}
	if (!hook_refs_match(hook, head, payload, why) ||
	    !hook_labels_match(hook, payload, why))
		return 0;
	return hook->match == NULL ||
	       hook_rule_holds(hook->match, head, payload, why) == 1;
}
