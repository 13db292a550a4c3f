/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "json_keys.h"
#include "json_paths.h"
#include "json_scan.h"
#include "json_text.h"
#include "utf8.h"

/*
 * One pass, one loop, no recursion: the open containers are an array of
 * JSON_DEPTH frames, so depth costs no stack. The text is not
 * NUL-terminated; every read is behind a comparison with `end`.
 */

#define TEXT_MAX     INT32_MAX /* bytes; json_keys.c has 31 bits for them */
#define SHORT_DIGITS 15	       /* every integer so short is a double */

struct frame {
	char closer; /* '}' or ']' */
	int empty;   /* no comma is wanted yet */
	const char *start;
	struct keys_object keys; /* an object's */
	uint64_t wanted_by;	 /* paths that end here */
};

struct scanner {
	const char *text, *p, *end;
	unsigned depth;
	struct frame frames[JSON_DEPTH];
	struct keys keys;
	struct paths paths;
	struct json_facts facts;
	struct err *err;
};

/* A string as it stands, without its quotes. */
struct raw {
	const char *at;
	size_t len;
	int escaped;
};

static int
refuse(const struct scanner *s, const char *at, const char *why)
{
	const char *line = s->text, *next;
	size_t lines = 1;

	while ((next = memchr(line, '\n', (size_t)(at - line))) != NULL) {
		line = next + 1;
		lines++;
	}
	return err_set(s->err, ERR_BAD, 0, "JSON, line %zu, column %zu: %s",
	    lines, (size_t)(at - line) + 1, why);
}

static int
refuse_value(const struct scanner *s, const char *what)
{
	char why[60];

	if (s->p == s->end)
		return refuse(s, s->p, "ends too early");
	snprintf(why, sizeof why, "expected %s", what);
	return refuse(s, s->p, why);
}

static void
skip_blanks(struct scanner *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' ||
				    *s->p == '\r' || *s->p == '\t'))
		s->p++;
}

/* ---- strings ---- */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Not zero if one of eight bytes needs a look: a quote, a backslash, a
 * control character or one above 0x7f. */
static uint64_t
special(uint64_t eight)
{
	uint64_t quote = eight ^ EACH('"'), slash = eight ^ EACH('\\');

	return (eight | (eight - EACH(0x20)) | (quote - EACH(1)) |
		   (slash - EACH(1))) &
	       EACH(0x80);
}

static const char *
skip_plain(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t eight;

		memcpy(&eight, p, sizeof eight);
		if (special(eight) != 0)
			break;
		p += sizeof eight;
	}
	while (p < end && (unsigned char)*p >= 0x20 &&
	       (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* Length of the escape at p, 0 if it is refused. */
static size_t
scan_escape(struct scanner *s, const char *p)
{
	int unit;

	if (s->end - p < 2 || p[1] == '\0' ||
	    strchr("\"\\/bfnrtu", p[1]) == NULL) {
		refuse(s, p, "no such escape");
		return 0;
	}
	if (p[1] != 'u')
		return 2;
	if (s->end - p < 6 || (unit = json_hex4(p + 2)) == -1) {
		refuse(s, p, "expected four hexadecimal digits");
		return 0;
	}
	if (unit == 0) {
		refuse(s, p, "\\u0000 is not allowed");
		return 0;
	}
	if (unit < 0xd800 || unit > 0xdfff)
		return 6;
	if (!json_is_lone(p, (size_t)(s->end - p)))
		return 12;
	s->facts.lone_surrogates++;
	return 6;
}

/* Length of what is not plain at p, 0 if it is refused. */
static size_t
scan_special(struct scanner *s, const char *p)
{
	size_t len;

	if (*p == '\\')
		return scan_escape(s, p);
	if ((unsigned char)*p < 0x20) {
		refuse(s, p, "control character in a string");
		return 0;
	}
	len = utf8_sequence(p, (size_t)(s->end - p));
	if (len == 0)
		refuse(s, p, "not UTF-8");
	return len;
}

/* From the opening quote; `p` ends behind the closing one. */
static int
scan_string(struct scanner *s, struct raw *out)
{
	const char *p = s->p + 1;

	out->at = p;
	out->escaped = 0;
	for (;;) {
		size_t len;

		p = skip_plain(p, s->end);
		if (p == s->end)
			return refuse(s, p, "ends inside a string");
		if (*p == '"')
			break;
		out->escaped |= *p == '\\';
		if ((len = scan_special(s, p)) == 0)
			return -1;
		p += len;
	}
	out->len = (size_t)(p - out->at);
	s->p = p + 1;
	return 0;
}

/* ---- numbers and words ---- */

static const char *
skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

size_t
json_number(const char *start, const char *end)
{
	const char *p = start, *digits;

	if (p < end && *p == '-')
		p++;
	digits = p;
	p = skip_digits(p, end);
	if (p == digits)
		return 0;
	if (*digits == '0')
		p = digits + 1;
	if (p < end && *p == '.') {
		digits = p + 1;
		if ((p = skip_digits(digits, end)) == digits)
			return 0;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		digits = p + 1;
		if (digits < end && (*digits == '+' || *digits == '-'))
			digits++;
		if ((p = skip_digits(digits, end)) == digits)
			return 0;
	}
	return (size_t)(p - start);
}

int
json_number_is_short(const char *p, size_t len)
{
	if (len > SHORT_DIGITS || (len > 1 && p[0] == '-' && p[1] == '0'))
		return 0;
	for (size_t i = p[0] == '-'; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return 0;
	}
	return 1;
}

static int
scan_number(struct scanner *s)
{
	size_t len = json_number(s->p, s->end);

	if (len == 0)
		return refuse(s, s->p, "not a number");
	if (!json_number_is_short(s->p, len))
		s->facts.kept_numbers++;
	s->p += len;
	return 0;
}

static int
scan_word(struct scanner *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len) != 0)
		return refuse_value(s, "a value");
	s->p += len;
	return 0;
}

/* ---- containers ---- */

static int
open_container(struct scanner *s, char closer)
{
	struct frame *f;

	if (s->depth == JSON_DEPTH)
		return refuse(s, s->p, "nested too deep");
	f = &s->frames[s->depth++];
	f->closer = closer;
	f->empty = 1;
	f->start = s->p++;
	f->wanted_by = paths_enter(&s->paths, s->depth, closer == '}');
	if (closer == '}')
		keys_open(&s->keys, &f->keys);
	return 0;
}

static void
close_container(struct scanner *s)
{
	struct frame *f = &s->frames[--s->depth];

	s->p++;
	if (f->closer == '}')
		keys_close(&s->keys, &f->keys);
	paths_found(&s->paths, f->wanted_by,
	    f->closer == '}' ? JSON_OBJECT : JSON_ARRAY, f->start,
	    (size_t)(s->p - f->start));
}

static int
scan_key(struct scanner *s)
{
	static const char *const refusals[] = {
		[KEYS_TWICE] = "the same key twice in one object",
		[KEYS_TOO_MANY] = "too many members in one object",
	};
	struct frame *f = &s->frames[s->depth - 1];
	enum keys_answer answer;
	const char *start = s->p;
	struct raw key = { 0 };

	if (s->p == s->end || *s->p != '"')
		return refuse_value(s, "a key");
	if (scan_string(s, &key) == -1)
		return -1;
	answer = keys_add(&s->keys, &f->keys, key.at, key.len, key.escaped);
	if (answer == KEYS_NOMEM)
		return err_set(s->err, ERR_TEMP, 0, "JSON: out of memory");
	if (answer != KEYS_NEW)
		return refuse(s, start, refusals[answer]);
	if (paths_any(&s->paths, s->depth)) {
		const char *name = key.at;
		size_t len = key.len;

		if (key.escaped)
			name = keys_last(&s->keys, &len);
		paths_key(&s->paths, s->depth, name, len);
	}
	skip_blanks(s);
	if (s->p == s->end || *s->p != ':')
		return refuse_value(s, "a colon");
	s->p++;
	return 0;
}

/*
 * From behind a value, or behind an opening bracket, to where the next value
 * begins: 1; 0 at the end of the outermost; -1.
 */
static int
next_value(struct scanner *s)
{
	while (s->depth > 0) {
		struct frame *f = &s->frames[s->depth - 1];

		skip_blanks(s);
		if (s->p < s->end && *s->p == f->closer) {
			close_container(s);
			continue;
		}
		if (!f->empty) {
			if (s->p == s->end || *s->p != ',')
				return refuse_value(s, "a comma");
			s->p++;
			skip_blanks(s);
		}
		f->empty = 0;
		if (f->closer == '}' && scan_key(s) == -1)
			return -1;
		return 1;
	}
	return 0;
}

/* What a value is, by its first byte. */
static const unsigned char type_by_first[256] = {
	['{'] = JSON_OBJECT,
	['['] = JSON_ARRAY,
	['"'] = JSON_STRING,
	['t'] = JSON_TRUE,
	['f'] = JSON_FALSE,
	['n'] = JSON_NULL,
	['-'] = JSON_NUMBER,
	['0'] = JSON_NUMBER,
	['1'] = JSON_NUMBER,
	['2'] = JSON_NUMBER,
	['3'] = JSON_NUMBER,
	['4'] = JSON_NUMBER,
	['5'] = JSON_NUMBER,
	['6'] = JSON_NUMBER,
	['7'] = JSON_NUMBER,
	['8'] = JSON_NUMBER,
	['9'] = JSON_NUMBER,
};

static const char *const words[] = {
	[JSON_NULL] = "null",
	[JSON_FALSE] = "false",
	[JSON_TRUE] = "true",
};

/* A whole scalar, or the beginning of a container. */
static int
scan_value(struct scanner *s)
{
	enum json_type type = JSON_NONE;
	struct raw raw = { 0 };

	skip_blanks(s);
	s->facts.values++;
	if (s->p < s->end)
		type = type_by_first[(unsigned char)*s->p];
	raw.at = s->p;
	switch (type) {
	case JSON_OBJECT:
		return open_container(s, '}');
	case JSON_ARRAY:
		return open_container(s, ']');
	case JSON_STRING:
		if (scan_string(s, &raw) == -1)
			return -1;
		paths_scalar(&s->paths, type, raw.at, raw.len);
		return 0;
	case JSON_NUMBER:
		if (scan_number(s) == -1)
			return -1;
		break;
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_TRUE:
		if (scan_word(s, words[type]) == -1)
			return -1;
		break;
	case JSON_NONE:
		return refuse_value(s, "a value");
	}
	paths_scalar(&s->paths, type, raw.at, (size_t)(s->p - raw.at));
	return 0;
}

static int
scan_text(struct scanner *s, enum json_top top)
{
	int more;

	skip_blanks(s);
	if (top == JSON_TOP_OBJECT && (s->p == s->end || *s->p != '{'))
		return refuse_value(s, "an object");
	do {
		if (scan_value(s) == -1 || (more = next_value(s)) == -1)
			return -1;
	} while (more);
	skip_blanks(s);
	if (s->p < s->end)
		return refuse(s, s->p, "something follows the value");
	return 0;
}

int
json_check(const char *text, size_t len, enum json_top top,
    struct json_pick *picks, size_t n, struct json_facts *facts,
    struct err *err)
{
	struct scanner s; /* 20 kB, so only what is read is set */
	int rc;

	if (len > TEXT_MAX)
		return err_set(
		    err, ERR_BAD, 0, "JSON: %zu bytes are too many", len);
	s.text = s.p = text;
	s.end = text + len;
	s.depth = 0;
	s.facts = (struct json_facts){ 0 };
	s.err = err;
	keys_init(&s.keys, text);
	paths_init(&s.paths, picks, n);
	rc = scan_text(&s, top);
	keys_release(&s.keys);
	if (rc == -1)
		return -1;
	if (n > 0)
		memcpy(picks, s.paths.found, n * sizeof *picks);
	if (facts != NULL)
		*facts = s.facts;
	return 0;
}

int
json_scan(const char *text, size_t len, struct json_pick *picks, size_t n,
    struct err *err)
{
	return json_check(text, len, JSON_TOP_OBJECT, picks, n, NULL, err);
}
