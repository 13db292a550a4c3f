/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "buf.h"
#include "github/names.h"

static size_t
name_length(const char *p)
{
	size_t len = 0;

	while (isalnum((unsigned char)p[len]) || p[len] == '-' ||
	       p[len] == '_' || p[len] == '.')
		len++;
	return len;
}

static int
is_dots(const char *p, size_t len)
{
	return strspn(p, ".") >= len;
}

int
github_repository_valid(const char *full_name)
{
	size_t owner = name_length(full_name), name;

	if (owner == 0 || owner > 100 || full_name[owner] != '/' ||
	    is_dots(full_name, owner))
		return 0;
	name = name_length(full_name + owner + 1);
	return name > 0 && name <= 100 && full_name[owner + 1 + name] == '\0' &&
	       !is_dots(full_name + owner + 1, name);
}

int
github_sha_valid(const char *sha)
{
	size_t len = strspn(sha, "0123456789abcdef");

	return sha[len] == '\0' && (len == 40 || len == 64);
}

void
github_add_escaped(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (isalnum((unsigned char)*text) ||
		    strchr("-._~", *text) != NULL)
			buf_addc(out, *text);
		else
			buf_addf(out, "%%%02X", (unsigned char)*text);
	}
}
