/* SPDX-License-Identifier: MIT */
#ifndef GITHUB_NAMES_H
#define GITHUB_NAMES_H

struct buf;

/*
 * What may stand in an API path or name a directory. Payloads are written by
 * strangers, so these are asked before any call and before any file is
 * named after a repository.
 */

/* 1 if it is owner/name, each 1 to 100 of [A-Za-z0-9._-] and not only dots. */
int github_repository_valid(const char *full_name);

/* 1 if it is 40 or 64 lower-case hexadecimal digits. */
int github_sha_valid(const char *sha);

/* Adds the text as a value in a URL's query: what RFC 3986 does not call
 * unreserved is escaped, "/" too. */
void github_add_escaped(struct buf *out, const char *text);

#endif
