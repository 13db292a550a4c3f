/* SPDX-License-Identifier: MIT */
#include "github/libcurl.h"
#include "library.h"

struct libcurl libcurl;

/* The name is taken before it turns into a member, the place behind it. */
#define SYMBOL(function) { #function, &(function) },

static const struct library_symbol symbols[] = { LIBCURL_FUNCTIONS(SYMBOL) };

static struct library library = {
	.file = "libcurl.so.4", /* since curl 7.16 of 2006 */
	.symbols = symbols,
	.count = sizeof symbols / sizeof *symbols,
};

int
libcurl_load(struct err *err)
{
	return library_load(&library, err);
}
