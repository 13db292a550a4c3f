/* SPDX-License-Identifier: MIT */
#ifndef FORM_H
#define FORM_H

#include <stddef.h>

struct buf;
struct err;

/*
 * application/x-www-form-urlencoded bodies, the second content type GitHub
 * can send: the JSON stands percent-encoded in the field "payload". The
 * signature covers the encoded body.
 */

/*
 * Adds the decoded value of the one field `name` to `out`. ERR_BAD where the
 * field is missing, stands twice, or has a broken escape.
 */
int form_field(struct buf *out, const char *body, size_t len, const char *name,
    struct err *err) __attribute__((warn_unused_result));

#endif
