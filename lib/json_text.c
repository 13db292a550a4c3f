/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "buf.h"
#include "json.h"
#include "json_text.h"

#define PAIR_LEN 12 /* "\ud83d\ude00" */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
json_hex4(const char *p)
{
	int value = 0;

	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(p[i]);

		if (digit == -1)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* The second half of a pair whose first half stands at `p`, or -1. */
static int
low_half(const char *p, size_t left)
{
	int low;

	if (left < PAIR_LEN || p[6] != '\\' || p[7] != 'u')
		return -1;
	low = json_hex4(p + 8);
	return low >= 0xdc00 && low <= 0xdfff ? low : -1;
}

int
json_is_lone(const char *p, size_t left)
{
	int unit;

	if (left < 6 || p[1] != 'u')
		return 0;
	unit = json_hex4(p + 2);
	if (unit < 0xd800 || unit > 0xdfff)
		return 0;
	return unit >= 0xdc00 || low_half(p, left) == -1;
}

static size_t
encode(char out[4], unsigned c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

size_t
json_escape(char out[4], size_t *len, const char *p, size_t left)
{
	static const char meaning[128] = {
		['b'] = '\b',
		['f'] = '\f',
		['n'] = '\n',
		['r'] = '\r',
		['t'] = '\t',
	};
	unsigned c = (unsigned char)p[1];
	int low;

	if (c != 'u') {
		out[0] = c < 128 && meaning[c] != 0 ? meaning[c] : p[1];
		*len = 1;
		return 2;
	}
	c = (unsigned)json_hex4(p + 2);
	if (c < 0xd800 || c > 0xdfff) {
		*len = encode(out, c);
		return 6;
	}
	low = c < 0xdc00 ? low_half(p, left) : -1;
	if (low == -1) {
		*len = encode(out, 0xfffd);
		return 6;
	}
	*len = encode(
	    out, 0x10000 + ((c - 0xd800) << 10) + ((unsigned)low - 0xdc00));
	return PAIR_LEN;
}

size_t
json_unescape(char *out, const char *text, size_t len)
{
	size_t done = 0, i = 0;

	while (i < len) {
		char bytes[4];
		size_t n;

		if (text[i] != '\\') {
			out[done++] = text[i++];
			continue;
		}
		i += json_escape(bytes, &n, text + i, len - i);
		memcpy(out + done, bytes, n);
		done += n;
	}
	return done;
}

void
json_pick_string(const struct json_pick *pick, struct buf *b)
{
	const char *p = pick->at, *end, *escape;

	if (pick->type != JSON_STRING)
		return;
	end = pick->at + pick->len;
	while (p < end) {
		char bytes[4];
		size_t n;

		escape = memchr(p, '\\', (size_t)(end - p));
		if (escape == NULL)
			escape = end;
		buf_add(b, p, (size_t)(escape - p));
		p = escape;
		if (p == end)
			break;
		p += json_escape(bytes, &n, p, (size_t)(end - p));
		buf_add(b, bytes, n);
	}
}

int
json_pick_int(int64_t *out, const struct json_pick *pick)
{
	const char *p = pick->at, *end;
	int negative;
	int64_t n = 0;

	if (pick->type != JSON_NUMBER)
		return -1;
	end = p + pick->len;
	negative = *p == '-';
	/* Downwards, for there is one more negative number. */
	for (p += negative; p < end; p++) {
		if (*p < '0' || *p > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_sub_overflow(n, *p - '0', &n))
			return -1;
	}
	if (!negative && __builtin_sub_overflow(0, n, &n))
		return -1;
	*out = n;
	return 0;
}
