/* SPDX-License-Identifier: MIT */
#ifndef REQUEST_H
#define REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "reply.h"
#include "uuid.h"

struct job_head;

/*
 * What the web server says of a request: CGI's meta-variables (RFC 3875) and
 * the headers GitHub sends, picked out of the exchange's params once, and
 * the checks of their shape. Nothing here looks at the body.
 *
 * Servers differ (tests/e2e/frontends.test.mjs runs five): REQUEST_URI is
 * the one path they agree on; CONTENT_LENGTH of a chunked body is absent,
 * empty or -1; a header sent twice comes once, twice, or joined by a comma;
 * X_Hub_Signature_256 and X-Hub-Signature-256 arrive under one name. So a
 * param that decides anything must come exactly once, and a comma in a
 * signature is never parsed.
 */

enum param {
	PARAM_METHOD,
	PARAM_URI,
	PARAM_SCRIPT,
	PARAM_PATH_INFO,
	PARAM_TYPE,
	PARAM_LENGTH,
	PARAM_PEER,
	PARAM_FORWARDED,
	PARAM_SIGNATURE,
	PARAM_SIGNATURE_SHA1,
	PARAM_DELIVERY,
	PARAM_EVENT,
	PARAM_HOOK,
	PARAM_REQUEST_ID,
	PARAMS,
};

#define REQUEST_PATH_MAX 256 /* bytes of a path that can be one of ours */
#define LENGTH_UNKNOWN	 UINT64_MAX /* a chunked body: read to its end */

struct request {
	const char *param[PARAMS];   /* "" where absent; borrowed */
	unsigned repeated;	     /* bit 1u << p: param p came twice */
	char path[REQUEST_PATH_MAX]; /* without the query; "" if too long */
	char id[UUID_TEXT]; /* X-Request-ID if a UUID, else a new one */
};

void request_read(struct request *r, char *const *params);

/*
 * The shapes of a webhook's headers, in a fixed order; the first that is
 * wrong is the answer. REPLY_NONE: all are right, and *head has the delivery,
 * event, hook and content type, *length the body's declared length.
 */
enum reply_code request_check(
    const struct request *r, struct job_head *head, uint64_t *length);

#endif
