/* SPDX-License-Identifier: MIT */
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include <stddef.h>

#include "err.h"
#include "json.h"

/*
 * Inside JSON only: the scanner as json_scan() and json_parse() share it.
 */

enum json_top { JSON_TOP_OBJECT, JSON_TOP_ANY };

/* What the scanner learnt on its way; what the tree needs to know. */
struct json_facts {
	size_t values;		/* of every kind, containers included */
	size_t lone_surrogates; /* escapes */
	size_t kept_numbers;	/* json_number_is_short() says no */
};

/* json_scan() with its limits on the top value and its findings. */
int json_check(const char *text, size_t len, enum json_top top,
    struct json_pick *picks, size_t n, struct json_facts *facts,
    struct err *err) CHECKED;

/* Bytes of the number at `p`, 0 if there is none; stops where the grammar
 * does, which may be in the middle of a word. */
size_t json_number(const char *p, const char *end);

/* 1 for an integer that a double holds and prints exactly. */
int json_number_is_short(const char *p, size_t len);

#endif
