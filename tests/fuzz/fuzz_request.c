/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cidr.h"
#include "err.h"
#include "head.h"
#include "peer.h"
#include "request.h"
#include "signature.h"

/*
 * The params of a request as a web server hands them over, separated by
 * NULs: read, checked, their signature and client taken out. Whatever passes
 * must be fit for a head and a file name.
 */

#define PARAMS_MAX 64

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void
check_request(char *const *params)
{
	struct job_head head = { 0 };
	uint8_t mac[DIGEST_LEN];
	struct cidr proxy;
	struct err err;
	struct request r;
	uint64_t length;

	request_read(&r, params);
	if (strlen(r.id) != UUID_TEXT - 1)
		abort();
	if (signature_parse(mac, r.param[PARAM_SIGNATURE]) == REPLY_NONE &&
	    strlen(r.param[PARAM_SIGNATURE]) != 7 + 2 * DIGEST_LEN)
		abort();
	if (cidr_parse(&proxy, "127.0.0.0/8", &err) == -1)
		abort();
	peer_address(head.peer, r.param[PARAM_PEER], r.param[PARAM_FORWARDED],
	    &proxy, 1);
	if (request_check(&r, &head, &length) != REPLY_NONE)
		return;
	head_job_id(head.id, 0, head.delivery);
	if (!head_job_id_valid(head.id) || strchr(head.event, '/') != NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *params[PARAMS_MAX + 1] = { NULL };
	char *text = malloc(size + 1), *p = text;
	size_t n = 0;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	while (n < PARAMS_MAX && p < text + size) {
		params[n++] = p;
		p += strlen(p) + 1;
	}
	check_request(params);
	free(text);
	return 0;
}
