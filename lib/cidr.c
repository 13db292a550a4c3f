/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <string.h>

#include "cidr.h"
#include "err.h"

#define V4_AT	    12 /* where the four bytes of an IPv4 address stand */
#define MAPPED_BITS 96 /* ::ffff:0:0/96, RFC 4291 2.5.5.2 */

static const uint8_t mapped[V4_AT] = { [10] = 0xff, [11] = 0xff };

_Static_assert(CIDR_TEXT == INET6_ADDRSTRLEN, "the longest address");

/* Reads an address; returns the bits its family has, 0 if it is none. */
static unsigned
read_address(uint8_t out[16], const char *text, size_t len)
{
	char copy[CIDR_TEXT];

	if (len == 0 || len >= sizeof copy || memchr(text, 0, len) != NULL)
		return 0;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET6, copy, out) == 1)
		return 128;
	if (inet_pton(AF_INET, copy, out + V4_AT) != 1)
		return 0;
	memcpy(out, mapped, sizeof mapped);
	return 32;
}

static int
in_range(const struct cidr *range, const uint8_t address[16])
{
	size_t bytes = range->bits / 8;
	unsigned rest = range->bits % 8;

	if (range->bits < MAPPED_BITS &&
	    memcmp(address, mapped, sizeof mapped) == 0)
		return 0;
	if (memcmp(range->net, address, bytes) != 0)
		return 0;
	return rest == 0 ||
	       (range->net[bytes] ^ address[bytes]) >> (8 - rest) == 0;
}

static int
in_any(const struct cidr *ranges, size_t n, const uint8_t address[16])
{
	for (size_t i = 0; i < n; i++) {
		if (in_range(&ranges[i], address))
			return 1;
	}
	return 0;
}

/* Digits only: strtoul() would take signs and blanks. */
static int
read_number(unsigned *out, const char *text, size_t len, unsigned most)
{
	unsigned n = 0;

	if (len == 0 || len > 5)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		n = n * 10 + (unsigned)(text[i] - '0');
	}
	if (n > most)
		return -1;
	*out = n;
	return 0;
}

static int
bits_behind(const struct cidr *c)
{
	for (unsigned bit = c->bits; bit < 128; bit++) {
		if (c->net[bit / 8] >> (7 - bit % 8) & 1)
			return 1;
	}
	return 0;
}

int
cidr_parse(struct cidr *out, const char *text, struct err *err)
{
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	struct cidr c = { 0 };
	unsigned family = read_address(c.net, text, len), bits = family;

	if (family == 0)
		return err_set(err, ERR_CONF, 0,
		    "%.60s: not an address or a range of addresses", text);
	if (slash != NULL &&
	    read_number(&bits, slash + 1, strlen(slash + 1), family) == -1)
		return err_set(err, ERR_CONF, 0,
		    "%.60s: what follows the slash must be 0 to %u", text,
		    family);
	c.bits = 128 - family + bits;
	if (bits_behind(&c))
		return err_set(err, ERR_CONF, 0,
		    "%.60s: has bits behind its prefix", text);
	*out = c;
	return 0;
}

int
cidr_match(const struct cidr *ranges, size_t n, const char *peer)
{
	uint8_t address[16];

	return read_address(address, peer, strnlen(peer, CIDR_TEXT)) != 0 &&
	       in_any(ranges, n, address);
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[...]:80" */
static int
read_hop(uint8_t out[16], const char *text, size_t len)
{
	const char *end, *port = NULL;
	size_t host = len;
	unsigned number;

	if (len > 0 && text[0] == '[') {
		end = memchr(text, ']', len);
		if (end == NULL)
			return -1;
		host = (size_t)(end - text) - 1;
		if (end + 1 < text + len)
			port = end + 1;
		if (read_address(out, text + 1, host) != 128)
			return -1;
	} else {
		end = memchr(text, ':', len);
		if (end != NULL && memchr(text, '.', (size_t)(end - text))) {
			port = end;
			host = (size_t)(end - text);
		}
		if (read_address(out, text, host) == 0)
			return -1;
	}
	if (port == NULL)
		return 0;
	return *port == ':' ? read_number(&number, port + 1,
				  (size_t)(text + len - port) - 1, 65535)
			    : -1;
}

/* Cuts the last entry off a list of *len bytes, without its blanks. */
static const char *
last_entry(const char *list, size_t *len, size_t *entry_len)
{
	size_t end = *len, start;

	for (start = end; start > 0 && list[start - 1] != ',';)
		start--;
	*len = start > 0 ? start - 1 : 0;
	while (start < end && (list[start] == ' ' || list[start] == '\t'))
		start++;
	while (end > start && (list[end - 1] == ' ' || list[end - 1] == '\t'))
		end--;
	*entry_len = end - start;
	return list + start;
}

int
cidr_client(char *out, size_t size, const char *peer, const char *forwarded_for,
    const struct cidr *trusted, size_t n)
{
	uint8_t client[16], hop[16];
	size_t left = forwarded_for != NULL ? strlen(forwarded_for) : 0, len;
	char text[CIDR_TEXT];
	int is_v4;

	if (read_address(client, peer, strnlen(peer, CIDR_TEXT)) == 0)
		return -1;
	while (left > 0 && in_any(trusted, n, client)) {
		const char *entry = last_entry(forwarded_for, &left, &len);

		if (read_hop(hop, entry, len) == -1)
			break;
		memcpy(client, hop, sizeof client);
	}
	is_v4 = memcmp(client, mapped, sizeof mapped) == 0;
	if (inet_ntop(is_v4 ? AF_INET : AF_INET6,
		is_v4 ? client + V4_AT : client, text, sizeof text) == NULL ||
	    strlen(text) >= size)
		return -1;
	memcpy(out, text, strlen(text) + 1);
	return 0;
}
