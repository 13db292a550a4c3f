/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "buf.h"
#include "json.h"
#include "utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Bytes that may stand in a string as they are. */
static int
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static const char *
short_escape(unsigned char c)
{
	static const char *const escapes[128] = {
		['"'] = "\\\"",
		['\\'] = "\\\\",
		['\b'] = "\\b",
		['\f'] = "\\f",
		['\n'] = "\\n",
		['\r'] = "\\r",
		['\t'] = "\\t",
	};

	return c < 128 ? escapes[c] : NULL;
}

/* Writes the one character at `text` that is not plain; its length. */
static size_t
put_special(struct buf *b, const char *text, size_t len)
{
	unsigned char c = (unsigned char)*text;
	const char *escape = short_escape(c);
	size_t bytes;

	if (escape != NULL) {
		buf_adds(b, escape);
		return 1;
	}
	if (c < 0x20 || c == 0x7f) {
		buf_addf(b, "\\u%04x", c);
		return 1;
	}
	bytes = utf8_sequence(text, len);
	if (bytes == 0) {
		buf_adds(b, REPLACEMENT);
		return 1;
	}
	buf_add(b, text, bytes);
	return bytes;
}

void
json_put_string_len(struct buf *b, const char *text, size_t len)
{
	size_t i = 0;

	buf_addc(b, '"');
	while (i < len) {
		size_t start = i;

		while (i < len && is_plain((unsigned char)text[i]))
			i++;
		buf_add(b, text + start, i - start);
		if (i < len)
			i += put_special(b, text + i, len - i);
	}
	buf_addc(b, '"');
}

void
json_put_string(struct buf *b, const char *text)
{
	json_put_string_len(b, text, strlen(text));
}

void
json_put_key(struct buf *b, const char *key)
{
	char last = b->len > 0 ? b->data[b->len - 1] : '{';

	if (last != '{' && last != '[')
		buf_addc(b, ',');
	json_put_string(b, key);
	buf_addc(b, ':');
}

void
json_put_member(struct buf *b, const char *key, const char *text)
{
	json_put_key(b, key);
	if (text != NULL)
		json_put_string(b, text);
	else
		buf_adds(b, "null");
}

void
json_put_int(struct buf *b, const char *key, int64_t n)
{
	json_put_key(b, key);
	buf_addf(b, "%" PRId64, n);
}

void
json_put_bool(struct buf *b, const char *key, int yes)
{
	json_put_key(b, key);
	buf_adds(b, yes ? "true" : "false");
}
