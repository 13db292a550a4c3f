/* SPDX-License-Identifier: MIT */
/*
 * Rules: conditions on values, joined by and, or, not.
 *
 * A rule holds, does not hold, or cannot be told: a value longer than
 * TEXT_MAX is not searched, because the library's matcher needs time and
 * memory that grow with it. What cannot be told makes the whole rule so, also
 * under `not`, and the hook does not match: otherwise padding a value would
 * be a way around an exclusion.
 */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cidr.h"
#include "config.h"
#include "head.h"
#include "hook_parts.h"
#include "json.h"

#define RULE_DEPTH 16	 /* levels of and, or, not */
#define TEXT_MAX   65536 /* bytes of a value that is searched */

struct hook_rule {
	int (*holds)(const struct hook_rule *rule, const struct job_head *head,
	    const struct json *payload, struct buf *why);
	const struct hook_rule *const *rules; /* and, or, not */
	const char *path;		      /* value, regex */
	const char *const *equals;
	const char *pattern;
	regex_t regex;
	struct hook_rule *next_regex; /* for hook_rules_release() */
	const struct cidr *ranges;
	size_t range_count;
};

/* ---- asking ---- */

int
hook_rule_holds(const struct hook_rule *rule, const struct job_head *head,
    const struct json *payload, struct buf *why)
{
	return rule->holds(rule, head, payload, why);
}

static int
and_holds(const struct hook_rule *rule, const struct job_head *head,
    const struct json *payload, struct buf *why)
{
	for (size_t i = 0; rule->rules[i] != NULL; i++) {
		int holds = hook_rule_holds(rule->rules[i], head, payload, why);

		if (holds != 1)
			return holds;
	}
	return 1;
}

static int
or_holds(const struct hook_rule *rule, const struct job_head *head,
    const struct json *payload, struct buf *why)
{
	for (size_t i = 0; rule->rules[i] != NULL; i++) {
		int holds =
		    hook_rule_holds(rule->rules[i], head, payload, NULL);

		if (holds != 0) {
			if (holds == -1)
				hook_say(why, "or: a value is too long");
			return holds;
		}
	}
	hook_say(why, "or: none of its rules holds");
	return 0;
}

static int
not_holds(const struct hook_rule *rule, const struct job_head *head,
    const struct json *payload, struct buf *why)
{
	int holds = hook_rule_holds(rule->rules[0], head, payload, NULL);

	if (holds == -1)
		hook_say(why, "not: a value is too long");
	if (holds == 1)
		hook_say(why, "not: its rule holds");
	return holds == -1 ? -1 : !holds;
}

/* Reads the rule's value; 1 there, 0 not there, -1 too long. */
static int
read_value(struct buf *out, const struct hook_rule *rule,
    const struct job_head *head, const struct json *payload, struct buf *why)
{
	int there = hook_value(out, rule->path, head, payload);

	if (out->state != BUF_OK) {
		hook_say(why, "%s: the value is too long", rule->path);
		return -1;
	}
	if (!there)
		hook_say(why, "%s: there is no value", rule->path);
	return there;
}

static int
value_holds(const struct hook_rule *rule, const struct job_head *head,
    const struct json *payload, struct buf *why)
{
	struct buf text;
	int holds;

	buf_init(&text, TEXT_MAX);
	holds = read_value(&text, rule, head, payload, why);
	if (holds == 1 && rule->equals != NULL) {
		holds = 0;
		for (size_t i = 0; rule->equals[i] != NULL; i++)
			holds |= strcmp(rule->equals[i], text.data) == 0;
		if (!holds)
			hook_say(
			    why, "%s: not %s", rule->path, rule->equals[0]);
	}
	buf_release(&text);
	return holds;
}

static int
regex_holds(const struct hook_rule *rule, const struct job_head *head,
    const struct json *payload, struct buf *why)
{
	struct buf text;
	int holds;

	buf_init(&text, TEXT_MAX);
	holds = read_value(&text, rule, head, payload, why);
	if (holds == 1 && regexec(&rule->regex, text.data, 0, NULL, 0) != 0) {
		hook_say(
		    why, "%s: does not match %s", rule->path, rule->pattern);
		holds = 0;
	}
	buf_release(&text);
	return holds;
}

static int
cidr_holds(const struct hook_rule *rule, const struct job_head *head,
    const struct json *payload, struct buf *why)
{
	(void)payload;
	if (cidr_match(rule->ranges, rule->range_count, head->peer))
		return 1;
	hook_say(why, "cidr: %s is in none of the ranges",
	    *head->peer != '\0' ? head->peer : "an unknown address");
	return 0;
}

/* ---- reading ---- */

static int
read_rules(struct hook_rule *rule, struct hooks *hooks,
    const struct config_value *v, unsigned depth, struct err *err)
{
	size_t n = value_count(v);
	const struct hook_rule **list;

	if (!value_is_list(v) || n == 0)
		return hook_wrong(err, v, "a list of rules is wanted");
	list = hooks_alloc(hooks, (n + 1) * sizeof *list, err);
	if (list == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (hook_rule_read(
			&list[i], hooks, value_at(v, i), depth + 1, err) == -1)
			return -1;
	}
	rule->rules = list;
	return 0;
}

static int
read_not(struct hook_rule *rule, struct hooks *hooks,
    const struct config_value *v, unsigned depth, struct err *err)
{
	const struct hook_rule **list =
	    hooks_alloc(hooks, 2 * sizeof *list, err);

	if (list == NULL)
		return -1;
	rule->rules = list;
	return hook_rule_read(list, hooks, v, depth + 1, err);
}

/* The mapping {path: ..., OTHER: ...}: *other is NULL where it is missing. */
static int
read_pair(struct hook_rule *rule, const struct config_value **other,
    struct hooks *hooks, const struct config_value *v, const char *name,
    struct err *err)
{
	const char *path, *problem;

	if (!value_is_map(v))
		return hook_wrong(
		    err, v, "{path: ..., %s: ...} is wanted", name);
	for (size_t i = 0; i < value_count(v); i++) {
		if (strcmp(value_name(v, i), "path") != 0 &&
		    strcmp(value_name(v, i), name) != 0)
			return hook_wrong(err, v,
			    "unknown key \"%.40s\"; path and %s are known",
			    value_name(v, i), name);
	}
	*other = value_get(v, name);
	path = value_str(value_get(v, "path"));
	if (path == NULL)
		return hook_wrong(err, v, "the path is missing");
	problem = hook_path_problem(path);
	if (problem != NULL)
		return hook_wrong(err, v, "%.60s: %s", path, problem);
	rule->path = hooks_copy(hooks, path, err);
	return rule->path != NULL ? 0 : -1;
}

static int
read_value_rule(struct hook_rule *rule, struct hooks *hooks,
    const struct config_value *v, unsigned depth, struct err *err)
{
	const struct config_value *equals = NULL;

	(void)depth;
	if (read_pair(rule, &equals, hooks, v, "equals", err) == -1)
		return -1;
	if (equals == NULL)
		return 0;
	return hooks_strings(&rule->equals, hooks, equals, err);
}

/* Back-references make matching take exponential time. */
static int
has_back_reference(const char *pattern)
{
	for (; *pattern != '\0'; pattern++) {
		if (*pattern != '\\')
			continue;
		pattern++;
		if (*pattern >= '1' && *pattern <= '9')
			return 1;
		if (*pattern == '\0')
			break;
	}
	return 0;
}

static int
read_regex(struct hook_rule *rule, struct hooks *hooks,
    const struct config_value *v, unsigned depth, struct err *err)
{
	const struct config_value *pattern = NULL;
	const char *text;
	char problem[80];
	int rc;

	(void)depth;
	if (read_pair(rule, &pattern, hooks, v, "pattern", err) == -1)
		return -1;
	text = value_str(pattern);
	if (text == NULL)
		return hook_wrong(err, v, "the pattern is missing");
	if (has_back_reference(text))
		return hook_wrong(err, pattern,
		    "%.60s: back-references are not supported", text);
	rule->pattern = hooks_copy(hooks, text, err);
	if (rule->pattern == NULL)
		return -1;
	rc = regcomp(&rule->regex, text, REG_EXTENDED | REG_NOSUB);
	if (rc != 0) {
		regerror(rc, &rule->regex, problem, sizeof problem);
		return hook_wrong(err, pattern, "%.60s: %s", text, problem);
	}
	rule->next_regex = hooks->regexes;
	hooks->regexes = rule;
	return 0;
}

static int
read_cidr(struct hook_rule *rule, struct hooks *hooks,
    const struct config_value *v, unsigned depth, struct err *err)
{
	const char *const *texts;
	struct cidr *ranges;
	size_t n = 0;

	(void)depth;
	if (hooks_strings(&texts, hooks, v, err) == -1)
		return -1;
	while (texts[n] != NULL)
		n++;
	ranges = hooks_alloc(hooks, n * sizeof *ranges, err);
	if (ranges == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct err why = { 0 };

		if (cidr_parse(&ranges[i], texts[i], &why) == -1)
			return hook_wrong(err, v, "%s", why.text);
	}
	rule->ranges = ranges;
	rule->range_count = n;
	return 0;
}

static const struct {
	const char *name;
	int (*read)(struct hook_rule *rule, struct hooks *hooks,
	    const struct config_value *v, unsigned depth, struct err *err);
	int (*holds)(const struct hook_rule *rule, const struct job_head *head,
	    const struct json *payload, struct buf *why);
} kinds[] = {
	{ "and", read_rules, and_holds },
	{ "or", read_rules, or_holds },
	{ "not", read_not, not_holds },
	{ "value", read_value_rule, value_holds },
	{ "regex", read_regex, regex_holds },
	{ "cidr", read_cidr, cidr_holds },
};

int
hook_rule_read(const struct hook_rule **out, struct hooks *hooks,
    const struct config_value *v, unsigned depth, struct err *err)
{
	struct hook_rule *rule;

	if (!value_is_map(v) || value_count(v) != 1)
		return hook_wrong(err, v,
		    "a rule is a mapping with one of "
		    "and, or, not, value, regex, cidr");
	if (depth > RULE_DEPTH)
		return hook_wrong(
		    err, v, "rules nest deeper than %d levels", RULE_DEPTH);
	rule = hooks_alloc(hooks, sizeof *rule, err);
	if (rule == NULL)
		return -1;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(kinds[i].name, value_name(v, 0)) != 0)
			continue;
		rule->holds = kinds[i].holds;
		*out = rule;
		return kinds[i].read(
		    rule, hooks, value_get(v, kinds[i].name), depth, err);
	}
	return hook_wrong(err, v,
	    "unknown rule \"%.40s\"; and, or, not, "
	    "value, regex, cidr are known",
	    value_name(v, 0));
}

void
hook_rules_release(struct hooks *hooks)
{
	for (; hooks->regexes != NULL;
	     hooks->regexes = hooks->regexes->next_regex)
		regfree(&hooks->regexes->regex);
}
