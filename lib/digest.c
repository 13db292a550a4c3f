/* SPDX-License-Identifier: MIT */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "err.h"

/*
 * Either a plain digest or a MAC. A MAC keeps its key in `mac`, so starting
 * again costs no key set-up.
 */
struct digest {
	EVP_MD_CTX *md;
	EVP_MAC_CTX *mac;
};

static int
no_memory(struct err *err)
{
	return err_set(err, ERR_TEMP, 0, "digest: out of memory");
}

static int
start_mac(struct digest *d, const void *key, size_t len)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	char name[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end(),
	};

	if (mac == NULL)
		return -1;
	d->mac = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	if (d->mac == NULL || EVP_MAC_init(d->mac, key, len, params) != 1)
		return -1;
	return 0;
}

int
digest_new(struct digest **out, struct err *err)
{
	struct digest *d = calloc(1, sizeof *d);

	if (d == NULL || (d->md = EVP_MD_CTX_new()) == NULL ||
	    EVP_DigestInit_ex(d->md, EVP_sha256(), NULL) != 1) {
		digest_free(d);
		return no_memory(err);
	}
	*out = d;
	return 0;
}

int
digest_new_hmac(
    struct digest **out, const void *key, size_t len, struct err *err)
{
	struct digest *d = calloc(1, sizeof *d);

	if (d == NULL || start_mac(d, key, len) == -1) {
		digest_free(d);
		return no_memory(err);
	}
	*out = d;
	return 0;
}

int
digest_add(struct digest *d, const void *bytes, size_t len, struct err *err)
{
	int ok = d->md != NULL ? EVP_DigestUpdate(d->md, bytes, len)
			       : EVP_MAC_update(d->mac, bytes, len);

	return ok == 1 ? 0 : no_memory(err);
}

int
digest_end(struct digest *d, uint8_t out[DIGEST_LEN], struct err *err)
{
	size_t len;
	int ok = d->md != NULL ? EVP_DigestFinal_ex(d->md, out, NULL)
			       : EVP_MAC_final(d->mac, out, &len, DIGEST_LEN);

	return ok == 1 ? 0 : no_memory(err);
}

int
digest_reset(struct digest *d, struct err *err)
{
	int ok = d->md != NULL ? EVP_DigestInit_ex(d->md, NULL, NULL)
			       : EVP_MAC_init(d->mac, NULL, 0, NULL);

	return ok == 1 ? 0 : no_memory(err);
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	EVP_MD_CTX_free(d->md);
	EVP_MAC_CTX_free(d->mac);
	free(d);
}

int
digest_of(
    uint8_t out[DIGEST_LEN], const void *bytes, size_t len, struct err *err)
{
	if (EVP_Digest(bytes, len, out, NULL, EVP_sha256(), NULL) != 1)
		return no_memory(err);
	return 0;
}

int
digest_equal(const uint8_t a[DIGEST_LEN], const uint8_t b[DIGEST_LEN])
{
	return CRYPTO_memcmp(a, b, DIGEST_LEN) == 0;
}

void
hex_encode(char *out, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
hex_decode(uint8_t *out, size_t len, const char *text)
{
	if (strnlen(text, 2 * len + 1) != 2 * len)
		return -1;
	for (size_t i = 0; i < len; i++) {
		int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}
