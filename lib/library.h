/* SPDX-License-Identifier: MIT */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <stddef.h>

#include "err.h"

/*
 * Shared libraries that a program loads when it first needs them, not when
 * it starts.
 *
 * Of what it costs to start a worker (fork, exec, link, run, exit: 8.5 ms)
 * nearly all is linking libcurl and libgit2 with the forty libraries behind
 * them; without them it is 2 ms. Most jobs speak neither to GitHub nor to
 * git, so a library of that kind is loaded by the module that wraps it, at
 * that module's start: it names the functions it calls in one list, and a
 * header of its own lets the calls look as always.
 *
 * library_load() fills in all places or none; it may be called again, and
 * then does nothing. One thread at a time. ERR_CONF where the library or one
 * of its functions is not there; nothing is ever unloaded.
 */

struct library_symbol {
	const char *name;
	void *place; /* a function pointer's */
};

struct library {
	const char *file; /* "libcurl.so.4" */
	const struct library_symbol *symbols;
	size_t count;
	int loaded;
};

int library_load(struct library *l, struct err *err) CHECKED;

#endif
