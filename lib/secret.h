/* SPDX-License-Identifier: MIT */
#ifndef SECRET_H
#define SECRET_H

#include <stddef.h>

struct err;
struct stamps;

/*
 * A secret value: webhook secrets, tokens, keys. There is no function that
 * prints one. It is registered with the log's redaction when it is made,
 * kept out of core dumps (MADV_DONTDUMP) and wiped when it is freed.
 */

struct secret;

int secret_new(struct secret **out, const char *value, size_t len,
    struct err *err) __attribute__((warn_unused_result));

/* From a file, without its trailing newline; at most 64 kB. A name without
 * a slash is looked up in $CREDENTIALS_DIRECTORY (systemd). */
int secret_read(struct secret **out, const char *path, struct err *err)
    __attribute__((warn_unused_result));

/* Stamps the file that secret_read() would read. */
void secret_stamp(const char *path, struct stamps *stamps);

const char *secret_bytes(const struct secret *s); /* NUL-terminated */
size_t secret_len(const struct secret *s);
void secret_free(struct secret *s);

#endif
