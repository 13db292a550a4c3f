/* SPDX-License-Identifier: MIT */
#include <openssl/core_names.h>
#include <stdint.h>
#include <string.h>

#include "signer.h"

EVP_MAC_CTX *
signer_new(const char *secret, const char *common, size_t len)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	char name[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *signer = EVP_MAC_CTX_new(mac);

	EVP_MAC_free(mac);
	if (signer != NULL &&
	    (EVP_MAC_init(signer, (const unsigned char *)secret, strlen(secret),
		 params) != 1 ||
		EVP_MAC_update(signer, (const unsigned char *)common, len) !=
		    1)) {
		EVP_MAC_CTX_free(signer);
		return NULL;
	}
	return signer;
}

int
signer_hex(char hex[DIGEST_HEX], const EVP_MAC_CTX *signer, const char *tail,
    size_t len)
{
	EVP_MAC_CTX *own = EVP_MAC_CTX_dup(signer);
	uint8_t sum[DIGEST_LEN];
	size_t got;
	int rc = -1;

	if (own != NULL &&
	    EVP_MAC_update(own, (const unsigned char *)tail, len) == 1 &&
	    EVP_MAC_final(own, sum, &got, sizeof sum) == 1) {
		hex_encode(hex, sum, sizeof sum);
		rc = 0;
	}
	EVP_MAC_CTX_free(own);
	return rc;
}
