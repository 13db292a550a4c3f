/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "digest.h"
#include "fsio.h"
#include "github/app.h"
#include "secret.h"

#define SIGNATURE_MAX 1024 /* bytes; an RSA key of 8192 bits */
#define TOKEN_MAX     8192 /* bytes of a cached token file */

/* ---- the App's own token ---- */

/* Base64 with the URL alphabet and without padding (RFC 7515). */
static void
add_base64url(struct buf *out, const unsigned char *bytes, size_t len)
{
	size_t size = (len + 2) / 3 * 4;
	char *room = buf_room(out, size + 1);
	int n;

	if (room == NULL)
		return;
	n = EVP_EncodeBlock((unsigned char *)room, bytes, (int)len);
	while (n > 0 && room[n - 1] == '=')
		n--;
	for (int i = 0; i < n; i++) {
		if (room[i] == '+')
			room[i] = '-';
		else if (room[i] == '/')
			room[i] = '_';
	}
	out->len += (size_t)n;
	out->data[out->len] = '\0';
}

static int
read_key(EVP_PKEY **out, const struct secret *pem, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(secret_bytes(pem), (int)secret_len(pem));
	EVP_PKEY *key =
	    bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	BIO_free(bio);
	if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
		EVP_PKEY_free(key);
		return err_set(err, ERR_CONF, 0,
		    "the GitHub App's key is not an RSA key in PEM form");
	}
	*out = key;
	return 0;
}

static int
add_signature(struct buf *jwt, EVP_PKEY *key, struct err *err)
{
	unsigned char signature[SIGNATURE_MAX];
	size_t len = sizeof signature;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = ctx != NULL && EVP_PKEY_get_size(key) <= SIGNATURE_MAX &&
		 EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		 EVP_DigestSign(ctx, signature, &len,
		     (unsigned char *)jwt->data, jwt->len) == 1;

	EVP_MD_CTX_free(ctx);
	if (!ok)
		return err_set(err, ERR_TEMP, 0, "the App's key cannot sign");
	buf_addc(jwt, '.');
	add_base64url(jwt, signature, len);
	return buf_check(jwt, "JWT", err);
}

int
app_jwt(struct secret **out, int64_t app_id, const struct secret *pem,
    int64_t now, struct err *err)
{
	static const char header[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
	char claims[160];
	EVP_PKEY *key = NULL;
	struct buf jwt;
	int len, rc = -1;

	if (read_key(&key, pem, err) == -1)
		return -1;
	len = snprintf(claims, sizeof claims,
	    "{\"iat\":%" PRId64 ",\"exp\":%" PRId64 ",\"iss\":\"%" PRId64 "\"}",
	    now - APP_JWT_BACKDATE, now + APP_JWT_LIFE, app_id);
	buf_init(&jwt, 4096);
	add_base64url(&jwt, (const unsigned char *)header, strlen(header));
	buf_addc(&jwt, '.');
	add_base64url(&jwt, (const unsigned char *)claims, (size_t)len);
	if (add_signature(&jwt, key, err) == 0)
		rc = secret_new(out, jwt.data, jwt.len, err);
	OPENSSL_cleanse(jwt.data, jwt.len);
	buf_release(&jwt);
	EVP_PKEY_free(key);
	return rc;
}

/* ---- installation tokens on disk ---- */

static int
open_cache(int *out, const char *data_directory, struct err *err)
{
	return fs_make_below(out, data_directory, "cache/github", 0700, err);
}

static int
file_name(char out[96], int64_t app_id, const char *repository, struct err *err)
{
	uint8_t sum[DIGEST_LEN];
	char hex[33];

	if (digest_of(sum, repository, strlen(repository), err) == -1)
		return -1;
	hex_encode(hex, sum, 16);
	snprintf(out, 96, "installation-%" PRId64 "-%s", app_id, hex);
	return 0;
}

/* "EXPIRES TOKEN\n" */
static int
parse_token(struct secret **out, const struct buf *file, int64_t now)
{
	char *end;
	int64_t expires = strtoll(file->data, &end, 10);
	size_t len = strcspn(*end == ' ' ? end + 1 : end, "\n");
	struct err err;

	if (*end != ' ' || len == 0 || expires - now <= APP_RENEW_BEFORE)
		return 0;
	return secret_new(out, end + 1, len, &err) == 0;
}

int
app_token_find(struct secret **out, const char *data_directory, int64_t app_id,
    const char *repository, int64_t now)
{
	char name[96];
	struct buf file;
	struct err err;
	int dir = -1, found = 0;

	if (open_cache(&dir, data_directory, &err) == -1)
		return 0;
	buf_init(&file, TOKEN_MAX);
	if (file_name(name, app_id, repository, &err) == 0 &&
	    fs_read_file(&file, dir, name, &err) == 0)
		found = parse_token(out, &file, now);
	explicit_bzero(file.data, file.len);
	buf_release(&file);
	fs_close(&dir);
	return found;
}

int
app_token_keep(const char *data_directory, int64_t app_id,
    const char *repository, const struct secret *token, int64_t expires,
    struct err *err)
{
	char name[96];
	struct buf file;
	int dir = -1, rc = -1;

	if (open_cache(&dir, data_directory, err) == -1)
		return -1;
	buf_init(&file, TOKEN_MAX);
	buf_addf(&file, "%" PRId64 " ", expires);
	buf_add(&file, secret_bytes(token), secret_len(token));
	buf_addc(&file, '\n');
	if (buf_check(&file, "installation token", err) == 0 &&
	    file_name(name, app_id, repository, err) == 0)
		rc = fs_replace(dir, name, file.data, file.len, 0600, err);
	explicit_bzero(file.data, file.len);
	buf_release(&file);
	fs_close(&dir);
	return rc;
}

void
app_token_drop(
    const char *data_directory, int64_t app_id, const char *repository)
{
	char name[96];
	struct err err;
	int dir = -1;

	if (open_cache(&dir, data_directory, &err) == -1)
		return;
	if (file_name(name, app_id, repository, &err) == 0)
		unlinkat(dir, name, 0);
	fs_close(&dir);
}
