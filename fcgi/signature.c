/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "secret.h"
#include "settings.h"
#include "signature.h"

#define PREFIX "sha256="

static int late_hmac(uint8_t out[DIGEST_LEN], const struct secret *key,
    const char *body, size_t len, struct err *err);

enum reply_code
signature_parse(uint8_t mac[DIGEST_LEN], const char *header)
{
	size_t prefix = sizeof PREFIX - 1;

	if (*header == '\0')
		return REPLY_NO_SIGNATURE;
	if (strlen(header) != prefix + 2 * DIGEST_LEN ||
	    memcmp(header, PREFIX, prefix) != 0 ||
	    hex_decode(mac, DIGEST_LEN, header + prefix) == -1)
		return REPLY_BAD_SIGNATURE;
	return REPLY_NONE;
}

int
signer_begin(struct signer *g, const struct settings *s, struct err *err)
{
	size_t want = s->n_keys < SIGNER_STREAM ? s->n_keys : SIGNER_STREAM;

	if (g->generation != s->generation)
		signer_release(g);
	for (size_t i = 0; i < g->n; i++) {
		if (digest_reset(g->hmac[i], err) == -1)
			return -1;
	}
	for (; g->n < want; g->n++) {
		const struct secret *key = s->keys[g->n];

		if (digest_new_hmac(&g->hmac[g->n], secret_bytes(key),
			secret_len(key), err) == -1)
			return -1;
	}
	g->generation = s->generation;
	return 0;
}

int
signer_add(struct signer *g, const void *bytes, size_t len, struct err *err)
{
	for (size_t i = 0; i < g->n; i++) {
		if (digest_add(g->hmac[i], bytes, len, err) == -1)
			return -1;
	}
	return 0;
}

int
signer_end(struct signer *g, const struct settings *s, const char *body,
    size_t len, const uint8_t mac[DIGEST_LEN], const struct secret **key,
    struct err *err)
{
	const struct secret *found = NULL;

	for (size_t i = 0; i < s->n_keys; i++) {
		uint8_t got[DIGEST_LEN];
		int rc = i < g->n ? digest_end(g->hmac[i], got, err)
				  : late_hmac(got, s->keys[i], body, len, err);

		if (rc == -1)
			return -1;
		if (digest_equal(got, mac))
			found = s->keys[i];
	}
	*key = found;
	return 0;
}

static int
late_hmac(uint8_t out[DIGEST_LEN], const struct secret *key, const char *body,
    size_t len, struct err *err)
{
	struct digest *d;
	int rc;

	if (digest_new_hmac(&d, secret_bytes(key), secret_len(key), err) == -1)
		return -1;
	rc = digest_add(d, body, len, err);
	if (rc == 0)
		rc = digest_end(d, out, err);
	digest_free(d);
	return rc;
}

void
signer_release(struct signer *g)
{
	for (size_t i = 0; i < g->n; i++)
		digest_free(g->hmac[i]);
	memset(g, 0, sizeof *g);
}
