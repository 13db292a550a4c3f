/* SPDX-License-Identifier: MIT */
#ifndef GLOB_H
#define GLOB_H

/*
 * Patterns for branch and tag names, read as GitHub's own workflow files
 * read them where that is unambiguous:
 *
 *   *      any number of characters, but no "/"
 *   **     any number of any characters
 *   ?      one character, but no "/"
 *   [a-z]  one character of the set, [!a-z] one that is not in it; never "/"
 *   \x     the character x itself
 *
 * The whole name must match. Bytes are compared; there is no locale. A
 * pattern that is well formed takes time in proportion to the product of both
 * lengths at worst, so that a hostile name cannot stall the caller.
 */

/* 1 if `name` matches. */
int glob_match(const char *pattern, const char *name);

/*
 * 1 if the list, read from first to last, ends on yes: a pattern that
 * matches says yes, a pattern behind "!" that matches says no, and the last
 * to say something wins.
 */
int glob_list_match(const char *const *patterns, const char *name);

/* NULL if the pattern is well formed, else what is wrong with it. */
const char *glob_problem(const char *pattern);

#endif
