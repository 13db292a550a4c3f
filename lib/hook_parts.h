/* SPDX-License-Identifier: MIT */
#ifndef HOOK_PARTS_H
#define HOOK_PARTS_H

#include <stddef.h>

#include "hook.h"

struct config_value;

/*
 * What the files of the hook module share; nobody else includes it.
 *
 * All that a compilation makes lives in the arena of its struct hooks and
 * goes with it. Compiled regular expressions own memory of their own, so
 * rules that have one are chained for hooks_free().
 */

struct hook_block { /* one allocation, its bytes behind it */
	struct hook_block *next;
};

struct hooks {
	struct hook *list;
	size_t count;
	struct hook_block *blocks;
	struct hook_rule *regexes;
};

/* Zeroed memory, or NULL with ERR_TEMP. */
void *hooks_alloc(struct hooks *hooks, size_t size, struct err *err) CHECKED;
char *hooks_copy(
    struct hooks *hooks, const char *text, struct err *err) CHECKED;

/* A list of strings, or one string, as a NULL-terminated array. */
int hooks_strings(const char *const **out, struct hooks *hooks,
    const struct config_value *v, struct err *err) CHECKED;

/* "config.yaml:42: " and the message; ERR_CONF; returns -1. */
int hook_wrong(struct err *err, const struct config_value *v, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/* Fills the hook from its mapping. */
int hook_read(struct hook *hook, struct hooks *hooks,
    const struct config_value *v, struct err *err) CHECKED;

int hook_rule_read(const struct hook_rule **out, struct hooks *hooks,
    const struct config_value *v, unsigned depth, struct err *err) CHECKED;
void hook_rules_release(struct hooks *hooks);

/* 1 holds, 0 does not, -1 cannot be told (a value too large to judge). */
int hook_rule_holds(const struct hook_rule *rule, const struct job_head *head,
    const struct json *payload, struct buf *why);

/* Adds the value at a path; 1 if there is one and it is not null. */
int hook_value(struct buf *out, const char *path, const struct job_head *head,
    const struct json *payload);

/* NULL, or what is wrong with a path or with a template's paths. */
const char *hook_path_problem(const char *path);
const char *hook_template_problem(const char *text);

/* Writes to `why`, which may be NULL. */
void hook_say(struct buf *why, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Conditions of hook_match() on what the payload is about. */
int hook_refs_match(const struct hook *hook, const struct job_head *head,
    const struct json *payload, struct buf *why);
int hook_labels_match(
    const struct hook *hook, const struct json *payload, struct buf *why);

#endif
