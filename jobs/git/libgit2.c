/* SPDX-License-Identifier: MIT */
#include "git/libgit2.h"
#include "library.h"

/* The library's name has the version whose header we were compiled with. */
#define FILE_OF(version) "libgit2.so." version

struct libgit2 libgit2;

/* The name is taken before it turns into a member, the place behind it. */
#define SYMBOL(function) { #function, &(function) },

static const struct library_symbol symbols[] = { LIBGIT2_FUNCTIONS(SYMBOL) };

static struct library library = {
	.file = FILE_OF(LIBGIT2_SOVERSION),
	.symbols = symbols,
	.count = sizeof symbols / sizeof *symbols,
};

int
libgit2_load(struct err *err)
{
	return library_load(&library, err);
}
