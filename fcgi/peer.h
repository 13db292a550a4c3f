/* SPDX-License-Identifier: MIT */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>

struct cidr;

/*
 * Whose request this is: REMOTE_ADDR, unless that is a trusted proxy; then
 * the last address in X-Forwarded-For that is not one. Everything left of it
 * is the client's own claim and is not looked at.
 */

#define PEER_MAX 48 /* INET6_ADDRSTRLEN and a NUL, rounded up */

/* "" where the address cannot be told; such a peer is in no allow-list. */
void peer_address(char out[PEER_MAX], const char *remote, const char *forwarded,
    const struct cidr *proxies, size_t n);

#endif
