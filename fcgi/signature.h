/* SPDX-License-Identifier: MIT */
#ifndef SIGNATURE_H
#define SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "err.h"
#include "reply.h"

struct secret;
struct settings;

/*
 * X-Hub-Signature-256: HMAC-SHA256 of the raw body under the webhook's
 * secret (docs.github.com, "Validating webhook deliveries").
 *
 * signature_parse() reads the header. A signer then works out what the
 * signature should be under every active secret, since whose secret it has
 * to be is known only once the body may be trusted: signer_begin(),
 * signer_add() for each piece of the body, signer_end(). Keyed contexts are
 * kept from one request to the next. The first SIGNER_STREAM secrets are
 * computed while the body comes in, any further ones in a second pass over
 * the whole body, which bounds the memory of a thread.
 *
 * A signer belongs to one thread. Fails only for lack of memory.
 */

#define SIGNER_STREAM 8

struct signer {
	struct digest *hmac[SIGNER_STREAM];
	size_t n;	     /* of hmac, in use */
	uint64_t generation; /* of the settings they were made from */
};

/* REPLY_NONE and the MAC, or the answer. "" is REPLY_NO_SIGNATURE. */
enum reply_code signature_parse(uint8_t mac[DIGEST_LEN], const char *header);

int signer_begin(
    struct signer *g, const struct settings *s, struct err *err) CHECKED;
int signer_add(
    struct signer *g, const void *bytes, size_t len, struct err *err) CHECKED;

/*
 * *key is the secret under which the body has this MAC, NULL if there is
 * none. Every secret is tried whether or not one fits before.
 */
int signer_end(struct signer *g, const struct settings *s, const char *body,
    size_t len, const uint8_t mac[DIGEST_LEN], const struct secret **key,
    struct err *err) CHECKED;

void signer_release(struct signer *g);

#endif
