/* SPDX-License-Identifier: MIT */
#ifndef UUID_H
#define UUID_H

struct err;

/*
 * UUIDs as text: GitHub's delivery IDs (X-GitHub-Delivery) and our request
 * IDs. Any version is taken; upper case is folded to lower case, so that one
 * delivery has one name.
 */

#define UUID_TEXT 37 /* bytes, with the NUL */

/* Copies `text` to `out` in lower case if it is a UUID; 0, or -1. */
int uuid_parse(char out[UUID_TEXT], const char *text)
    __attribute__((warn_unused_result));

/* A new random one (version 4); ERR_TEMP if the kernel gives no bytes. */
int uuid_make(char out[UUID_TEXT], struct err *err)
    __attribute__((warn_unused_result));

#endif
