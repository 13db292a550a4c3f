/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cidr.h"
#include "peer.h"

static size_t last_item(char out[PEER_MAX], const char *list, size_t len);

void
peer_address(char out[PEER_MAX], const char *remote, const char *forwarded,
    const struct cidr *proxies, size_t n)
{
	size_t left = strlen(forwarded);

	out[0] = '\0';
	if (strlen(remote) >= PEER_MAX)
		return;
	memcpy(out, remote, strlen(remote) + 1);
	while (left > 0 && cidr_match(proxies, n, out))
		left = last_item(out, forwarded, left);
}

/* Copies the last item of a comma-separated list without its blanks; returns
 * the length of the list before it. An item too long for an address is "". */
static size_t
last_item(char out[PEER_MAX], const char *list, size_t len)
{
	size_t start, end = len;

	while (end > 0 && (list[end - 1] == ' ' || list[end - 1] == '\t'))
		end--;
	start = end;
	while (start > 0 && list[start - 1] != ',')
		start--;
	len = start > 0 ? start - 1 : 0;
	while (start < end && (list[start] == ' ' || list[start] == '\t'))
		start++;
	if (end - start >= PEER_MAX)
		end = start;
	memcpy(out, list + start, end - start);
	out[end - start] = '\0';
	return len;
}
