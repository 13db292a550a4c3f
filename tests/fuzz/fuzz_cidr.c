/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cidr.h"
#include "err.h"

/*
 * Address ranges and the X-Forwarded-For header: "RANGE\nPEER\nHEADER". The
 * answer is an address, and reads again as itself.
 */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void
check_client(const char *peer, const char *header, const struct cidr *range)
{
	struct cidr ranges[2] = { *range };
	char out[CIDR_TEXT], again[CIDR_TEXT];
	struct err err = { 0 };

	if (cidr_parse(&ranges[1], "10.0.0.0/8", &err) == -1)
		abort();
	if (cidr_client(out, sizeof out, peer, header, ranges, 2) == -1)
		return;
	if (cidr_client(again, sizeof again, out, NULL, NULL, 0) == -1 ||
	    strcmp(again, out) != 0)
		abort();
	/* Nobody listens to one who is no proxy. */
	if (!cidr_match(ranges, 2, peer) &&
	    (cidr_client(again, sizeof again, peer, NULL, NULL, 0) == -1 ||
		strcmp(again, out) != 0))
		abort();
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *text = malloc(size + 3), *peer, *header;
	struct err err = { 0 };
	struct cidr range;

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	memcpy(text + size, "\n\n", 3);
	peer = strchr(text, '\n');
	if (peer != NULL && (header = strchr(peer + 1, '\n')) != NULL) {
		*peer = *header = '\0';
		if (cidr_parse(&range, text, &err) == 0) {
			if (range.bits > 128)
				abort();
			check_client(peer + 1, header + 1, &range);
		} else if (err.class != ERR_CONF) {
			abort();
		}
	}
	free(text);
	return 0;
}
