/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "config_read.h"
#include "utf8.h"

/* A list or mapping that is still open: its place on the reader's stack. */
struct level {
	struct config_value *v;
	size_t first;	       /* its first entry in `items` and `names` */
	const char *name;      /* key that waits for its value, or NULL */
	unsigned line, column; /* where that key stands */
};

struct reader {
	yaml_parser_t yaml;
	struct value_pool *pool;
	const struct config_source *source;
	struct problems *problems;
	struct level levels[READ_DEPTH];
	size_t depth;
	struct config_value **items; /* of all open levels, innermost last */
	const char **names;
	size_t used, cap;
	struct config_value *top;
	int documents;
};

static int
refuse(struct reader *r, yaml_mark_t at, const char *what)
{
	problem_syntax(r->problems, r->source, (unsigned)at.line + 1,
	    (unsigned)at.column + 1, "%s", what);
	return -1;
}

static int
no_memory(struct reader *r)
{
	r->problems->no_memory = 1;
	return -1;
}

static int
looks_octal(const char *text)
{
	text += *text == '-' || *text == '+';
	if (text[0] != '0' || text[1] == '\0')
		return 0;
	if (text[1] == 'o' || text[1] == 'O')
		return text[2] != '\0' &&
		       text[strspn(text + 2, "01234567_") + 2] == '\0';
	return text[strspn(text, "0123456789_")] == '\0';
}

static int
is_null(const char *text)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };

	for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++) {
		if (strcmp(text, nulls[i]) == 0)
			return 1;
	}
	return 0;
}

static struct config_value *
new_value(struct reader *r, enum value_kind kind, yaml_mark_t at)
{
	struct config_value *v = pool_alloc(r->pool, sizeof *v);
	const struct level *level;

	if (v == NULL)
		return NULL;
	v->kind = kind;
	v->source = r->source;
	v->line = (unsigned)at.line + 1;
	v->column = (unsigned)at.column + 1;
	level = r->depth > 0 ? &r->levels[r->depth - 1] : NULL;
	if (level != NULL && level->name != NULL) {
		v->line = level->line;
		v->column = level->column;
	}
	return v;
}

/* Puts a value where it belongs: into the open level, or at the top. */
static int
place(struct reader *r, struct config_value *v)
{
	struct level *level;

	if (r->depth == 0) {
		r->top = v;
		return 0;
	}
	level = &r->levels[r->depth - 1];
	if (r->used == r->cap) {
		size_t cap = r->cap > 0 ? 2 * r->cap : 64;
		void *items = realloc(r->items, cap * sizeof *r->items);
		void *names;

		if (items != NULL)
			r->items = items;
		names = realloc(r->names, cap * sizeof *r->names);
		if (names != NULL)
			r->names = names;
		if (items == NULL || names == NULL)
			return no_memory(r);
		r->cap = cap;
	}
	r->items[r->used] = v;
	r->names[r->used++] = level->name;
	level->name = NULL;
	return 0;
}

static int
take_key(struct reader *r, const yaml_event_t *e, const char *text)
{
	struct level *level = &r->levels[r->depth - 1];
	int plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	if (text[0] == '\0' || (plain && is_null(text)))
		return refuse(r, e->start_mark, "a key must not be empty");
	level->name = pool_copy(r->pool, text, e->data.scalar.length);
	level->line = (unsigned)e->start_mark.line + 1;
	level->column = (unsigned)e->start_mark.column + 1;
	return level->name != NULL ? 0 : no_memory(r);
}

static int
awaits_key(const struct reader *r)
{
	return r->depth > 0 && r->levels[r->depth - 1].v->kind == VALUE_MAP &&
	       r->levels[r->depth - 1].name == NULL;
}

static int
take_scalar(struct reader *r, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t len = e->data.scalar.length;
	int plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	struct config_value *v;

	if (memchr(text, '\0', len) != NULL)
		return refuse(r, e->start_mark, "a NUL in a string");
	if (plain && looks_octal(text)) {
		problem_syntax(r->problems, r->source,
		    (unsigned)e->start_mark.line + 1,
		    (unsigned)e->start_mark.column + 1,
		    "%s looks like an octal number; put it in quotes or "
		    "write it without the leading zero",
		    text);
		return -1;
	}
	if (awaits_key(r))
		return take_key(r, e, text);
	v = new_value(r, plain && is_null(text) ? VALUE_NULL : VALUE_SCALAR,
	    e->start_mark);
	if (v == NULL)
		return no_memory(r);
	v->quoted = !plain;
	v->len = len;
	v->text = pool_copy(r->pool, text, len);
	return v->text != NULL ? place(r, v) : no_memory(r);
}

static int
open_level(struct reader *r, const yaml_event_t *e, enum value_kind kind)
{
	struct config_value *v;

	if (awaits_key(r))
		return refuse(r, e->start_mark,
		    "a key must be a string, not a list or mapping");
	if (r->depth == READ_DEPTH)
		return refuse(r, e->start_mark,
		    "lists and mappings are nested too deeply");
	v = new_value(r, kind, e->start_mark);
	if (v == NULL)
		return no_memory(r);
	if (place(r, v) == -1)
		return -1;
	r->levels[r->depth++] = (struct level){ .v = v, .first = r->used };
	return 0;
}

/*
 * The entries of a level stand at the end of the reader's arrays: those of
 * the levels inside it were taken away when they were closed.
 */
static int
close_level(struct reader *r)
{
	struct level *level = &r->levels[--r->depth];
	struct config_value *v = level->v;
	size_t n = r->used - level->first, twice;

	if (value_seal(r->pool, v, r->items + level->first,
		r->names + level->first, n) == -1)
		return no_memory(r);
	r->used = level->first;
	twice = v->kind == VALUE_MAP ? value_twice(v) : n;
	if (twice == n)
		return 0;
	problem_syntax(r->problems, r->source, v->items[twice]->line,
	    v->items[twice]->column, "key \"%s\" stands here a second time",
	    v->names[twice]);
	return -1;
}

static int
start_document(struct reader *r, const yaml_event_t *e)
{
	if (e->data.document_start.tag_directives.start !=
	    e->data.document_start.tag_directives.end)
		return refuse(
		    r, e->start_mark, "tag directives are not supported");
	if (r->documents++ > 0)
		return refuse(r, e->start_mark,
		    "a second document; there must be only one");
	return 0;
}

/* Anchors and tags may stand on each of the three kinds of node. */
static int
check_decoration(struct reader *r, const yaml_event_t *e)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	if (e->type == YAML_SCALAR_EVENT) {
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
	} else if (e->type == YAML_SEQUENCE_START_EVENT) {
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
	}
	if (anchor != NULL)
		return refuse(r, e->start_mark, "anchors are not supported");
	if (tag != NULL)
		return refuse(r, e->start_mark, "tags are not supported");
	return 0;
}

static int
take_event(struct reader *r, const yaml_event_t *e)
{
	if (check_decoration(r, e) == -1)
		return -1;
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		return start_document(r, e);
	case YAML_ALIAS_EVENT:
		return refuse(r, e->start_mark, "aliases are not supported");
	case YAML_SCALAR_EVENT:
		return take_scalar(r, e);
	case YAML_SEQUENCE_START_EVENT:
		return open_level(r, e, VALUE_LIST);
	case YAML_MAPPING_START_EVENT:
		return open_level(r, e, VALUE_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_level(r);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return 0;
}

/* libyaml's words for what it could not read, with its own place. */
static int
refuse_syntax(struct reader *r)
{
	const char *what = r->yaml.problem;

	if (r->yaml.error == YAML_MEMORY_ERROR)
		return no_memory(r);
	return refuse(
	    r, r->yaml.problem_mark, what != NULL ? what : "not YAML");
}

/* The text may hold secrets; libyaml gives its copies back as they are. */
static void
wipe_scalar(yaml_event_t *e)
{
	if (e->type == YAML_SCALAR_EVENT)
		explicit_bzero(e->data.scalar.value, e->data.scalar.length);
}

static void
wipe_buffers(yaml_parser_t *yaml)
{
	if (yaml->buffer.start != NULL)
		explicit_bzero(yaml->buffer.start,
		    (size_t)(yaml->buffer.end - yaml->buffer.start));
	if (yaml->raw_buffer.start != NULL)
		explicit_bzero(yaml->raw_buffer.start,
		    (size_t)(yaml->raw_buffer.end - yaml->raw_buffer.start));
}

static int
read_events(struct reader *r)
{
	yaml_event_t e;
	int done, failed;

	do {
		if (!yaml_parser_parse(&r->yaml, &e))
			return refuse_syntax(r);
		done = e.type == YAML_STREAM_END_EVENT;
		failed = take_event(r, &e);
		wipe_scalar(&e);
		yaml_event_delete(&e);
	} while (!done && failed == 0);
	return failed;
}

/* An empty text is an empty mapping; anything but a mapping is a mistake. */
static int
check_top(struct reader *r)
{
	yaml_mark_t start = { 0 };

	if (r->top == NULL || r->top->kind == VALUE_NULL) {
		r->top = new_value(r, VALUE_MAP, start);
		if (r->top == NULL ||
		    value_seal(r->pool, r->top, NULL, NULL, 0) == -1)
			return no_memory(r);
	}
	if (r->top->kind == VALUE_MAP)
		return 0;
	problem_syntax(r->problems, r->source, r->top->line, r->top->column,
	    "expected a mapping of keys, got %s", value_kind_name(r->top));
	return -1;
}

static int
check_encoding(struct reader *r, const char *text, size_t len)
{
	size_t good = utf8_valid(text, len);
	unsigned line = 1, column = 1;

	if (good == len)
		return 0;
	for (size_t i = 0; i < good; i++) {
		/* Continuation bytes do not move the column. */
		column += ((unsigned char)text[i] & 0xc0) != 0x80;
		if (text[i] == '\n') {
			line++;
			column = 1;
		}
	}
	problem_syntax(r->problems, r->source, line, column,
	    "byte 0x%02x is not UTF-8", (unsigned char)text[good]);
	return -1;
}

int
config_read(const struct config_value **out, struct value_pool *pool,
    const struct config_source *source, const char *text, size_t len,
    struct problems *problems)
{
	struct reader r = {
		.pool = pool, .source = source, .problems = problems
	};
	int result;

	if (check_encoding(&r, text, len) == -1)
		return -1;
	if (!yaml_parser_initialize(&r.yaml))
		return no_memory(&r);
	yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.yaml, (const unsigned char *)text, len);
	result = read_events(&r);
	if (result == 0)
		result = check_top(&r);
	if (result == 0)
		*out = r.top;
	wipe_buffers(&r.yaml);
	yaml_parser_delete(&r.yaml);
	free(r.items);
	free(r.names);
	return result;
}
