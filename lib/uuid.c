/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "digest.h"
#include "err.h"
#include "uuid.h"

static int
is_dash(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

int
uuid_parse(char out[UUID_TEXT], const char *text)
{
	char copy[UUID_TEXT];

	for (size_t i = 0; i < UUID_TEXT - 1; i++) {
		unsigned char c = (unsigned char)text[i];

		if (is_dash(i) ? c != '-' : !isxdigit(c))
			return -1;
		copy[i] = (char)tolower(c);
	}
	if (text[UUID_TEXT - 1] != '\0')
		return -1;
	copy[UUID_TEXT - 1] = '\0';
	memcpy(out, copy, sizeof copy);
	return 0;
}

int
uuid_make(char out[UUID_TEXT], struct err *err)
{
	uint8_t raw[16];
	char hex[33];

	if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw)
		return err_sys(err, "getrandom");
	raw[6] = (uint8_t)((raw[6] & 0x0f) | 0x40); /* version 4 */
	raw[8] = (uint8_t)((raw[8] & 0x3f) | 0x80); /* RFC 4122 variant */
	hex_encode(hex, raw, sizeof raw);
	snprintf(out, UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
	    hex + 12, hex + 16, hex + 20);
	return 0;
}
