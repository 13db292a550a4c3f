/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_check.h"
#include "config_form.h"
#include "event.h"

/*
 * The checks that single rows of the table name: what types, ranges and
 * forms cannot say. Each is called only where those found nothing wrong.
 */

/* ---- lists of named things, and repositories ---- */

struct named {
	const char *name;
	const struct config_value *v;
	size_t i;
};

static int
by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int c = strcasecmp(x->name, y->name);

	return c != 0 ? c : (x->i > y->i) - (x->i < y->i);
}

/* Names of the members `key` of all items, sorted without regard to case. */
static size_t
gather_names(struct named **out, struct problems *p,
    const struct config_value *v, const char *key)
{
	struct named *list = calloc(v->count + 1, sizeof *list);
	size_t n = 0;

	if (list == NULL) {
		p->no_memory = 1;
		return 0;
	}
	for (size_t i = 0; i < v->count; i++) {
		const char *name = value_str(value_get(v->items[i], key));

		if (name != NULL)
			list[n++] = (struct named){ name,
				value_get(v->items[i], key), i };
	}
	qsort(list, n, sizeof *list, by_name);
	*out = list;
	return n;
}

static void
refuse_twice(struct problems *p, const struct config_value *list,
    const char *path, const struct named *first, const struct named *again)
{
	char where[CONFIG_PATH];

	if (list->kind == VALUE_MAP)
		snprintf(where, sizeof where, "%s.%s.name", path,
		    list->names[again->i]);
	else
		snprintf(where, sizeof where, "%s[%zu].name", path, again->i);
	problem_error(p, again->v, where, "\"%s\" stands in line %u already",
	    again->name, first->v->line);
}

static void
refuse_doubles(struct problems *p, const struct config_value *v,
    const char *path, int (*compare)(const char *, const char *))
{
	struct named *list;
	size_t n = gather_names(&list, p, v, "name");

	for (size_t i = 1; i < n; i++) {
		if (compare(list[i - 1].name, list[i].name) == 0)
			refuse_twice(p, v, path, &list[i - 1], &list[i]);
	}
	if (!p->no_memory)
		free(list);
}

void
check_repositories(
    struct problems *p, const struct config_value *v, const char *path)
{
	if (v->count == 0)
		problem_error(p, v, path, "expected at least one repository");
	refuse_doubles(p, v, path, strcasecmp);
}

void
check_unique_names(
    struct problems *p, const struct config_value *v, const char *path)
{
	refuse_doubles(p, v, path, strcmp);
}

void
check_custom_runs(
    struct problems *p, const struct config_value *v, const char *path)
{
	static const char *const reserved[] = { "tox", "pre-commit",
		"build-container", "python-module-install",
		"conventional-title", "can-be-merged",
		"security-suspicious-paths", "security-committer-identity",
		"verified", "CherryPicked" };
	char where[CONFIG_PATH];

	for (size_t i = 0; i < v->count; i++) {
		const struct config_value *name =
		    value_get(v->items[i], "name");

		snprintf(where, sizeof where, "%s[%zu].name", path, i);
		for (size_t k = 0; k < sizeof reserved / sizeof *reserved; k++)
			if (strcmp(value_str(name), reserved[k]) == 0)
				problem_error(p, name, where,
				    "\"%s\" is the name of a check of the "
				    "server",
				    reserved[k]);
	}
	check_unique_names(p, v, path);
}

/* ---- single keys ---- */

void
check_container(
    struct problems *p, const struct config_value *v, const char *path)
{
	int password = value_get(v, "password") != NULL;
	int file = value_get(v, "password-file") != NULL;

	if (password && file)
		problem_error(p, v, path,
		    "password and password-file exclude each other");
	else if (!password && !file && value_get(v, "username") != NULL)
		problem_error(
		    p, v, path, "password or password-file is required");
}

void
check_address_gate(
    struct problems *p, const struct config_value *v, const char *path)
{
	int yes;

	if (value_bool(&yes, v) == 0 && yes)
		problem_warning(p, v, path,
		    "deliveries are taken from every address until then; "
		    "see allow-ips");
}

/* An event that GitHub adds tomorrow is no mistake, a slip of the pen is. */
void
check_kinds(struct problems *p, const struct config_value *v, const char *path)
{
	for (size_t i = 0; i < v->count; i++) {
		char below[CONFIG_PATH];

		if (event_find(v->names[i]) != NULL)
			continue;
		snprintf(below, sizeof below, "%s.%s", path, v->names[i]);
		problem_warning(p, v->items[i], below, "no known event");
	}
}

/* ---- hooks ---- */

void
check_hook_command(
    struct problems *p, const struct config_value *v, const char *path)
{
	if (v->count == 0 || v->names[0][0] == '\0')
		problem_error(p, v, path, "expected a program");
}

void
check_variables(
    struct problems *p, const struct config_value *v, const char *path)
{
	char where[CONFIG_PATH];

	for (size_t i = 0; i < v->count; i++) {
		if (form_variable.matches(v->names[i]))
			continue;
		snprintf(where, sizeof where, "%s.%s", path, v->names[i]);
		problem_error(
		    p, v->items[i], where, "expected %s", form_variable.words);
	}
}

static void
check_rule_list(
    struct problems *p, const struct config_value *v, const char *path)
{
	char where[CONFIG_PATH];

	if (v->kind != VALUE_LIST || v->count == 0) {
		problem_error(p, v, path, "expected a list of rules");
		return;
	}
	for (size_t i = 0; i < v->count; i++) {
		snprintf(where, sizeof where, "%s[%zu]", path, i);
		check_hook_rule(p, v->items[i], where);
	}
}

/* {path: ..., KEY: ...}, both of them strings, and nothing else. */
static void
check_comparison(struct problems *p, const struct config_value *v,
    const char *path, const char *key)
{
	const struct config_value *at = value_get(v, "path");
	const struct config_value *with = value_get(v, key);

	if (v->kind != VALUE_MAP || v->count != 2 || value_str(at) == NULL ||
	    value_str(with) == NULL || value_str(at)[0] == '\0')
		problem_error(p, v, path,
		    "expected a mapping of path and %s, both strings", key);
	else if (strcmp(key, "pattern") == 0 &&
		 !form_regex.matches(value_str(with)))
		problem_error(p, with, path,
		    "expected %s of at most 1024 bytes", form_regex.words);
}

static void
check_value_rule(
    struct problems *p, const struct config_value *v, const char *path)
{
	const struct config_value *at = value_get(v, "path");
	const struct config_value *with = value_get(v, "equals");
	size_t known = (at != NULL) + (with != NULL);

	if (v->kind != VALUE_MAP || v->count != known ||
	    value_str(at) == NULL || value_str(at)[0] == '\0' ||
	    value_is_map(with)) {
		problem_error(p, v, path,
		    "expected a mapping of path, and equals with a value or a "
		    "list of values");
		return;
	}
	for (size_t i = 0; value_is_list(with) && i < value_count(with); i++) {
		if (value_str(value_at(with, i)) == NULL)
			problem_error(
			    p, value_at(with, i), path, "expected a value");
	}
}

static void
check_regex_rule(
    struct problems *p, const struct config_value *v, const char *path)
{
	check_comparison(p, v, path, "pattern");
}

static void
check_cidr_rule(
    struct problems *p, const struct config_value *v, const char *path)
{
	size_t n = v->kind == VALUE_LIST ? v->count : 1;

	if (n == 0)
		problem_error(p, v, path, "expected an address range");
	for (size_t i = 0; i < n; i++) {
		const struct config_value *item =
		    v->kind == VALUE_LIST ? v->items[i] : v;

		if (value_str(item) == NULL ||
		    !form_cidr.matches(value_str(item)))
			problem_error(
			    p, item, path, "expected %s", form_cidr.words);
	}
}

static const struct {
	const char *name;
	config_check_fn *check;
} rules[] = {
	{ "and", check_rule_list },
	{ "or", check_rule_list },
	{ "not", check_hook_rule },
	{ "value", check_value_rule },
	{ "regex", check_regex_rule },
	{ "cidr", check_cidr_rule },
};

void
check_hook_rule(
    struct problems *p, const struct config_value *v, const char *path)
{
	char where[CONFIG_PATH];

	if (v->kind != VALUE_MAP || v->count != 1) {
		problem_error(p, v, path,
		    "expected a rule: a mapping with one of and, or, not, "
		    "value, regex, cidr");
		return;
	}
	snprintf(where, sizeof where, "%s.%s", path, v->names[0]);
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		if (strcmp(v->names[0], rules[i].name) == 0) {
			rules[i].check(p, v->items[0], where);
			return;
		}
	}
	problem_error(p, v->items[0], where,
	    "unknown rule; expected one of and, or, not, value, regex, cidr");
}
