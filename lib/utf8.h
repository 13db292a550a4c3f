/* SPDX-License-Identifier: MIT */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>

/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above
 * U+10FFFF.
 */

/* Bytes of the one character at `text`, 1 to 4; 0 if none begins there. */
size_t utf8_sequence(const char *text, size_t len);

/* Length in bytes of the valid prefix of `text`; equal to len if all is. */
size_t utf8_valid(const char *text, size_t len);

/*
 * Bytes of the longest prefix of valid text that has at most `chars`
 * characters (code points), so that a cut never splits one.
 */
size_t utf8_cut(const char *text, size_t len, size_t chars);

#endif
