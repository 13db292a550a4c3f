/* SPDX-License-Identifier: MIT */
#ifndef JSON_TEXT_H
#define JSON_TEXT_H

#include <stddef.h>

/*
 * Inside JSON only: the escapes of strings that the scanner has accepted.
 */

/*
 * Decodes the escape at `p` ("\n", "\u00e9", a surrogate pair, a lone
 * surrogate) into UTF-8; `left` bytes of the string begin there. Returns the
 * bytes of the escape, *len those written. Never writes more than it reads.
 */
size_t json_escape(char out[4], size_t *len, const char *p, size_t left);

/* Unescapes a string into `out`, which has room for `len` bytes. */
size_t json_unescape(char *out, const char *text, size_t len);

/* 1 if the escape at `p` is a surrogate without its other half. */
int json_is_lone(const char *p, size_t left);

/* Four hexadecimal digits; -1 if they are not. */
int json_hex4(const char *p);

#endif
