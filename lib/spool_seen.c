/* SPDX-License-Identifier: MIT */
/*
 * seen/: which deliveries and which bodies were accepted, in a ledger
 * (ledger.h) with three kinds of entries:
 *
 *   d  of SHA-256(hook ID, NUL, delivery): the same delivery
 *   i  of SHA-256(delivery): some hook's job has the ID that is made of the
 *      delivery; another hook's job takes the other ID
 *   b  of SHA-256 of the body: the same bytes under another delivery ID, for
 *      that header is not covered by the signature
 *
 * All three are claimed under one lock, so that two copies of a delivery, or
 * of a body, have one winner. The runner flushes the ledger before it drops
 * a slot; until then recovery makes lost entries again from the slot's head.
 */
#include <errno.h>
#include <string.h>

#include "digest.h"
#include "spool_inside.h"
#include "uuid.h"

/* By enum seen_kind. */
static const char kinds[SEEN_KINDS] = { 'b', 'd', 'i' };

/*
 * A delivery's two entries share a page, the one that the delivery alone
 * decides: each claim looks for both.
 */
static int
delivery_keys(
    struct seen_keys *out, const struct job_head *head, struct err *err)
{
	char text[sizeof head->hook_id + UUID_TEXT];
	size_t hook = strlen(head->hook_id) + 1; /* the NUL divides the two */
	size_t delivery = strlen(head->delivery);
	uint8_t alone[DIGEST_LEN], with_hook[DIGEST_LEN];

	memcpy(text, head->hook_id, hook);
	memcpy(text + hook, head->delivery, delivery);
	if (digest_of(alone, head->delivery, delivery, err) == -1 ||
	    digest_of(with_hook, text, hook + delivery, err) == -1)
		return -1;
	ledger_key(&out->key[SEEN_ID], kinds[SEEN_ID], alone);
	ledger_key_beside(&out->key[SEEN_DELIVERY], kinds[SEEN_DELIVERY],
	    with_hook, &out->key[SEEN_ID]);
	return 0;
}

int
seen_keys(struct seen_keys *out, const struct job_head *head, struct err *err)
{
	struct seen_keys k = { .count = SEEN_ID };
	char plain[JOB_ID_MAX];

	if (delivery_keys(&k, head, err) == -1)
		return -1;
	ledger_key(&k.key[SEEN_BODY], kinds[SEEN_BODY], head->sha256);
	head_job_id(plain, head->number, head->delivery);
	if (strcmp(plain, head->id) == 0)
		k.count = SEEN_KINDS;
	*out = k;
	return 0;
}

enum accepted
seen_look(struct spool *s, struct seen_keys *keys, int *taken)
{
	unsigned there =
	    ledger_look(s->seen, keys->key, keys->count, &keys->since);

	*taken = (there & 1u << SEEN_ID) != 0;
	if (there & 1u << SEEN_DELIVERY)
		return ACCEPTED_DUPLICATE_DELIVERY;
	if (there & 1u << SEEN_BODY)
		return ACCEPTED_DUPLICATE_BODY;
	return ACCEPTED_NEW;
}

/* With the lock: what is there since the look? */
static int
find_rivals(struct ledger *l, const struct seen_keys *keys,
    int there[SEEN_KINDS], struct err *err)
{
	for (unsigned i = 0; i < keys->count; i++) {
		there[i] = ledger_find(l, &keys->key[i], keys->since, err);
		if (there[i] == -1)
			return -1;
	}
	return 0;
}

/*
 * The ID first: a delivery of ours whose ID another hook took meanwhile
 * would be two jobs of one ID. The delivery is the promise: once it is there
 * this does not fail any more, for another copy of it may be told that it
 * was seen; a body's entry that cannot be made only weakens the defence
 * against replays until recovery makes it.
 */
static int
put_all(struct ledger *l, const struct seen_keys *keys, struct err *err)
{
	int has_id = keys->count > SEEN_ID;
	struct err ignored;

	if (has_id && ledger_put(l, &keys->key[SEEN_ID], err) == -1)
		return -1;
	if (ledger_put(l, &keys->key[SEEN_DELIVERY], err) == -1) {
		if (has_id &&
		    ledger_erase(l, &keys->key[SEEN_ID], &ignored) == -1)
			errno = 0; /* an ID without a job: harmless */
		return -1;
	}
	if (ledger_put(l, &keys->key[SEEN_BODY], &ignored) == -1)
		errno = 0;
	return 0;
}

static int
claim(struct ledger *l, const struct seen_keys *keys, enum accepted *how,
    struct err *err)
{
	int there[SEEN_KINDS] = { 0 };

	if (find_rivals(l, keys, there, err) == -1)
		return -1;
	if (there[SEEN_DELIVERY]) {
		*how = ACCEPTED_DUPLICATE_DELIVERY;
		return 0;
	}
	if (there[SEEN_BODY]) {
		*how = ACCEPTED_DUPLICATE_BODY;
		return 0;
	}
	if (there[SEEN_ID])
		return 1;
	if (put_all(l, keys, err) == -1)
		return -1;
	*how = ACCEPTED_NEW;
	return 0;
}

int
seen_claim(struct spool *s, const struct seen_keys *keys, enum accepted *how,
    struct err *err)
{
	int rc;

	if (ledger_lock(s->seen, err) == -1)
		return -1;
	rc = claim(s->seen, keys, how, err);
	ledger_unlock(s->seen);
	return rc;
}

int
seen_restore(struct spool *s, const struct job_head *head, struct err *err)
{
	struct seen_keys keys;
	int rc = 0;

	if (seen_keys(&keys, head, err) == -1 ||
	    ledger_lock(s->seen, err) == -1)
		return -1;
	for (unsigned i = 0; rc != -1 && i < keys.count; i++) {
		rc = ledger_find(s->seen, &keys.key[i], 0, err);
		if (rc == 0)
			rc = ledger_put(s->seen, &keys.key[i], err);
	}
	ledger_unlock(s->seen);
	return rc == -1 ? -1 : 0;
}

int
spool_forget(struct spool *s, const struct job_head *head, struct err *err)
{
	struct seen_keys keys;
	int rc = 0;

	if (seen_keys(&keys, head, err) == -1 ||
	    ledger_lock(s->seen, err) == -1)
		return -1;
	for (unsigned i = 0; rc == 0 && i < keys.count; i++)
		rc = ledger_erase(s->seen, &keys.key[i], err);
	ledger_unlock(s->seen);
	return rc;
}

int
spool_count_seen(struct spool *s, uint64_t *deliveries, struct err *err)
{
	return ledger_count(s->seen, kinds[SEEN_DELIVERY], deliveries, err);
}

int
seen_age(struct spool *s, int64_t before, uint64_t least, unsigned *removed,
    struct err *err)
{
	return ledger_age(
	    s->seen, before, kinds[SEEN_DELIVERY], least, removed, err);
}
