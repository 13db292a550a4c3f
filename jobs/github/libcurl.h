/* SPDX-License-Identifier: MIT */
#ifndef GITHUB_LIBCURL_H
#define GITHUB_LIBCURL_H

#include <curl/curl.h>

#include "err.h"

/*
 * libcurl, loaded when it is first needed (library.h says why). To be
 * included instead of curl/curl.h; libcurl_load() comes before any call. The
 * types are the header's own, so the compiler checks calls as always. A
 * function that is not in the list yet is one that the linker does not find.
 */

#define LIBCURL_FUNCTIONS(X)                                                   \
	X(curl_easy_cleanup)                                                   \
	X(curl_easy_getinfo)                                                   \
	X(curl_easy_init)                                                      \
	X(curl_easy_perform)                                                   \
	X(curl_easy_reset)                                                     \
	X(curl_easy_setopt)                                                    \
	X(curl_easy_strerror)                                                  \
	X(curl_free)                                                           \
	X(curl_global_init)                                                    \
	X(curl_slist_append)                                                   \
	X(curl_slist_free_all)                                                 \
	X(curl_url)                                                            \
	X(curl_url_cleanup)                                                    \
	X(curl_url_get)                                                        \
	X(curl_url_set)

/* The header's macros of two of them, for calls with three arguments. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

#define LIBCURL_MEMBER(function) __typeof__(function) *(function);
struct libcurl {
	LIBCURL_FUNCTIONS(LIBCURL_MEMBER)
};
#undef LIBCURL_MEMBER

extern struct libcurl libcurl;

int libcurl_load(struct err *err) CHECKED;

#define curl_easy_cleanup   libcurl.curl_easy_cleanup
#define curl_easy_getinfo   libcurl.curl_easy_getinfo
#define curl_easy_init	    libcurl.curl_easy_init
#define curl_easy_perform   libcurl.curl_easy_perform
#define curl_easy_reset	    libcurl.curl_easy_reset
#define curl_easy_setopt    libcurl.curl_easy_setopt
#define curl_easy_strerror  libcurl.curl_easy_strerror
#define curl_free	    libcurl.curl_free
#define curl_global_init    libcurl.curl_global_init
#define curl_slist_append   libcurl.curl_slist_append
#define curl_slist_free_all libcurl.curl_slist_free_all
#define curl_url	    libcurl.curl_url
#define curl_url_cleanup    libcurl.curl_url_cleanup
#define curl_url_get	    libcurl.curl_url_get
#define curl_url_set	    libcurl.curl_url_set

#endif
