/* SPDX-License-Identifier: MIT */
#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * SHA-256 and HMAC-SHA256, in pieces, with OpenSSL behind it.
 *
 * Calling sequence: digest_new() or digest_new_hmac(), digest_add() for each
 * piece, digest_end() once, then digest_reset() to use the object again (the
 * key is kept) or digest_free(). An object belongs to one thread at a time.
 *
 * Fails only where OpenSSL finds no memory: ERR_TEMP.
 */

#define DIGEST_LEN 32 /* bytes of a SHA-256 */
#define DIGEST_HEX 65 /* the same in hexadecimal, with its NUL */

struct digest;

int digest_new(struct digest **out, struct err *err)
    __attribute__((warn_unused_result));
int digest_new_hmac(struct digest **out, const void *key, size_t len,
    struct err *err) __attribute__((warn_unused_result));
int digest_add(struct digest *d, const void *bytes, size_t len, struct err *err)
    __attribute__((warn_unused_result));
int digest_end(struct digest *d, uint8_t out[DIGEST_LEN], struct err *err)
    __attribute__((warn_unused_result));
int digest_reset(struct digest *d, struct err *err)
    __attribute__((warn_unused_result));
void digest_free(struct digest *d);

/* The SHA-256 of one piece. */
int digest_of(uint8_t out[DIGEST_LEN], const void *bytes, size_t len,
    struct err *err) __attribute__((warn_unused_result));

/* 1 if equal; takes the same time wherever they differ. */
int digest_equal(const uint8_t a[DIGEST_LEN], const uint8_t b[DIGEST_LEN]);

/* Lower-case hexadecimal of `len` bytes; `out` holds 2 * len + 1. */
void hex_encode(char *out, const uint8_t *bytes, size_t len);

/* The reverse of exactly 2 * len lower-case digits; 0, or -1. */
int hex_decode(uint8_t *out, size_t len, const char *text)
    __attribute__((warn_unused_result));

#endif
