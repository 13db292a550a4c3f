/* SPDX-License-Identifier: MIT */
#ifndef HEAD_VALUE_H
#define HEAD_VALUE_H

#include <stdint.h>

/*
 * What each line of a spool file's head may hold. The values came from a
 * stranger and go on to file names, API paths and log lines; so they are
 * checked against the narrowest form that GitHub's own values have, in both
 * directions, and everybody behind the head may rely on it.
 *
 * Each value_is_*() answers 1 if the string is allowed, and never fails.
 */

int value_is_text(const char *value);	/* printable ASCII, "" allowed */
int value_is_word(const char *value);	/* [A-Za-z0-9_.-]+ */
int value_is_type(const char *value);	/* a content type, not "" */
int value_is_uuid(const char *value);	/* lower case */
int value_is_hook(const char *value);	/* digits, or "-" */
int value_is_commit(const char *value); /* 40 or 64 hex digits, or "" */
int value_is_slot(const char *value);	/* 8 hex digits, dot, number; or "" */

/* owner/name in GitHub's characters, neither part made of dots; or "". */
int value_is_repository(const char *value);

/* A decimal number without sign, blanks or leading zeros; 0, or -1. */
int value_to_count(uint64_t *out, const char *value)
    __attribute__((warn_unused_result));

#endif
