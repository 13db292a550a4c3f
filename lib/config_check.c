/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_check.h"
#include "config_form.h"

/* Where the walk is. */
struct walk {
	struct problems *problems;
	const struct config_value *top;
	unsigned scope;	     /* of the mapping that is being walked */
	int quiet;	     /* below a planned key, which was reported */
	unsigned char *told; /* by key: a planned one was reported */
	char path[CONFIG_PATH];
};

#define SCALARS                                                                \
	(CONFIG_BOOL | CONFIG_INT | CONFIG_STR | CONFIG_DURATION | CONFIG_SIZE)

static const struct {
	enum config_type type;
	const char *words;
} type_words[] = {
	{ CONFIG_BOOL, "true or false" },
	{ CONFIG_INT, "an integer" },
	{ CONFIG_STR, "a string" },
	{ CONFIG_DURATION, "a duration such as 90s, 10m, 2h or 8d" },
	{ CONFIG_SIZE, "a size such as 64k, 25M or 2G" },
	{ CONFIG_LIST, "a list" },
	{ CONFIG_MAP, "a mapping" },
};

static void check_value(
    struct walk *w, const struct config_key *key, struct config_value *v);

/* Adds to the path; returns its length before, for leave(). */
static size_t __attribute__((format(printf, 2, 3)))
enter(struct walk *w, const char *fmt, ...)
{
	size_t len = strlen(w->path);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->path + len, sizeof w->path - len, fmt, ap);
	va_end(ap);
	return len;
}

static void
leave(struct walk *w, size_t len)
{
	w->path[len] = '\0';
}

/* "a list or a string"; at most two types go with each other. */
static void
say_types(char *out, size_t size, unsigned types)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof type_words / sizeof *type_words; i++) {
		if (!(types & type_words[i].type) || len >= size)
			continue;
		len += (size_t)snprintf(out + len, size - len, "%s%s",
		    len > 0 ? " or " : "", type_words[i].words);
	}
}

/* What was found: its kind, or itself where the kind would not explain. */
static void
say_found(char *out, size_t size, const struct config_key *key,
    const struct config_value *v)
{
	int show = v->kind == VALUE_SCALAR && !(key->marks & MARK_SECRET) &&
		   (key->types & (CONFIG_DURATION | CONFIG_SIZE) ||
		       (key->types & CONFIG_INT &&
			   strcmp(value_kind_name(v), "a number") == 0));

	if (show)
		snprintf(out, size, "\"%.60s\"", v->text);
	else
		snprintf(out, size, "%s", value_kind_name(v));
}

static void
refuse_type(
    struct walk *w, const struct config_key *key, const struct config_value *v)
{
	char expected[200], found[80];

	say_types(expected, sizeof expected, key->types);
	say_found(found, sizeof found, key, v);
	problem_error(
	    w->problems, v, w->path, "expected %s, got %s", expected, found);
}

/* ---- ranges ---- */

static int
read_scalar(int64_t *out, unsigned types, const char *text)
{
	uint64_t size;

	if (types & CONFIG_INT)
		return text_int(out, text);
	if (types & CONFIG_DURATION)
		return text_duration(out, text);
	if (text_size(&size, text) == -1)
		return -1;
	*out = (int64_t)size;
	return 0;
}

static void
check_bounds(
    struct walk *w, const struct config_key *key, const struct config_value *v)
{
	char low[32];
	const char *high = strstr(key->range, "..") + 2;
	int64_t n, least, most;

	snprintf(
	    low, sizeof low, "%.*s", (int)(high - 2 - key->range), key->range);
	if (read_scalar(&n, key->types, v->text) == -1 ||
	    read_scalar(&least, key->types, low) == -1 ||
	    read_scalar(&most, key->types, high) == -1)
		return;
	if (n < least || n > most)
		problem_error(w->problems, v, w->path,
		    "expected a value from %s to %s, got %.60s", low, high,
		    v->text);
}

/* Whether `text` is one of the words of "a|b|c". */
static int
is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text);

	while (*choices != '\0') {
		size_t n = strcspn(choices, "|");

		if (n == len && memcmp(choices, text, n) == 0)
			return 1;
		choices += n + (choices[n] == '|');
	}
	return 0;
}

static void
check_choice(
    struct walk *w, const struct config_key *key, const struct config_value *v)
{
	char words[256];
	size_t len = 0;

	if (is_choice(key->range, v->text))
		return;
	for (const char *p = key->range; *p != '\0' && len + 3 < sizeof words;
	     p++) {
		words[len++] = *p == '|' ? ',' : *p;
		if (*p == '|')
			words[len++] = ' ';
	}
	words[len] = '\0';
	problem_error(w->problems, v, w->path,
	    "expected one of %s; got \"%.60s\"", words, v->text);
}

/* ---- one value ---- */

static void
check_string(
    struct walk *w, const struct config_key *key, const struct config_value *v)
{
	if (key->range != NULL)
		check_choice(w, key, v);
	if (key->form == NULL || key->form->matches(v->text))
		return;
	/* What the environment will say is not known here. */
	if (key->marks & MARK_SECRET && strncmp(v->text, "${", 2) == 0)
		return;
	if (key->marks & MARK_SECRET)
		problem_error(
		    w->problems, v, w->path, "expected %s", key->form->words);
	else
		problem_error(w->problems, v, w->path,
		    "expected %s, got \"%.60s\"", key->form->words, v->text);
}

static void
check_scalar(
    struct walk *w, const struct config_key *key, const struct config_value *v)
{
	unsigned numeric =
	    key->types & (CONFIG_INT | CONFIG_DURATION | CONFIG_SIZE);
	int64_t n;
	int yes;

	if (key->types & CONFIG_BOOL && value_bool(&yes, v) == 0)
		return;
	if (numeric && !(numeric & CONFIG_INT && v->quoted) &&
	    read_scalar(&n, key->types, v->text) == 0) {
		if (key->types & CONFIG_STR)
			check_string(w, key, v);
		else if (key->range != NULL)
			check_bounds(w, key, v);
		return;
	}
	if (!(key->types & CONFIG_STR) ||
	    strcmp(value_kind_name(v), "a boolean") == 0)
		refuse_type(w, key, v);
	else
		check_string(w, key, v);
}

/* The row for items that have none of their own: strings like the list's. */
static struct config_key
item_row(const struct config_key *list)
{
	struct config_key item = *list;

	item.types = CONFIG_STR;
	item.check = NULL;
	return item;
}

static void
check_list(struct walk *w, const struct config_key *key, struct config_value *v)
{
	struct config_key strings = item_row(key);
	const struct config_key *item = config_key_member(key, "[]");

	for (size_t i = 0; i < v->count; i++) {
		size_t len = enter(w, "[%zu]", i);

		check_value(w, item != NULL ? item : &strings, v->items[i]);
		leave(w, len);
	}
}

/* ---- mappings ---- */

static void
refuse_unknown(struct walk *w, const struct config_key *parent,
    const struct config_value *v, const char *name)
{
	const char *near = config_key_nearest(parent, name, w->scope);

	if (near != NULL)
		problem_error(w->problems, v, w->path,
		    "unknown key; did you mean %s?", near);
	else
		problem_error(w->problems, v, w->path, "unknown key");
}

/* 1 if the key may stand here; else says why not. */
static int
check_scope(
    struct walk *w, const struct config_key *key, struct config_value *v)
{
	unsigned scopes = config_key_scopes(key);

	if (scopes & w->scope)
		return 1;
	if (w->scope == SCOPE_LOCAL && scopes & SCOPE_IGNORED) {
		problem_warning(w->problems, v, w->path,
		    "not followed in a repository's own file; set it in "
		    "config.yaml");
		v->kind = VALUE_NULL;
	} else if (w->scope == SCOPE_LOCAL) {
		problem_error(
		    w->problems, v, w->path, "may be set in config.yaml only");
	} else if (w->scope == SCOPE_BLOCK) {
		problem_error(w->problems, v, w->path,
		    "belongs at the top of config.yaml, not to a repository");
	} else {
		problem_error(
		    w->problems, v, w->path, "belongs in a repository's block");
	}
	return 0;
}

/* Once for each key: that it does nothing, or is going away. */
static void
check_marks(
    struct walk *w, const struct config_key *key, const struct config_value *v)
{
	unsigned char *told = &w->told[config_key_index(key)];

	if (w->quiet || *told)
		return;
	if (key->marks & MARK_OBSOLETE)
		problem_warning(
		    w->problems, v, w->path, "has no effect: %s", key->note);
	else if (key->marks & MARK_DEPRECATED)
		problem_warning(
		    w->problems, v, w->path, "deprecated: %s", key->note);
	if (key->marks & MARK_PLANNED)
		problem_warning(w->problems, v, w->path, "not in effect yet");
	*told = key->marks != 0;
}

/* An empty key is one that is not set; but who names a thing says what. */
static int
may_be_empty(const struct config_key *key)
{
	return strcmp(config_key_last(key), "*") != 0 &&
	       strcmp(key->name, "repositories") != 0;
}

static void
check_member(struct walk *w, const struct config_key *parent, const char *name,
    struct config_value *v)
{
	const struct config_key *key = config_key_member(parent, name);
	int quiet = w->quiet;

	if (key == NULL) {
		refuse_unknown(w, parent, v, name);
		return;
	}
	if (!check_scope(w, key, v))
		return;
	if (v->kind == VALUE_NULL && may_be_empty(key)) {
		problem_warning(
		    w->problems, v, w->path, "is empty and counts as not set");
		return;
	}
	check_marks(w, key, v);
	w->quiet |= (key->marks & MARK_PLANNED) != 0;
	check_value(w, key, v);
	w->quiet = quiet;
}

/* What a mapping that is merged lacks may stand in the layer below. */
static int
may_inherit(const struct walk *w, const struct config_key *map)
{
	return map != NULL && map->marks & MARK_MERGE &&
	       w->scope == SCOPE_BLOCK && value_get(w->top, map->name) != NULL;
}

static void
check_required(struct walk *w, const struct config_key *parent,
    const struct config_value *map)
{
	const struct config_key *const *rows;
	size_t n = config_keys_marked(&rows, MARK_REQUIRED);

	for (size_t i = 0; i < n; i++) {
		size_t len;

		if (config_key_parent(rows[i]) != parent ||
		    !(config_key_scopes(rows[i]) & w->scope) ||
		    value_get(map, config_key_last(rows[i])) != NULL)
			continue;
		len = enter(w, "%s%s", w->path[0] != '\0' ? "." : "",
		    config_key_last(rows[i]));
		problem_error(w->problems, map, w->path, "is required");
		leave(w, len);
	}
}

static void
check_map(struct walk *w, const struct config_key *key,
    const struct config_value *map)
{
	for (size_t i = 0; i < map->count; i++) {
		size_t len = enter(
		    w, "%s%s", w->path[0] != '\0' ? "." : "", map->names[i]);

		check_member(w, key, map->names[i], map->items[i]);
		leave(w, len);
	}
	if (!may_inherit(w, key))
		check_required(w, key, map);
}

/* A repository's block has the keys of the top that may stand there. */
static void
check_block(struct walk *w, const struct config_value *map)
{
	w->scope = SCOPE_BLOCK;
	check_map(w, NULL, map);
	w->scope = SCOPE_ROOT;
}

static void
check_value(
    struct walk *w, const struct config_key *key, struct config_value *v)
{
	size_t errors = w->problems->errors;

	if (v->kind == VALUE_SCALAR && key->types & SCALARS)
		check_scalar(w, key, v);
	else if (v->kind == VALUE_LIST && key->types & CONFIG_LIST)
		check_list(w, key, v);
	else if (v->kind != VALUE_MAP || !(key->types & CONFIG_MAP))
		refuse_type(w, key, v);
	else if (strcmp(key->name, "repositories.*") == 0)
		check_block(w, v);
	else if (config_key_has_members(key))
		check_map(w, key, v);
	/* The row's own check may rely on what the columns say. */
	if (key->check != NULL && w->problems->errors == errors)
		key->check(w->problems, v, w->path);
}

void
config_check(struct problems *p, const struct config_value *top, unsigned scope)
{
	struct walk w = { .problems = p, .top = top, .scope = scope };

	w.told = calloc(config_keys() + 1, 1);
	if (w.told == NULL) {
		p->no_memory = 1;
		return;
	}
	check_map(&w, NULL, top);
	free(w.told);
}
