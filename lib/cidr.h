/* SPDX-License-Identifier: MIT */
#ifndef CIDR_H
#define CIDR_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * Address ranges ("192.30.252.0/22", "2a0a:a440::/29") and the question
 * whether a client's address is in one of them.
 *
 * Calling sequence: cidr_parse() each range once when the configuration is
 * read, then cidr_match() for each request. There is nothing to release.
 *
 * An IPv4 address and the same address mapped into IPv6 (::ffff:192.0.2.1,
 * which a dual-stack proxy reports) are one: both are kept as 16 bytes. A
 * range for all of IPv6 therefore begins where the mapped block is not:
 * "::/0" is every IPv6 address and no IPv4 one.
 *
 * cidr_parse() takes an address alone as a range of one. It refuses with
 * ERR_CONF whatever is no address, a prefix longer than the family has, and
 * bits behind the prefix, which are more often a slip than a wish.
 * cidr_match() does not fail: what is no address is in no range.
 */

struct cidr {
	uint8_t net[16]; /* network byte order; IPv4 as ::ffff:0:0/96 */
	unsigned bits;	 /* leading bits of `net` that count, 0 to 128 */
};

int cidr_parse(struct cidr *out, const char *text, struct err *err) CHECKED;

/* 1 if `address`, as text, is in one of the n ranges. */
int cidr_match(const struct cidr *ranges, size_t n, const char *address);

#endif
