/* SPDX-License-Identifier: MIT */
/*
 * seen/: which deliveries and which bodies were accepted.
 *
 * An entry is a name and nothing else, made exclusively by link(2): all
 * entries of a process and hour are links to one empty anchor file, so an
 * entry costs no inode, and its age is the anchor's. An anchor is synced when
 * it is made; the names are synced by the runner before it drops a slot, and
 * made again by recovery from the heads of jobs not yet settled.
 *
 *   d.<32 hex>  of SHA-256(hook ID, NUL, delivery): the same delivery
 *   i.<32 hex>  of SHA-256(delivery): some hook's job has the ID that is made
 *               of the delivery; another hook's job takes the other ID
 *   b.<64 hex>  SHA-256 of the body: the same bytes under another delivery
 *               ID, for that header is not covered by the signature
 *   .anchor-*   what the others are links to
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "digest.h"
#include "fsio.h"
#include "spool_inside.h"
#include "spool_seen.h"
#include "uuid.h"

#define DELIVERY_BYTES 16 /* of the digest that a d. name shows */
#define LINK_TRIES     3

/* How long a copy of our own delivery may take from its ID to its claim:
 * one link(2). Then whoever has the ID is another hook's. */
#define COPY_LOOKS 20
#define COPY_PAUSE 5 /* ms */

static int
id_name(struct seen_names *out, const struct job_head *head, struct err *err)
{
	char plain[JOB_ID_MAX];
	uint8_t sum[DIGEST_LEN];

	out->id[0] = '\0';
	head_job_id(plain, head->number, head->delivery);
	if (strcmp(plain, head->id) != 0)
		return 0;
	if (digest_of(sum, head->delivery, strlen(head->delivery), err) == -1)
		return -1;
	memcpy(out->id, "i.", 2);
	hex_encode(out->id + 2, sum, DELIVERY_BYTES);
	return 0;
}

int
seen_names(struct seen_names *out, const struct job_head *head, struct err *err)
{
	char text[sizeof head->hook_id + UUID_TEXT];
	uint8_t sum[DIGEST_LEN];
	size_t hook = strlen(head->hook_id) + 1; /* the NUL divides the two */
	size_t delivery = strlen(head->delivery);

	memcpy(text, head->hook_id, hook);
	memcpy(text + hook, head->delivery, delivery);
	if (digest_of(sum, text, hook + delivery, err) == -1)
		return -1;
	memcpy(out->delivery, "d.", 2);
	hex_encode(out->delivery + 2, sum, DELIVERY_BYTES);
	memcpy(out->body, "b.", 2);
	hex_encode(out->body + 2, head->sha256, DIGEST_LEN);
	return id_name(out, head, err);
}

static int
is_there(struct spool *s, const char *name)
{
	return faccessat(
		   s->dirs[SPOOL_SEEN], name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

enum accepted
seen_look(struct spool *s, const struct seen_names *names)
{
	if (is_there(s, names->delivery))
		return ACCEPTED_DUPLICATE_DELIVERY;
	if (is_there(s, names->body))
		return ACCEPTED_DUPLICATE_BODY;
	return ACCEPTED_NEW;
}

/* Called with the lock held. */
static int
make_anchor(struct spool *s, struct err *err)
{
	char name[sizeof s->anchor], unique[UUID_TEXT];
	int fd, rc;

	if (uuid_make(unique, err) == -1)
		return -1;
	snprintf(name, sizeof name, SEEN_ANCHOR "%.18s", unique);
	fd = openat(s->dirs[SPOOL_SEEN], name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, s->file_mode);
	if (fd == -1)
		return err_sys(err, "seen/%s", name);
	/* Names that lead to an inode not on disk would be lost with it. */
	rc = fs_sync(fd, name, err);
	if (s->file_mode == 0660 && fchmod(fd, s->file_mode) == -1)
		errno = 0;
	close(fd);
	if (rc == -1) {
		unlinkat(s->dirs[SPOOL_SEEN], name, 0);
		atomic_store(&s->degraded, 1);
		return -1;
	}
	memcpy(s->anchor, name, sizeof name);
	s->anchor_made = clock_boot();
	return 0;
}

/* The anchor's name; with `worn`, not that one. */
static int
get_anchor(struct spool *s, char anchor[sizeof s->anchor], const char *worn,
    struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	if (s->anchor[0] == '\0' || strcmp(s->anchor, worn) == 0 ||
	    clock_boot() - s->anchor_made > SEEN_ANCHOR_LIFE)
		rc = make_anchor(s, err);
	memcpy(anchor, s->anchor, sizeof s->anchor);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* 0 the name is ours now, 1 it was there, -1. */
static int
claim_name(struct spool *s, const char *name, struct err *err)
{
	int dir = s->dirs[SPOOL_SEEN];
	char anchor[sizeof s->anchor], worn[sizeof s->anchor] = "";

	for (int i = 0; i < LINK_TRIES; i++) {
		if (get_anchor(s, anchor, worn, err) == -1)
			return -1;
		if (linkat(dir, anchor, dir, name, 0) == 0)
			return 0;
		if (errno == EEXIST)
			return 1;
		/* Full (ext4 allows 65,000 links), or swept as unused. */
		if (errno != EMLINK && errno != ENOENT)
			break;
		memcpy(worn, anchor, sizeof worn);
	}
	return err_sys(err, "seen/%s", name);
}

int
seen_id_taken(struct spool *s, const struct seen_names *names)
{
	return names->id[0] != '\0' && is_there(s, names->id) &&
	       !is_there(s, names->delivery);
}

int
seen_claim_id(struct spool *s, const struct seen_names *names, struct err *err)
{
	int rc;

	if (names->id[0] == '\0')
		return 0;
	rc = claim_name(s, names->id, err);
	for (int i = 0; rc == 1 && i < COPY_LOOKS; i++) {
		if (is_there(s, names->delivery))
			return 0;
		(void)poll(NULL, 0, COPY_PAUSE);
	}
	return rc;
}

/*
 * The delivery first: it is the promise. Once it is claimed this does not
 * fail any more, for another copy of the delivery may by now have been told
 * that it was seen; a body's name that cannot be made for lack of space only
 * weakens the defence against replays until recovery makes it.
 */
int
seen_claim(struct spool *s, const struct seen_names *names, enum accepted *how,
    struct err *err)
{
	struct err ignored;
	int rc = claim_name(s, names->delivery, err);

	if (rc == -1)
		return -1;
	if (rc == 1) {
		*how = ACCEPTED_DUPLICATE_DELIVERY;
		return 0;
	}
	if (claim_name(s, names->body, &ignored) == 1) {
		unlinkat(s->dirs[SPOOL_SEEN], names->delivery, 0);
		if (names->id[0] != '\0')
			unlinkat(s->dirs[SPOOL_SEEN], names->id, 0);
		*how = ACCEPTED_DUPLICATE_BODY;
		return 0;
	}
	*how = ACCEPTED_NEW;
	return 0;
}

int
seen_is_whole(struct spool *s, const struct job_head *head)
{
	struct seen_names names;
	struct err ignored;

	return seen_names(&names, head, &ignored) == 0 &&
	       is_there(s, names.delivery) && is_there(s, names.body) &&
	       (names.id[0] == '\0' || is_there(s, names.id));
}

int
seen_restore(struct spool *s, const struct job_head *head, struct err *err)
{
	struct seen_names names;

	if (seen_names(&names, head, err) == -1)
		return -1;
	if (!is_there(s, names.delivery) &&
	    claim_name(s, names.delivery, err) == -1)
		return -1;
	if (!is_there(s, names.body) && claim_name(s, names.body, err) == -1)
		return -1;
	if (names.id[0] != '\0' && !is_there(s, names.id) &&
	    claim_name(s, names.id, err) == -1)
		return -1;
	return 0;
}

static int
remove_name(struct spool *s, const char *name, struct err *err)
{
	if (unlinkat(s->dirs[SPOOL_SEEN], name, 0) == -1 && errno != ENOENT)
		return err_sys(err, "seen/%s", name);
	return 0;
}

int
spool_forget(struct spool *s, const struct job_head *head, struct err *err)
{
	struct seen_names names;

	if (seen_names(&names, head, err) == -1)
		return -1;
	if (remove_name(s, names.delivery, err) == -1 ||
	    remove_name(s, names.body, err) == -1)
		return -1;
	return names.id[0] == '\0' ? 0 : remove_name(s, names.id, err);
}
