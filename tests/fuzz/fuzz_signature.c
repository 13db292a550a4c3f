/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "digest.h"
#include "signature.h"

/*
 * The signature header: what is taken is "sha256=" and 64 digits, and the
 * MAC written again is the same.
 */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *header = malloc(size + 1), hex[DIGEST_HEX];
	uint8_t mac[DIGEST_LEN];
	enum reply_code code;

	if (header == NULL)
		abort();
	memcpy(header, data, size);
	header[size] = '\0';
	code = signature_parse(mac, header);
	if ((code == REPLY_NO_SIGNATURE) != (*header == '\0'))
		abort();
	if (code == REPLY_NONE) {
		hex_encode(hex, mac, DIGEST_LEN);
		if (strlen(header) != 7 + strlen(hex) ||
		    memcmp(header, "sha256=", 7) != 0 ||
		    strcasecmp(header + 7, hex) != 0)
			abort();
	}
	free(header);
	return 0;
}
