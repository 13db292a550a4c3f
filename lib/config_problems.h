/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_PROBLEMS_H
#define CONFIG_PROBLEMS_H

#include <stddef.h>

#include "config_value.h"

/*
 * Gathers what is wrong with a file, in whatever order it is found, and
 * makes a struct config_report and a struct err of it.
 *
 * Calling sequence: start with a zeroed struct, add with the functions
 * below, problems_finish() once. The adders return nothing: where memory is
 * short, that itself becomes the error. After PROBLEMS_MAX errors further ones
 * are counted only; so are warnings.
 *
 * Forms:  config.yaml:42:7: text            (the file cannot be understood)
 *         config.yaml:42: a.b.c: text       (a key has a wrong value)
 *         config.yaml:42: a.b.c: warning: text
 */

#define PROBLEMS_MAX 200  /* errors kept of one file, and warnings */
#define PROBLEM_TEXT 1024 /* bytes of a line */

struct problem {
	char *text;
	unsigned line;
	int warning;
	size_t found; /* how many were found before it */
};

struct problems {
	struct problem *list;
	size_t count, errors, warnings; /* kept; found */
	int no_memory;
};

/* The file as such, at line and column (from 1; line 0: the whole file). */
void problem_syntax(struct problems *p, const struct config_source *source,
    unsigned line, unsigned column, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* The key `path` with this value. */
void problem_error(struct problems *p, const struct config_value *v,
    const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void problem_warning(struct problems *p, const struct config_value *v,
    const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * Hands the lines to *report (may be NULL) and empties *p. -1 with the first
 * error in *err if there was one.
 */
int problems_finish(
    struct problems *p, struct config_report *report, struct err *err);

#endif
