/* SPDX-License-Identifier: MIT */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "err.h"

/*
 * HMAC (RFC 2104) from two SHA-256 states that have taken in the key with
 * its pads. OpenSSL's own HMAC would keep a copy of the key in ordinary memory
 * for as long as it lives; from these states the key cannot be had back.
 */
#define BLOCK 64 /* bytes, of SHA-256 */

struct digest {
	EVP_MD_CTX *md;
	EVP_MD_CTX *inner, *outer; /* of a MAC, else NULL */
};

/*
 * SHA-256 is fetched once, in a context of ours: OpenSSL's default one, where
 * memory ran out while it was made, is left half made and then dies of it.
 * Both live as long as the process. What failed is tried again.
 */
static const EVP_MD *
sha256(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static EVP_MD *fetched;
	OSSL_LIB_CTX *context = NULL;
	EVP_MD *md;

	md = __atomic_load_n(&fetched, __ATOMIC_ACQUIRE);
	if (md != NULL)
		return md;
	pthread_mutex_lock(&lock);
	md = fetched;
	if (md == NULL && (context = OSSL_LIB_CTX_new()) != NULL &&
	    (md = EVP_MD_fetch(context, "SHA256", NULL)) == NULL)
		OSSL_LIB_CTX_free(context);
	__atomic_store_n(&fetched, md, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&lock);
	return md;
}

static int
start(EVP_MD_CTX *ctx)
{
	const EVP_MD *md = sha256();

	return md != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1;
}

static int
no_memory(struct err *err)
{
	return err_set(err, ERR_TEMP, 0, "digest: out of memory");
}

static int
take_pad(EVP_MD_CTX *md, const uint8_t key[BLOCK], uint8_t pad)
{
	uint8_t block[BLOCK];
	int ok;

	for (size_t i = 0; i < BLOCK; i++)
		block[i] = key[i] ^ pad;
	ok = start(md) && EVP_DigestUpdate(md, block, BLOCK) == 1;
	explicit_bzero(block, sizeof block);
	return ok ? 0 : -1;
}

static int
start_mac(struct digest *d, const void *key, size_t len)
{
	uint8_t block[BLOCK] = { 0 };
	int rc = -1;

	d->inner = EVP_MD_CTX_new();
	d->outer = EVP_MD_CTX_new();
	if (d->inner == NULL || d->outer == NULL)
		return -1;
	if (len <= BLOCK)
		memcpy(block, key, len);
	else if (sha256() == NULL ||
		 EVP_Digest(key, len, block, NULL, sha256(), NULL) != 1)
		return -1;
	if (take_pad(d->inner, block, 0x36) == 0 &&
	    take_pad(d->outer, block, 0x5c) == 0)
		rc = 0;
	explicit_bzero(block, sizeof block);
	return rc;
}

static int
make(struct digest **out, const void *key, size_t len, struct err *err)
{
	struct digest *d = calloc(1, sizeof *d);

	if (d == NULL || (d->md = EVP_MD_CTX_new()) == NULL ||
	    (key != NULL && start_mac(d, key, len) == -1) ||
	    digest_reset(d, err) == -1) {
		digest_free(d);
		return no_memory(err);
	}
	*out = d;
	return 0;
}

int
digest_new(struct digest **out, struct err *err)
{
	return make(out, NULL, 0, err);
}

int
digest_new_hmac(
    struct digest **out, const void *key, size_t len, struct err *err)
{
	return make(out, key, len, err);
}

int
digest_add(struct digest *d, const void *bytes, size_t len, struct err *err)
{
	return EVP_DigestUpdate(d->md, bytes, len) == 1 ? 0 : no_memory(err);
}

int
digest_end(struct digest *d, uint8_t out[DIGEST_LEN], struct err *err)
{
	uint8_t inner[DIGEST_LEN];

	if (d->outer == NULL)
		return EVP_DigestFinal_ex(d->md, out, NULL) == 1
			   ? 0
			   : no_memory(err);
	if (EVP_DigestFinal_ex(d->md, inner, NULL) != 1 ||
	    EVP_MD_CTX_copy_ex(d->md, d->outer) != 1 ||
	    EVP_DigestUpdate(d->md, inner, sizeof inner) != 1 ||
	    EVP_DigestFinal_ex(d->md, out, NULL) != 1)
		return no_memory(err);
	return 0;
}

int
digest_reset(struct digest *d, struct err *err)
{
	int ok = d->inner != NULL ? EVP_MD_CTX_copy_ex(d->md, d->inner)
				  : start(d->md);

	return ok == 1 ? 0 : no_memory(err);
}

void
digest_free(struct digest *d)
{
	if (d == NULL)
		return;
	EVP_MD_CTX_free(d->md);
	EVP_MD_CTX_free(d->inner);
	EVP_MD_CTX_free(d->outer);
	free(d);
}

int
digest_of(
    uint8_t out[DIGEST_LEN], const void *bytes, size_t len, struct err *err)
{
	if (sha256() == NULL ||
	    EVP_Digest(bytes, len, out, NULL, sha256(), NULL) != 1)
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
