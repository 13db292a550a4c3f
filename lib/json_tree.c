/* SPDX-License-Identifier: MIT */
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "json.h"
#include "json_scan.h"
#include "json_text.h"

/*
 * The only file that knows cJSON; a struct json is a cJSON item under another
 * name. Nothing reaches cJSON that the scanner has not accepted, and what
 * cJSON would get wrong is changed before, in a copy:
 *
 * - a lone surrogate escape, which it refuses, becomes \ufffd;
 * - a number that a double does not hold exactly, or that cJSON would print
 *   otherwise or cut at 63 characters, becomes a string that begins with the
 *   byte 0xff. No other string can, since the text is valid UTF-8. So ids of
 *   64 bits stay exact and every number is written as it was read.
 */

#define NUMBER_MARK '\xff'

static cJSON *
item_of(const struct json *v)
{
	return (cJSON *)(uintptr_t)v;
}

static const struct json *
json_of(const cJSON *item)
{
	return (const struct json *)(const void *)item;
}

/* The text of a number that was kept, NULL if the item is none. */
static const char *
kept_number(const cJSON *item)
{
	return cJSON_IsString(item) && item->valuestring[0] == NUMBER_MARK
		   ? item->valuestring + 1
		   : NULL;
}

/* ---- making one ---- */

/* Copies the string at p; returns where it ends. */
static const char *
copy_string(char **out, const char *p, const char *end)
{
	const char *start = p;

	for (p++; *p != '"'; p++) {
		size_t left = (size_t)(end - p);

		if (*p != '\\')
			continue;
		if (json_is_lone(p, left)) {
			memcpy(*out, start, (size_t)(p - start));
			*out += p - start;
			memcpy(*out, "\\ufffd", 6);
			*out += 6;
			p += 5;
			start = p + 1;
		} else if (p[1] != 'u') {
			p++;
		} else {
			/* The second half of a pair is not lone. */
			char bytes[4];
			size_t len;

			p += json_escape(bytes, &len, p, left) - 1;
		}
	}
	p++;
	memcpy(*out, start, (size_t)(p - start));
	*out += p - start;
	return p;
}

static const char *
copy_number(char **out, const char *p, const char *end)
{
	size_t len = json_number(p, end);
	int kept = !json_number_is_short(p, len);

	if (kept) {
		*(*out)++ = '"';
		*(*out)++ = NUMBER_MARK;
	}
	memcpy(*out, p, len);
	*out += len;
	if (kept)
		*(*out)++ = '"';
	return p + len;
}

/* The text as cJSON may have it; `out` has room for 3 bytes more a number. */
static size_t
prepare(char *out, const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	char *start = out;

	while (p < end) {
		if (*p == '"')
			p = copy_string(&out, p, end);
		else if (*p == '-' || (*p >= '0' && *p <= '9'))
			p = copy_number(&out, p, end);
		else
			*out++ = *p++;
	}
	return (size_t)(out - start);
}

int
json_parse(struct json **doc, const char *text, size_t len, struct err *err)
{
	struct json_facts facts;
	char *copy = NULL;
	cJSON *item;

	if (json_check(text, len, JSON_TOP_ANY, NULL, 0, &facts, err) == -1)
		return -1;
	if (facts.values > JSON_VALUES)
		return err_set(err, ERR_BAD, 0, "JSON: %zu values are too many",
		    facts.values);
	if (facts.lone_surrogates > 0 || facts.kept_numbers > 0) {
		copy = malloc(len + 3 * facts.kept_numbers);
		if (copy == NULL)
			return err_set(err, ERR_TEMP, 0, "JSON: out of memory");
		len = prepare(copy, text, len);
		text = copy;
	}
	item = cJSON_ParseWithLength(text, len);
	free(copy);
	/* The text is right, so all that it can lack is memory. */
	if (item == NULL)
		return err_set(err, ERR_TEMP, 0, "JSON: out of memory");
	*doc = (struct json *)(void *)item;
	return 0;
}

void
json_free(struct json *doc)
{
	cJSON_Delete(item_of(doc));
}

/* ---- looking at one ---- */

enum json_type
json_type(const struct json *v)
{
	const cJSON *item = item_of(v);

	if (item == NULL)
		return JSON_NONE;
	switch (item->type & 0xff) {
	case cJSON_NULL:
		return JSON_NULL;
	case cJSON_False:
		return JSON_FALSE;
	case cJSON_True:
		return JSON_TRUE;
	case cJSON_Number:
		return JSON_NUMBER;
	case cJSON_String:
		return kept_number(item) != NULL ? JSON_NUMBER : JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_NONE;
	}
}

static const struct json *
get_len(const struct json *object, const char *key, size_t len)
{
	if (json_type(object) != JSON_OBJECT)
		return NULL;
	JSON_EACH (child, object) {
		const char *name = json_name(child);

		if (strncmp(name, key, len) == 0 && name[len] == '\0')
			return child;
	}
	return NULL;
}

const struct json *
json_get(const struct json *object, const char *key)
{
	return get_len(object, key, strlen(key));
}

/* Digits only, no leading zero: one element has one name. */
static const struct json *
at_text(const struct json *array, const char *text, size_t len)
{
	size_t i = 0;

	if (len == 0 || len > 9 || (len > 1 && text[0] == '0'))
		return NULL;
	for (size_t k = 0; k < len; k++) {
		if (text[k] < '0' || text[k] > '9')
			return NULL;
		i = i * 10 + (size_t)(text[k] - '0');
	}
	return json_at(array, i);
}

const struct json *
json_path(const struct json *v, const char *path)
{
	for (;;) {
		size_t len = strcspn(path, ".");

		v = json_type(v) == JSON_ARRAY ? at_text(v, path, len)
					       : get_len(v, path, len);
		if (v == NULL || path[len] == '\0')
			return v;
		path += len + 1;
	}
}

const char *
json_str(const struct json *v, const char *otherwise)
{
	return json_type(v) == JSON_STRING ? item_of(v)->valuestring
					   : otherwise;
}

int64_t
json_int(const struct json *v, int64_t otherwise)
{
	struct json_pick pick = { .type = JSON_NUMBER };
	int64_t n;

	if (json_type(v) != JSON_NUMBER)
		return otherwise;
	if ((pick.at = kept_number(item_of(v))) == NULL)
		return (int64_t)item_of(v)->valuedouble;
	pick.len = strlen(pick.at);
	return json_pick_int(&n, &pick) == 0 ? n : otherwise;
}

double
json_double(const struct json *v, double otherwise)
{
	const char *text;

	if (json_type(v) != JSON_NUMBER)
		return otherwise;
	text = kept_number(item_of(v));
	return text != NULL ? strtod(text, NULL) : item_of(v)->valuedouble;
}

int
json_true(const struct json *v)
{
	return json_type(v) == JSON_TRUE;
}

const struct json *
json_first(const struct json *v)
{
	enum json_type type = json_type(v);

	if (type != JSON_ARRAY && type != JSON_OBJECT)
		return NULL;
	return json_of(item_of(v)->child);
}

const struct json *
json_next(const struct json *child)
{
	return json_of(item_of(child)->next);
}

const char *
json_name(const struct json *child)
{
	const char *name = child != NULL ? item_of(child)->string : NULL;

	return name != NULL ? name : "";
}

size_t
json_count(const struct json *v)
{
	size_t count = 0;

	JSON_EACH (child, v)
		count++;
	return count;
}

const struct json *
json_at(const struct json *v, size_t i)
{
	JSON_EACH (child, v) {
		if (i-- == 0)
			return child;
	}
	return NULL;
}

/* ---- writing one ---- */

static void
put_number(struct buf *b, const struct json *v)
{
	const char *text = kept_number(item_of(v));

	if (text != NULL)
		buf_adds(b, text);
	else
		buf_addf(b, "%.0f", item_of(v)->valuedouble);
}

/* Recursion ends at JSON_DEPTH: nothing deeper was accepted. */
void
json_put_value(struct buf *b, const struct json *v)
{
	enum json_type type = json_type(v);

	switch (type) {
	case JSON_FALSE:
		buf_adds(b, "false");
		return;
	case JSON_TRUE:
		buf_adds(b, "true");
		return;
	case JSON_NUMBER:
		put_number(b, v);
		return;
	case JSON_STRING:
		json_put_string(b, item_of(v)->valuestring);
		return;
	case JSON_NONE:
	case JSON_NULL:
		buf_adds(b, "null");
		return;
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	buf_addc(b, type == JSON_ARRAY ? '[' : '{');
	JSON_EACH (child, v) {
		if (type == JSON_OBJECT)
			json_put_key(b, json_name(child));
		else if (child != json_first(v))
			buf_addc(b, ',');
		json_put_value(b, child);
	}
	buf_addc(b, type == JSON_ARRAY ? ']' : '}');
}
