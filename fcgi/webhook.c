/* SPDX-License-Identifier: MIT */
/*
 * The way of a webhook into the spool. The order is the promise:
 *
 *  1. Client, method, types, lengths and header shapes. Nothing is read.
 *  2. Is there room? Then the body, in steps, into a draft, while its HMAC
 *     is worked out under every secret.	  A crash leaves a torn slot in
 *						  tmp/, which the sweep removes.
 *  3. The signature is compared.
 *  4. Only now the payload is parsed, strictly, and the head filled in; the
 *     secret must be one of the repository that the payload names.
 *  5. Does anybody want it? If not, nothing is kept.
 *  6. The draft is committed.			  From the moment this returns
 *						  the job survives any crash;
 *						  before it, nobody was told.
 *  7. The caller answers 2xx.			  If that is lost, the sender's
 *						  redelivery is a duplicate.
 *
 * The runner sees the new file by itself (inotify, or its next poll).
 */
#include <stdlib.h>
#include <string.h>

#include "cidr.h"
#include "desk.h"
#include "exchange.h"
#include "head.h"
#include "payload.h"
#include "peer.h"
#include "request.h"
#include "settings.h"
#include "spool.h"
#include "webhook.h"

struct intake { /* one webhook, between its first check and its commit */
	struct desk *desk;
	const struct settings *settings;
	const struct exchange *exchange;
	const struct request *request;
	struct job_head *head;
	struct err *err;
	uint64_t declared;	  /* Content-Length, or LENGTH_UNKNOWN */
	uint8_t mac[DIGEST_LEN];  /* what the header claims */
	int signed_;		  /* there is a header to be checked */
	const struct secret *key; /* the secret that fits, or NULL */
	const char *body;
	size_t len;
};

static enum reply_code check_peer(struct intake *in);
static enum reply_code check_signature_header(struct intake *in);
static enum reply_code check_headers(struct intake *in);
static enum reply_code check_room(struct intake *in);
static enum reply_code prepare(struct intake *in);
static enum reply_code read_body(struct intake *in);
static enum reply_code check_signature(struct intake *in);
static enum reply_code read_payload(struct intake *in);
static enum reply_code check_secret(struct intake *in);
static enum reply_code check_wanted(struct intake *in);
static enum reply_code commit(struct intake *in);
static enum reply_code read_step(struct intake *in, int *more);
static void clear_desk(struct desk *desk, struct job_head *head);

static enum reply_code (*const steps[])(struct intake *in) = {
	check_peer,
	check_signature_header,
	check_headers,
	check_room,
	prepare,
	read_body,
	check_signature,
	read_payload,
	check_secret,
	check_wanted,
	commit,
};

enum reply_code
webhook_take(struct desk *desk, const struct settings *s,
    const struct exchange *x, const struct request *r, struct job_head *head,
    struct err *err)
{
	enum reply_code code = REPLY_NONE;
	struct intake in = {
		.desk = desk,
		.settings = s,
		.exchange = x,
		.request = r,
		.head = head,
		.err = err,
	};

	for (size_t i = 0; code == REPLY_NONE; i++)
		code = steps[i](&in);
	clear_desk(desk, head);
	return code;
}

/* What was refused must not stay on the disk or mapped until the next
 * request; what was committed is no longer the draft's. */
static void
clear_desk(struct desk *desk, struct job_head *head)
{
	struct err ignored;

	if (desk->draft == NULL)
		return;
	head->length = draft_length(desk->draft);
	if (draft_reset(desk->draft, &ignored) == -1) {
		draft_free(desk->draft);
		desk->draft = NULL;
	}
}

static enum reply_code
check_peer(struct intake *in)
{
	const struct settings *s = in->settings;
	const struct request *r = in->request;

	peer_address(in->head->peer, r->param[PARAM_PEER],
	    r->param[PARAM_FORWARDED], s->proxies, s->n_proxies);
	if (s->n_allow == 0 || cidr_match(s->allow, s->n_allow, in->head->peer))
		return REPLY_NONE;
	return REPLY_BAD_PEER;
}

/*
 * Without a signature there is no reason to read on, unless the operator
 * runs without secrets; then whether this repository does is asked once the
 * payload has named it.
 */
static enum reply_code
check_signature_header(struct intake *in)
{
	const struct request *r = in->request;
	enum reply_code code =
	    signature_parse(in->mac, r->param[PARAM_SIGNATURE]);

	if (code == REPLY_NONE)
		in->signed_ = 1;
	if (in->settings->allow_unsigned &&
	    (code == REPLY_NO_SIGNATURE || in->settings->n_keys == 0))
		return REPLY_NONE;
	if (code == REPLY_NO_SIGNATURE &&
	    *r->param[PARAM_SIGNATURE_SHA1] != '\0')
		return REPLY_SHA1_SIGNATURE;
	return code;
}

static enum reply_code
check_headers(struct intake *in)
{
	return request_check(in->request, in->head, &in->declared);
}

static enum reply_code
check_room(struct intake *in)
{
	if (spool_has_room(in->desk->spool, &in->settings->limits, in->err) ==
	    -1)
		return REPLY_NO_ROOM;
	return REPLY_NONE;
}

/* The desk's draft, buffer and HMACs are made ready for a new body. */
static enum reply_code
prepare(struct intake *in)
{
	struct desk *desk = in->desk;

	if (desk->draft == NULL &&
	    spool_draft_new(&desk->draft, desk->spool, in->err) == -1)
		return REPLY_NO_STORAGE;
	if (desk->chunk == NULL && (desk->chunk = malloc(DESK_CHUNK)) == NULL) {
		err_set(in->err, ERR_TEMP, 0, "no memory to read a body");
		return REPLY_NO_STORAGE;
	}
	if (signer_begin(&desk->signer, in->settings, in->err) == -1)
		return REPLY_NO_STORAGE;
	return REPLY_NONE;
}

static enum reply_code
read_body(struct intake *in)
{
	enum reply_code code = REPLY_NONE;
	int more = 1;
	uint64_t got;

	while (code == REPLY_NONE && more)
		code = read_step(in, &more);
	if (code != REPLY_NONE)
		return code;
	got = draft_length(in->desk->draft);
	if (got == 0)
		return REPLY_EMPTY_BODY;
	if (in->declared != LENGTH_UNKNOWN && got < in->declared)
		return REPLY_SHORT_BODY;
	if (draft_body(in->desk->draft, &in->body, &in->len, in->err) == -1)
		return REPLY_NO_STORAGE;
	return REPLY_NONE;
}

/* One step is at most DESK_CHUNK bytes. The limits are judged before the
 * bytes are stored, so that a draft never holds more than it may. */
static enum reply_code
read_step(struct intake *in, int *more)
{
	struct desk *desk = in->desk;
	ssize_t n =
	    in->exchange->read(in->exchange->channel, desk->chunk, DESK_CHUNK);
	uint64_t total;

	if (n == -1)
		return REPLY_SHORT_BODY;
	*more = n > 0;
	total = draft_length(desk->draft) + (uint64_t)n;
	if (in->declared != LENGTH_UNKNOWN && total > in->declared)
		return REPLY_LONG_BODY;
	if (total > SPOOL_BODY_MAX)
		return REPLY_TOO_LARGE;
	if (signer_add(&desk->signer, desk->chunk, (size_t)n, in->err) == -1 ||
	    draft_write(desk->draft, desk->chunk, (size_t)n, in->err) == -1)
		return REPLY_NO_STORAGE;
	return REPLY_NONE;
}

static enum reply_code
check_signature(struct intake *in)
{
	if (!in->signed_ || in->settings->n_keys == 0)
		return REPLY_NONE;
	if (signer_end(&in->desk->signer, in->settings, in->body, in->len,
		in->mac, &in->key, in->err) == -1)
		return REPLY_NO_STORAGE;
	return in->key != NULL ? REPLY_NONE : REPLY_WRONG_SIGNATURE;
}

static enum reply_code
read_payload(struct intake *in)
{
	return payload_read(in->head, in->body, in->len, in->err);
}

/*
 * A repository with secrets of its own takes none but these, and they speak
 * for no other: whoever administers one repository knows its secret.
 */
static enum reply_code
check_secret(struct intake *in)
{
	const char *repository = in->head->repository;

	if (in->key != NULL)
		return settings_key_of(in->settings, repository, in->key)
			   ? REPLY_NONE
			   : REPLY_WRONG_SECRET;
	return settings_has_key(in->settings, repository) ? REPLY_NO_SIGNATURE
							  : REPLY_NONE;
}

static enum reply_code
check_wanted(struct intake *in)
{
	return payload_wanted(in->head, in->settings);
}

static enum reply_code
commit(struct intake *in)
{
	enum accepted how;

	if (draft_commit(in->desk->draft, in->head, &how, in->err) == -1)
		return REPLY_NO_STORAGE;
	/* The body belongs to a job of another ID, which nobody noted. */
	if (how == ACCEPTED_DUPLICATE_BODY)
		in->head->id[0] = '\0';
	return how == ACCEPTED_NEW ? REPLY_ACCEPTED : REPLY_DUPLICATE;
}
