/* SPDX-License-Identifier: MIT */
#ifndef SIGNER_H
#define SIGNER_H

#include <openssl/evp.h>
#include <stddef.h>

#include "digest.h"

/*
 * Signatures of many bodies that begin alike: the HMAC of the beginning is
 * computed once, each body then costs its own end only. Not our lib/digest,
 * so that a load that is measured signs with code of its own.
 *
 * signer_new() takes the secret and the common beginning; signer_hex() gives
 * the signature of the beginning with `tail` behind it. Both return NULL or
 * -1 where OpenSSL has no memory. The object lives as long as the program.
 */

EVP_MAC_CTX *signer_new(const char *secret, const char *common, size_t len);
int signer_hex(char hex[DIGEST_HEX], const EVP_MAC_CTX *signer,
    const char *tail, size_t len);

#endif
