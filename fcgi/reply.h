/* SPDX-License-Identifier: MIT */
#ifndef REPLY_H
#define REPLY_H

struct buf;
struct exchange;
struct job_head;

/*
 * What the responder can answer: one row of the table in reply.c each, with
 * its HTTP status, its code word (part of the interface: users' scripts and
 * docs/hookspool-fcgi.8 rely on it) and a sentence. There is no 5xx but 503:
 * either the request is wrong, or it may be sent again.
 */
enum reply_code {
	REPLY_NONE, /* no answer yet: go on */
	REPLY_ACCEPTED,
	REPLY_DUPLICATE,
	REPLY_IGNORED_REPOSITORY,
	REPLY_IGNORED_EVENT,
	REPLY_DOCUMENT, /* 200 with a body of its own */
	REPLY_NOT_READY,
	REPLY_BAD_TYPE,
	REPLY_BAD_LENGTH,
	REPLY_REPEATED,
	REPLY_BAD_DELIVERY,
	REPLY_BAD_EVENT,
	REPLY_BAD_HOOK,
	REPLY_EMPTY_BODY,
	REPLY_SHORT_BODY,
	REPLY_LONG_BODY,
	REPLY_BAD_FORM,
	REPLY_BAD_JSON,
	REPLY_BAD_SHAPE,
	REPLY_BAD_REPOSITORY,
	REPLY_NO_SIGNATURE,
	REPLY_SHA1_SIGNATURE,
	REPLY_BAD_SIGNATURE,
	REPLY_WRONG_SIGNATURE,
	REPLY_WRONG_SECRET,
	REPLY_BAD_PEER,
	REPLY_NOT_FOUND,
	REPLY_BAD_METHOD,
	REPLY_TOO_LARGE,
	REPLY_NO_ROOM,
	REPLY_NO_STORAGE,
	REPLY_NO_CONFIG,
	REPLY_CODES,
};

struct reply {
	enum reply_code code;
	const char *request_id;
	const struct job_head *head; /* of accepted and duplicate */
	const char *detail;   /* instead of the table's sentence; NULL, "" */
	const char *allow;    /* with REPLY_BAD_METHOD */
	const char *document; /* with REPLY_DOCUMENT and REPLY_NOT_READY */
};

int reply_status(enum reply_code code);
const char *reply_word(enum reply_code code);

/* Writes head and body; -1 where nobody listens any more. */
int reply_send(const struct reply *reply, const struct exchange *x);

/* The body alone: one JSON object. */
void reply_body(struct buf *b, const struct reply *reply);

#endif
