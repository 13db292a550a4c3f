/* SPDX-License-Identifier: MIT */
/*
 * The table of replies, and how one is written. A body is always one JSON
 * object: with "status" where we are content, "error" and "reason" where not.
 */
#include <stddef.h>

#include "buf.h"
#include "exchange.h"
#include "head.h"
#include "json.h"
#include "reply.h"

#define REPLY_MAX 8192 /* bytes of head and body; a readiness report is 1 k */

static void put_head(struct buf *b, const struct reply *reply);
static const char *status_text(int status);

static const struct {
	int status;
	const char *word, *sentence;
} table[REPLY_CODES] = {
	[REPLY_NONE] = { 503, "no_answer", "The request has no answer." },
	[REPLY_ACCEPTED] = { 202, "accepted", NULL },
	[REPLY_DUPLICATE] = { 200, "already_processed", NULL },
	[REPLY_IGNORED_REPOSITORY] = { 200, "ignored", "unknown_repository" },
	[REPLY_IGNORED_EVENT] = { 200, "ignored", "not_handled" },
	[REPLY_DOCUMENT] = { 200, "ok", NULL },
	[REPLY_NOT_READY] = { 503, "not_ready", NULL },
	[REPLY_BAD_TYPE] = { 400, "unsupported_content_type",
	    "The content type must be application/json or "
	    "application/x-www-form-urlencoded." },
	[REPLY_BAD_LENGTH] = { 400, "invalid_content_length",
	    "Content-Length is not a number." },
	[REPLY_REPEATED] = { 400, "repeated_header",
	    "A header that may come only once came twice." },
	[REPLY_BAD_DELIVERY] = { 400, "invalid_delivery_id",
	    "X-GitHub-Delivery must be a UUID." },
	[REPLY_BAD_EVENT] = { 400, "invalid_event",
	    "X-GitHub-Event must be the name of an event." },
	[REPLY_BAD_HOOK] = { 400, "invalid_hook_id",
	    "X-GitHub-Hook-ID must be a number and agree with the payload." },
	[REPLY_EMPTY_BODY] = { 400, "empty_body", "The body is empty." },
	[REPLY_SHORT_BODY] = { 400, "short_body",
	    "The body ended before its Content-Length." },
	[REPLY_LONG_BODY] = { 400, "long_body",
	    "The body is longer than its Content-Length." },
	[REPLY_BAD_FORM] = { 400, "invalid_form",
	    "The form has no readable field \"payload\"." },
	[REPLY_BAD_JSON] = { 400, "invalid_json",
	    "The payload is not a JSON object." },
	[REPLY_BAD_SHAPE] = { 400, "event_mismatch",
	    "The payload is not one of the event that X-GitHub-Event names." },
	[REPLY_BAD_REPOSITORY] = { 400, "invalid_repository",
	    "repository.full_name is not the name of a repository." },
	[REPLY_NO_SIGNATURE] = { 401, "missing_signature",
	    "X-Hub-Signature-256 is missing." },
	[REPLY_SHA1_SIGNATURE] = { 401, "missing_signature",
	    "Only X-Hub-Signature (SHA-1) came; X-Hub-Signature-256 is "
	    "needed." },
	[REPLY_BAD_SIGNATURE] = { 403, "invalid_signature",
	    "X-Hub-Signature-256 must be \"sha256=\" and 64 lower-case "
	    "hexadecimal digits." },
	[REPLY_WRONG_SIGNATURE] = { 403, "invalid_signature",
	    "The signature does not match the body with any secret." },
	[REPLY_WRONG_SECRET] = { 403, "wrong_secret",
	    "The secret that signed this body is not one of its repository." },
	[REPLY_BAD_PEER] = { 403, "address_not_allowed",
	    "The client's address is not in allow-ips." },
	[REPLY_NOT_FOUND] = { 404, "not_found", "There is nothing here." },
	[REPLY_BAD_METHOD] = { 405, "method_not_allowed",
	    "This address takes another method." },
	[REPLY_TOO_LARGE] = { 413, "body_too_large",
	    "The body is larger than GitHub sends (25 MB)." },
	[REPLY_NO_ROOM] = { 503, "no_room", "The spool is full." },
	[REPLY_NO_STORAGE] = { 503, "not_stored",
	    "The event could not be stored." },
	[REPLY_NO_CONFIG] = { 503, "not_configured",
	    "The configuration cannot be used." },
};

int
reply_status(enum reply_code code)
{
	return table[code].status;
}

const char *
reply_word(enum reply_code code)
{
	return table[code].word;
}

/* An answer for which no memory is needed. Also where a job was accepted: its
 * redelivery is a duplicate. */
static const char no_memory[] = "Status: 503 Service Unavailable\r\n"
				"Content-Type: application/json\r\n"
				"Cache-Control: no-store\r\n"
				"Retry-After: 60\r\n\r\n"
				"{\"error\":\"no_memory\"}\n";

int
reply_send(const struct reply *reply, const struct exchange *x)
{
	struct buf b;
	int rc;

	buf_init(&b, REPLY_MAX);
	put_head(&b, reply);
	reply_body(&b, reply);
	buf_addc(&b, '\n');
	rc = b.state == BUF_OK
		 ? x->write(x->channel, b.data, b.len)
		 : x->write(x->channel, no_memory, sizeof no_memory - 1);
	buf_release(&b);
	return rc;
}

static void
put_head(struct buf *b, const struct reply *reply)
{
	int status = reply_status(reply->code);

	buf_addf(b, "Status: %d %s\r\n", status, status_text(status));
	buf_adds(b, "Content-Type: application/json\r\n"
		    "Cache-Control: no-store\r\n");
	buf_addf(b, "X-Request-ID: %s\r\n", reply->request_id);
	if (status == 503)
		buf_adds(b, "Retry-After: 60\r\n");
	if (reply->allow != NULL)
		buf_addf(b, "Allow: %s\r\n", reply->allow);
	buf_adds(b, "\r\n");
}

void
reply_body(struct buf *b, const struct reply *reply)
{
	int content = reply_status(reply->code) < 300;
	const char *reason = table[reply->code].sentence;

	if (reply->document != NULL) {
		buf_adds(b, reply->document);
		return;
	}
	if (reply->detail != NULL && *reply->detail != '\0')
		reason = reply->detail;
	buf_addc(b, '{');
	json_put_member(
	    b, content ? "status" : "error", table[reply->code].word);
	if (reason != NULL)
		json_put_member(b, "reason", reason);
	if (reply->head != NULL) {
		if (*reply->head->id != '\0')
			json_put_member(b, "job_id", reply->head->id);
		json_put_member(b, "delivery_id", reply->head->delivery);
	}
	json_put_member(b, "request_id", reply->request_id);
	buf_addc(b, '}');
}

static const char *
status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {
		{ 200, "OK" },
		{ 202, "Accepted" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 413, "Content Too Large" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (texts[i].status == status)
			return texts[i].text;
	}
	return "Unknown";
}
