/* SPDX-License-Identifier: MIT */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

/*
 * JSON, read strictly, because a payload that two readers understand
 * differently is an attack. Three parts:
 *
 *   json_scan()   checks a whole text in one pass, without building
 *                 anything, and hands out the values at a few fixed paths.
 *                 All that the responder needs; memory does not grow with
 *                 the text except for the keys of the objects now open.
 *   json_parse()  json_scan(), then a tree (cJSON behind it) for those who
 *                 need to walk: the worker, the command line tool.
 *   json_put_*()  writes JSON into a buf.
 *
 * What is refused, all ERR_BAD with line and column: anything RFC 8259 does
 * not allow, bytes after the value, invalid UTF-8, a byte order mark,
 * \u0000, the same key twice in one object, more than JSON_DEPTH levels,
 * more than JSON_MEMBERS members in one object, 2 GB or more. A lone surrogate
 * escape is accepted (GitHub cuts texts in the middle of a pair) and read as
 * U+FFFD.
 */

#define JSON_DEPTH   64
#define JSON_MEMBERS 65536
#define JSON_PICKS   64	     /* paths of one json_scan() */
#define JSON_VALUES  2000000 /* values of one tree: some 80 bytes each */

/* ---- one pass ---- */

enum json_type {
	JSON_NONE, /* the path is not there */
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/*
 * What is wanted: a path of keys joined by dots ("repository.full_name").
 * Array elements are not reached this way. What is given: the type, and the
 * value's place in the text (a string's without its quotes, still escaped).
 */
struct json_pick {
	const char *path;
	enum json_type type;
	const char *at;
	size_t len;
};

/* Checks the text, whose top must be an object; fills all n picks (at most
 * JSON_PICKS, of at most 8 keys). ERR_TEMP where there is no memory. */
int json_scan(const char *text, size_t len, struct json_pick *picks, size_t n,
    struct err *err) __attribute__((warn_unused_result));

/* Adds the pick's string to `b`, unescaped; nothing if it is no string. */
void json_pick_string(const struct json_pick *pick, struct buf *b);

/* The pick's number as an integer, exact in 64 bits; 0, or -1. */
int json_pick_int(int64_t *out, const struct json_pick *pick)
    __attribute__((warn_unused_result));

/* ---- a tree ---- */

struct json; /* a value inside a document; lives as long as the document */

/* The top may be any value. More than JSON_VALUES of them are ERR_BAD. */
int json_parse(struct json **doc, const char *text, size_t len, struct err *err)
    __attribute__((warn_unused_result));
void json_free(struct json *doc);

/*
 * Getters take NULL and the wrong type and then return NULL, `otherwise`,
 * JSON_NONE or 0. Keys are compared exactly. Returned strings belong to the
 * document. A path joins keys and array indexes by dots ("commits.0.id").
 */
enum json_type json_type(const struct json *v);
const struct json *json_get(const struct json *object, const char *key);
const struct json *json_path(const struct json *v, const char *path);
const char *json_str(const struct json *v, const char *otherwise);
/* Exact in 64 bits; `otherwise` where it is no integer or does not fit. */
int64_t json_int(const struct json *v, int64_t otherwise);
/* Infinite where it does not fit. */
double json_double(const struct json *v, double otherwise);
int json_true(const struct json *v);
size_t json_count(const struct json *v);
const struct json *json_at(const struct json *v, size_t i);

/* Children of an array or object in order: first, next; name of a member, ""
 * of what is none (an array's element). */
const struct json *json_first(const struct json *v);
const struct json *json_next(const struct json *child);
const char *json_name(const struct json *child);

/* NOLINTBEGIN(bugprone-macro-parentheses): a declaration can have none */
#define JSON_EACH(child, parent)                                               \
	for (const struct json *child = json_first(parent); child != NULL;     \
	     child = json_next(child))
/* NOLINTEND(bugprone-macro-parentheses) */

/* ---- writing ---- */

/* A quoted string; bytes that are not UTF-8 become U+FFFD. */
void json_put_string(struct buf *b, const char *text);
void json_put_string_len(struct buf *b, const char *text, size_t len);

/*
 * Members of an object being written: a comma first unless `b` ends in '{'
 * or '[', then "key": and the value. json_put_key() leaves the value to the
 * caller.
 */
void json_put_key(struct buf *b, const char *key);
void json_put_member(struct buf *b, const char *key, const char *text);
void json_put_int(struct buf *b, const char *key, int64_t n);
void json_put_bool(struct buf *b, const char *key, int yes);

/* A tree value, compact; numbers as they were written. */
void json_put_value(struct buf *b, const struct json *v);

#endif
