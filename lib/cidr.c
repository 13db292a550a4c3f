/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>

#include "cidr.h"

#define MAPPED_BITS 96 /* ::ffff:0:0/96, RFC 4291 2.5.5.2 */

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* Either family as 16 bytes; *v4 tells which it was written as. */
static int
read_address(uint8_t out[16], const char *text, int *v4)
{
	uint8_t four[4];

	*v4 = inet_pton(AF_INET, text, four) == 1;
	if (!*v4)
		return inet_pton(AF_INET6, text, out) == 1 ? 0 : -1;
	memcpy(out, mapped, sizeof mapped);
	memcpy(out + sizeof mapped, four, sizeof four);
	return 0;
}

/* Digits only: strtoul() alone would also take " 8", "+8" and "8x". */
static int
read_prefix(unsigned *out, const char *text, unsigned most)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 3 || text[digits] != '\0')
		return -1;
	*out = (unsigned)strtoul(text, NULL, 10);
	return *out <= most ? 0 : -1;
}

static int
bit_at(const uint8_t *bytes, unsigned i)
{
	return bytes[i / 8] >> (7 - i % 8) & 1;
}

static int
is_mapped(const uint8_t *address)
{
	return memcmp(address, mapped, sizeof mapped) == 0;
}

static int
in_range(const struct cidr *range, const uint8_t *address)
{
	unsigned whole = range->bits / 8;

	if (range->bits < MAPPED_BITS && is_mapped(address))
		return 0;
	if (memcmp(range->net, address, whole) != 0)
		return 0;
	for (unsigned i = whole * 8; i < range->bits; i++) {
		if (bit_at(range->net, i) != bit_at(address, i))
			return 0;
	}
	return 1;
}

int
cidr_parse(struct cidr *out, const char *text, struct err *err)
{
	char host[INET6_ADDRSTRLEN];
	const char *slash = strchrnul(text, '/');
	size_t len = (size_t)(slash - text);
	struct cidr range = { 0 };
	unsigned family, prefix;
	int v4;

	if (len >= sizeof host)
		return err_set(err, ERR_CONF, 0, "%.60s: not an address", text);
	memcpy(host, text, len);
	host[len] = '\0';
	if (read_address(range.net, host, &v4) == -1)
		return err_set(err, ERR_CONF, 0, "%.60s: not an address", host);
	family = prefix = v4 ? 32 : 128;
	if (*slash == '/' && read_prefix(&prefix, slash + 1, family) == -1)
		return err_set(err, ERR_CONF, 0,
		    "%.60s: the prefix length must be 0 to %u", text, family);
	range.bits = 128 - family + prefix;
	for (unsigned i = range.bits; i < 128; i++) {
		if (bit_at(range.net, i))
			return err_set(err, ERR_CONF, 0,
			    "%.60s: bits are set behind the prefix", text);
	}
	*out = range;
	return 0;
}

int
cidr_match(const struct cidr *ranges, size_t n, const char *address)
{
	uint8_t bytes[16];
	int v4;

	if (read_address(bytes, address, &v4) == -1)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (in_range(&ranges[i], bytes))
			return 1;
	}
	return 0;
}
