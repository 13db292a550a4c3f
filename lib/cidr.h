/* SPDX-License-Identifier: MIT */
#ifndef CIDR_H
#define CIDR_H

#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * Address ranges ("192.30.252.0/22", "2a0a:a440::/29", or one address), as
 * GitHub publishes them in the "hooks" list of GET /meta, and the question
 * which address a request really came from.
 *
 * Calling sequence: cidr_parse() each range when the configuration is read;
 * for a request cidr_client(), then cidr_match() with what it found. Nothing
 * needs to be released, and everything may be called from any thread.
 *
 * Both families are kept as 16 bytes, IPv4 as ::ffff:0:0/96, so that the
 * mapped form a dual-stack proxy reports is the IPv4 address it stands for.
 * "::/0" is every IPv6 address and no IPv4 one.
 *
 * Fails: cidr_parse() with ERR_CONF for anything but an address, or an
 * address, a slash and a length within its family's limit. Bits behind the
 * prefix must be zero: 10.0.0.1/8 leaves open what its author meant.
 */

#define CIDR_TEXT 46 /* bytes of an address as text, INET6_ADDRSTRLEN */

struct cidr {
	uint8_t net[16]; /* network byte order */
	unsigned bits;	 /* leading bits that count, 0 to 128 */
};

int cidr_parse(struct cidr *out, const char *text, struct err *err)
    __attribute__((warn_unused_result));

/* 1 if `peer`, an address as text, is in one of the n ranges; 0 if not, or
 * if it is no address. */
int cidr_match(const struct cidr *ranges, size_t n, const char *peer);

/*
 * The client's address behind trusted proxies, written the usual way (RFC
 * 5952). `peer` is who connected; `forwarded_for` is the X-Forwarded-For
 * header or NULL. Each proxy appends whom it saw, so the list is walked from
 * its end for as long as the one who appended is in the n trusted ranges;
 * what stands further left is hearsay and is not read. An entry that is no
 * address ends the walk: the last good address counts.
 *
 * 0, or -1 where `peer` itself is no address or `size` is too small.
 */
int cidr_client(char *out, size_t size, const char *peer,
    const char *forwarded_for, const struct cidr *trusted, size_t n)
    __attribute__((warn_unused_result));

#endif
