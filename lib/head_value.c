/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "head_value.h"
#include "uuid.h"

#define DIGITS	 "0123456789"
#define HEX	 DIGITS "abcdef"
#define WORD	 DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-"
#define SLOT_HEX 8 /* of a slot's owner, before the dot */

static int
is_made_of(const char *value, const char *characters)
{
	return value[strspn(value, characters)] == '\0';
}

int
value_is_text(const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value < 0x20 || *value > 0x7e)
			return 0;
	}
	return 1;
}

int
value_is_word(const char *value)
{
	return *value != '\0' && is_made_of(value, WORD);
}

int
value_is_type(const char *value)
{
	return *value != '\0' && value_is_text(value);
}

int
value_is_uuid(const char *value)
{
	char same[UUID_TEXT];

	return uuid_parse(same, value) == 0 && strcmp(same, value) == 0;
}

int
value_is_hook(const char *value)
{
	if (strcmp(value, "-") == 0)
		return 1;
	return *value != '\0' && is_made_of(value, DIGITS);
}

int
value_is_commit(const char *value)
{
	size_t len = strlen(value);

	if (len != 0 && len != 40 && len != 64)
		return 0;
	return is_made_of(value, HEX);
}

int
value_is_slot(const char *value)
{
	if (*value == '\0')
		return 1;
	return strspn(value, HEX) == SLOT_HEX && value[SLOT_HEX] == '.' &&
	       value[SLOT_HEX + 1] != '\0' &&
	       strlen(value + SLOT_HEX + 1) <= 10 &&
	       is_made_of(value + SLOT_HEX + 1, DIGITS);
}

/* "." and ".." would climb in a path made of it. */
static int
is_dots(const char *part, size_t len)
{
	return strspn(part, ".") >= len;
}

int
value_is_repository(const char *value)
{
	size_t owner = strspn(value, WORD), name;

	if (*value == '\0')
		return 1;
	if (owner == 0 || value[owner] != '/' || is_dots(value, owner))
		return 0;
	name = strspn(value + owner + 1, WORD);
	return name > 0 && value[owner + 1 + name] == '\0' &&
	       !is_dots(value + owner + 1, name);
}

int
value_to_count(uint64_t *out, const char *value)
{
	unsigned long long n;

	if (*value == '\0' || !is_made_of(value, DIGITS) ||
	    (value[0] == '0' && value[1] != '\0'))
		return -1;
	errno = 0;
	n = strtoull(value, NULL, 10);
	if (errno != 0)
		return -1;
	*out = n;
	return 0;
}
