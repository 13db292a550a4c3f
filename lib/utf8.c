/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>

#include "utf8.h"

#define HIGH_BITS UINT64_C(0x8080808080808080)

static int
is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

size_t
utf8_sequence(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	/* 0xc0 and 0xc1 could only begin overlong forms. */
	if (p[0] < 0xc2 || p[0] > 0xf4 || len < 2 || !is_tail(p[1]))
		return 0;
	if (p[0] < 0xe0)
		return 2;
	/* Overlong, surrogate and too large ones show in the second byte. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f) ||
	    len < 3 || !is_tail(p[2]))
		return 0;
	if (p[0] < 0xf0)
		return 3;
	return len >= 4 && is_tail(p[3]) ? 4 : 0;
}

size_t
utf8_valid(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		uint64_t eight;
		size_t step;

		if (len - i >= sizeof eight) {
			memcpy(&eight, text + i, sizeof eight);
			if ((eight & HIGH_BITS) == 0) {
				i += sizeof eight;
				continue;
			}
		}
		if ((step = utf8_sequence(text + i, len - i)) == 0)
			break;
		i += step;
	}
	return i;
}

size_t
utf8_cut(const char *text, size_t len, size_t chars)
{
	size_t i = 0;

	for (; i < len && chars > 0; chars--) {
		/* A byte that begins nothing counts as one character. */
		size_t step = utf8_sequence(text + i, len - i);

		i += step > 0 ? step : 1;
	}
	return i;
}
