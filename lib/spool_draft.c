/* SPDX-License-Identifier: MIT */
/*
 * Accepting: a body comes in, becomes durable, and becomes a job. The one
 * function that matters is draft_commit(); the comment above it is the
 * promise.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "digest.h"
#include "fsio.h"
#include "spool_inside.h"

struct draft {
	struct spool *spool;
	struct digest *sum;
	uint64_t length;
	struct buf body;  /* while it fits into memory */
	struct buf whole; /* head and body, composed */
	int fd;		  /* the slot while it is written, or -1 */
	int streamed;	  /* the body is in it already */
	char slot[SLOT_NAME_MAX];
	void *map; /* draft_body()'s view of a file, or NULL */
	size_t map_len;
};

int
spool_draft_new(struct draft **out, struct spool *s, struct err *err)
{
	struct draft *d = calloc(1, sizeof *d);

	if (d == NULL)
		return err_set(err, ERR_TEMP, 0, "draft: out of memory");
	d->spool = s;
	d->fd = -1;
	buf_init(&d->body, DRAFT_MEMORY);
	buf_init(&d->whole, DRAFT_MEMORY + HEAD_MAX);
	if (digest_new(&d->sum, err) == -1) {
		draft_free(d);
		return -1;
	}
	*out = d;
	return 0;
}

static void
unmap(struct draft *d)
{
	if (d->map != NULL)
		munmap(d->map, d->map_len);
	d->map = NULL;
}

/* Lets go of the slot: its name and what it holds are not ours any more. */
static void
leave_slot(struct draft *d)
{
	fs_close(&d->fd);
	d->slot[0] = '\0';
	d->streamed = 0;
}

/* The slot is closed when it is stored; whoever writes to it again comes here.
 * Nobody else removes a slot of a process that lives. */
static int
reopen_slot(struct draft *d, struct err *err)
{
	if (d->fd != -1)
		return 0;
	d->fd = openat(d->spool->dirs[SPOOL_TMP], d->slot,
	    O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return d->fd == -1 ? err_sys(err, "tmp/%s", d->slot) : 0;
}

static void
discard_slot(struct draft *d)
{
	struct err ignored;

	if (d->slot[0] == '\0')
		return;
	/* Where it cannot be opened, its name goes at least. */
	if (reopen_slot(d, &ignored) == -1)
		errno = 0;
	slot_wipe(d->spool, d->slot, d->fd);
	leave_slot(d);
}

int
draft_reset(struct draft *d, struct err *err)
{
	unmap(d);
	discard_slot(d);
	buf_reset(&d->body);
	buf_reset(&d->whole);
	d->length = 0;
	return digest_reset(d->sum, err);
}

void
draft_free(struct draft *d)
{
	if (d == NULL)
		return;
	unmap(d);
	discard_slot(d);
	buf_release(&d->body);
	buf_release(&d->whole);
	digest_free(d->sum);
	free(d);
}

uint64_t
draft_length(const struct draft *d)
{
	return d->length;
}

/* From memory to a file; the head's place stays empty until the commit. */
static int
spill(struct draft *d, struct err *err)
{
	if (slot_make(d->spool, 0, d->slot, &d->fd, err) == -1)
		return -1;
	d->streamed = 1;
	return fs_pwrite_all(
	    d->fd, d->body.data, d->body.len, SLOT_BODY_AT, err);
}

int
draft_write(struct draft *d, const void *bytes, size_t len, struct err *err)
{
	if (len > SPOOL_BODY_MAX - d->length)
		return err_set(err, ERR_BAD, 0, "body: more than %u bytes",
		    SPOOL_BODY_MAX);
	if (digest_add(d->sum, bytes, len, err) == -1)
		return -1;
	if (!d->streamed && len > DRAFT_MEMORY - d->body.len &&
	    spill(d, err) == -1)
		return -1;
	if (!d->streamed) {
		buf_add(&d->body, bytes, len);
		if (buf_check(&d->body, "body", err) == -1)
			return -1;
	} else if (fs_pwrite_all(d->fd, bytes, len,
		       SLOT_BODY_AT + (off_t)d->length, err) == -1) {
		return -1;
	}
	d->length += len;
	return 0;
}

int
draft_body(struct draft *d, const char **body, size_t *len, struct err *err)
{
	void *map;

	if (!d->streamed) {
		*body = d->body.data;
		*len = d->body.len;
		return 0;
	}
	unmap(d);
	d->map_len = SLOT_BODY_AT + (size_t)d->length;
	map = mmap(NULL, d->map_len, PROT_READ, MAP_PRIVATE, d->fd, 0);
	if (map == MAP_FAILED)
		return err_sys(err, "mmap");
	d->map = map;
	*body = (const char *)map + SLOT_BODY_AT;
	*len = (size_t)d->length;
	return 0;
}

/* ---- becoming durable ---- */

/* A flush or a close failed: the kernel may call the pages clean now. The slot
 * is given up and never flushed again. */
static int
degrade(struct draft *d)
{
	atomic_store(&d->spool->degraded, 1);
	return -1;
}

/* A ready slot was lengthened and synced before; only its data is new. */
static int
fill_ready_slot(struct draft *d, struct err *err)
{
	if (fs_pwrite_all(d->fd, d->whole.data, d->whole.len, 0, err) == -1)
		return -1;
	if (fdatasync(d->fd) == 0)
		return 0;
	err_sys(err, "fdatasync");
	return degrade(d);
}

/* A slot made on the spot: its length and its name must reach the disk too.*/
static int
fill_new_slot(struct draft *d, struct err *err)
{
	if (fs_pwrite_all(d->fd, d->whole.data, d->whole.len, 0, err) == -1)
		return -1;
	if (fs_sync(d->fd, d->slot, err) == -1)
		return degrade(d);
	return spool_sync(d->spool, SPOOL_TMP, err);
}

/* The head, and a body in memory behind it; they go to disk in one write. */
static int
compose(struct draft *d, struct job_head *head, struct err *err)
{
	size_t pad = d->streamed ? SLOT_BODY_AT : 0;

	memset(head->slot, 0, sizeof head->slot);
	memcpy(head->slot, d->slot, strlen(d->slot));
	buf_reset(&d->whole);
	if (head_format(&d->whole, head, pad, err) == -1)
		return -1;
	if (pad == 0)
		buf_add(&d->whole, d->body.data, d->body.len);
	return buf_check(&d->whole, "job", err);
}

/* Head and body in one slot: a ready one that is large enough, or a new. The
 * head names its slot, so it is written after the slot was found. */
static int
store_memory(struct draft *d, struct job_head *head, struct err *err)
{
	int ready =
	    stock_take(d->spool, d->body.len + HEAD_MAX, d->slot, &d->fd);

	if (!ready && slot_make(d->spool, 0, d->slot, &d->fd, err) == -1)
		return -1;
	if (compose(d, head, err) == -1)
		return -1;
	return ready ? fill_ready_slot(d, err) : fill_new_slot(d, err);
}

static int
store_streamed(struct draft *d, struct job_head *head, struct err *err)
{
	if (reopen_slot(d, err) == -1 || compose(d, head, err) == -1)
		return -1;
	return fill_new_slot(d, err);
}

/* Flushed and closed: nothing that the disk could still say comes after the
 * answer. */
static int
store(struct draft *d, struct job_head *head, struct err *err)
{
	int rc = d->streamed ? store_streamed(d, head, err)
			     : store_memory(d, head, err);

	if (rc == -1)
		return -1;
	return fs_close_written(&d->fd, d->slot, err) == -1 ? degrade(d) : 0;
}

/* ---- becoming visible ---- */

int
draft_publish(
    struct spool *s, const char *slot, const char *id, struct err *err)
{
	char name[SPOOL_NAME_MAX];
	struct spool_name n = { .attempt = 0 };
	struct stat st;

	snprintf(n.id, sizeof n.id, "%s", id);
	spool_name_format(name, SPOOL_NEW, &n);
	if (linkat(s->dirs[SPOOL_TMP], slot, s->dirs[SPOOL_NEW], name, 0) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(err, "new/%s", name);
	/* Perhaps it is this very slot. */
	if (fstatat(s->dirs[SPOOL_TMP], slot, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    spool_same_file(s, SPOOL_NEW, name, &st))
		return 0;
	return 1;
}

void
draft_publish_pending(struct spool *s)
{
	struct err ignored;

	if (atomic_load(&s->pending_count) == 0)
		return; /* nearly always */
	pthread_mutex_lock(&s->lock);
	while (s->pending_count > 0) {
		struct pending *p = &s->pending[s->pending_count - 1];

		if (draft_publish(s, p->slot, p->id, &ignored) == -1)
			break;
		s->pending_count--;
	}
	pthread_mutex_unlock(&s->lock);
}

/* 1 if the job is noted for later, 0 if the list is full. */
static int
defer(struct spool *s, const struct job_head *head)
{
	int noted = 0;

	pthread_mutex_lock(&s->lock);
	if (s->pending_count < PENDING_MAX) {
		struct pending *p = &s->pending[s->pending_count++];

		memcpy(p->slot, head->slot, sizeof p->slot);
		memcpy(p->id, head->id, sizeof p->id);
		noted = 1;
	}
	pthread_mutex_unlock(&s->lock);
	return noted;
}

/*
 * After the delivery was claimed. A link that fails now must not turn into a
 * refusal: a copy of the delivery may have been told "seen" meanwhile, and
 * the job is durable already. It is linked a little later, by us or by
 * recovery.
 */
static int
publish(struct draft *d, const struct job_head *head, enum accepted *how,
    struct err *err)
{
	struct spool *s = d->spool;
	struct err ignored;
	int rc = draft_publish(s, d->slot, head->id, err);

	if (rc == 1) {
		*how = ACCEPTED_DUPLICATE_DELIVERY;
		return 0;
	}
	if (rc == -1 && !defer(s, head)) {
		if (spool_forget(s, head, &ignored) == -1)
			atomic_store(&s->degraded, 1);
		return -1;
	}
	*how = ACCEPTED_NEW;
	leave_slot(d);
	atomic_fetch_add(&s->accepted_files, 1);
	atomic_fetch_add(&s->accepted_bytes, d->length);
	return 0;
}

static int
take_other_id(struct job_head *head, struct seen_keys *keys, struct err *err)
{
	if (head_job_id_of_hook(head->id, head, err) == -1)
		return -1;
	return seen_keys(keys, head, err);
}

/*
 * Stores the job under an ID that no other hook's job has, and claims all
 * that is its own. The ID stands in the head, so a race that is lost to
 * another hook costs a second flush.
 */
static int
store_and_claim(struct draft *d, struct job_head *head, struct seen_keys *keys,
    enum accepted *how, struct err *err)
{
	int rc;

	if (store(d, head, err) == -1)
		return -1;
	rc = seen_claim(d->spool, keys, how, err);
	if (rc != 1)
		return rc;
	if (take_other_id(head, keys, err) == -1)
		return -1;
	/* A streamed body stays where it is; only the head is another one,
	 * of the same size. */
	if (!d->streamed)
		discard_slot(d);
	if (store(d, head, err) == -1)
		return -1;
	return seen_claim(d->spool, keys, how, err);
}

/* A job that is done is a duplicate also where seen/ lost its entries. */
static int
look(struct draft *d, struct job_head *head, struct seen_keys *keys,
    enum accepted *how, struct err *err)
{
	int taken;

	*how = seen_look(d->spool, keys, &taken);
	if (*how != ACCEPTED_NEW)
		return 0;
	if (taken && take_other_id(head, keys, err) == -1)
		return -1;
	if (faccessat(d->spool->dirs[SPOOL_DONE], head->id, F_OK,
		AT_SYMLINK_NOFOLLOW) == 0)
		*how = ACCEPTED_DUPLICATE_DELIVERY;
	return 0;
}

/*
 * The steps, and what is true when the machine stops behind each. "Nobody
 * was told" means that the sender got no 2xx and may send again.
 *
 *  1 look in seen/ and done/      Nothing of ours exists but a streamed body
 *    (a duplicate ends here)      without a head. Nobody was told; recovery
 *                                 removes it.
 *  2 write head and body to       The slot is torn or whole. Nobody was told.
 *    a slot                       Torn (head or checksum does not hold,
 *                                 bytes that were not written are zero, for
 *                                 slots are never used twice): removed.
 *                                 Whole: recovery makes a job of it, as if
 *                                 step 5 had been reached; the same delivery,
 *                                 sent again, is then a duplicate of it.
 *  3 flush and close it           From here on power may fail too: the slot's
 *                                 name was durable before (ready-made) or is
 *                                 now (tmp/ synced).
 *  4 with the lock of seen/:      A claim that lost wipes the slot's head
 *    was it claimed meanwhile?    before it removes the slot; stopped
 *                                 between, recovery finds the winner by ID or
 *                                 by checksum.
 *    claim the plain ID           An ID without a job: the delivery, sent
 *                                 again, is given the other ID.
 *    claim the delivery, then     The entries may or may not be on disk, and
 *    the body                     no one of them depends on another. A
 *                                 duplicate that was told "seen" was told the
 *                                 truth: the slot is durable, and recovery
 *                                 makes the job from it.
 *  5 link the slot to new/        A job. Its second name in tmp/ stays until
 *                                 it is settled durably, so that a power cut
 *                                 that undoes the link loses nothing.
 *  6 return                       Now the sender is told.
 *
 * Recovery makes missing seen/ entries of all jobs that are not settled; so
 * it must run before a responder accepts after a power cut.
 */
int
draft_commit(
    struct draft *d, struct job_head *head, enum accepted *how, struct err *err)
{
	struct seen_keys keys;
	enum accepted answer;

	draft_publish_pending(d->spool);
	head->received = clock_wall();
	head->length = d->length;
	if (digest_end(d->sum, head->sha256, err) == -1 ||
	    seen_keys(&keys, head, err) == -1 ||
	    look(d, head, &keys, &answer, err) == -1)
		return -1;
	if (answer == ACCEPTED_NEW) {
		unmap(d);
		if (store_and_claim(d, head, &keys, &answer, err) == -1)
			goto fail;
	}
	if (answer == ACCEPTED_NEW && publish(d, head, &answer, err) == -1)
		goto fail;
	discard_slot(d);
	*how = answer;
	return 0;
fail:
	discard_slot(d);
	/* Whatever the kernel said, the sender shall try again. */
	if (err->class == ERR_PERM)
		err->class = ERR_TEMP;
	return -1;
}
