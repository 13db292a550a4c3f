/* SPDX-License-Identifier: MIT */
/*
 * After a crash or a power cut: every slot in tmp/ that nobody works on is
 * made a job, left as the job's deed, or removed.
 *
 * How a slot is judged. A slot whose owner lives and that has no second name
 * is being written or in stock: not looked at. Otherwise
 *
 *   names  contents  the job
 *   2      -         settled      left for spool_finish(); if done, its seen/
 *                                 entries are made again if missing
 *   2      -         anywhere     the deed of a job that is not settled: its
 *                                 seen/ entries are made again if missing
 *   1      torn      -            was never answered: removed
 *   1      whole     in no state  accepted, or nearly so: seen/, then new/
 *   1      whole     in a state   lost against another copy of its delivery,
 *                                 or of its body: removed
 *
 * The count of names is the inode's, which a rename never changes: a job that
 * moves while we look is not mistaken for a missing one. A job that died or
 * was quarantined does not count as there: its redelivery is welcome. Jobs
 * that are done keep the slot's name from coming back: the sweeper removes a
 * settled file only when the removal of its slot is on disk.
 *
 * One recovery at a time (lock/recover), beside living responders and
 * runners.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "fsio.h"
#include "spool_inodes.h"
#include "spool_inside.h"
#include "spool_owners.h"
#include "spool_recover.h"

struct slot {
	ino_t ino;
	char name[SLOT_NAME_MAX];
	char alone; /* it has one name, and its owner is dead */
};

struct recovery {
	struct spool *spool;
	struct spool_recovered *out;
	spool_waits *visit; /* NULL: none */
	void *arg;
	struct slot *slots; /* by inode: so they lie on the disk */
	size_t slot_count, slot_cap;
	struct owners owners;
	uint8_t (*bodies)[DIGEST_LEN]; /* of jobs that have their slot still */
	size_t body_count, body_cap;
	struct inodes waiting;	 /* of jobs that are not settled */
	int resolved;		 /* no job has two names any more */
	struct seen_batch asked; /* jobs whose entries may be lost, by slot */
	int sure;		 /* some of them are */
};

static int
out_of_memory(struct err *err)
{
	return err_set(err, ERR_TEMP, 0, "recovery: out of memory");
}

static int
add_body(struct recovery *r, const struct job_head *head, struct err *err)
{
	if (r->body_count == r->body_cap) {
		size_t more = r->body_cap > 0 ? 2 * r->body_cap : 64;
		void *p = reallocarray(r->bodies, more, sizeof *r->bodies);

		if (p == NULL)
			return out_of_memory(err);
		r->bodies = p;
		r->body_cap = more;
	}
	memcpy(r->bodies[r->body_count++], head->sha256, DIGEST_LEN);
	return 0;
}

static int
has_body(const struct recovery *r, const struct job_head *head)
{
	for (size_t i = 0; i < r->body_count; i++) {
		if (memcmp(r->bodies[i], head->sha256, DIGEST_LEN) == 0)
			return 1;
	}
	return 0;
}

/* 1 if the job waited or ran a moment ago: its slot's second name is known. */
static int
is_waiting(struct recovery *r, const struct stat *st)
{
	return st->st_nlink == 2 && inodes_has(&r->waiting, st->st_ino);
}

static int look_again(void *arg, size_t slot, struct err *err);

/* Its entries are asked for with those of others; most are there. */
static int
keep_waiting(struct recovery *r, const struct slot *slot,
    const struct job_head *head, struct err *err)
{
	int rc =
	    seen_batch_add(&r->asked, head, (size_t)(slot - r->slots), err);

	if (rc == 1)
		rc = seen_batch_ask(&r->asked, r->spool, look_again, r, err);
	return rc == 0 ? add_body(r, head, err) : -1;
}

/* A slot with a second name: the deed of a job. */
static int
keep_deed(struct recovery *r, const struct slot *slot,
    const struct owner_known *owner, int fd, const struct stat *st,
    struct err *err)
{
	struct job_head head;
	struct err unreadable;
	size_t body_at;
	unsigned state;

	/* What cannot be read is the runner's to quarantine. */
	if (head_read(&head, &body_at, fd, &unreadable) == -1)
		return 0;
	/* Nearly all: nothing is to be made, so nothing more is looked at. */
	if (is_waiting(r, st) && !r->sure) {
		if (r->visit != NULL)
			r->visit(r->arg, st->st_ino, &head);
		return owner->dead ? keep_waiting(r, slot, &head, err)
				   : add_body(r, &head, err);
	}
	/* Dead and bad ones are to be forgotten. */
	state = spool_settled_as(r->spool, head.id, st);
	if (state == SPOOL_DEAD || state == SPOOL_BAD)
		return 0;
	if (add_body(r, &head, err) == -1)
		return -1;
	/* A power cut, the only way to lose the entries, kills owners. */
	return owner->dead ? seen_restore(r->spool, &head, err) : 0;
}

/*
 * A job has a second name only where its file has three, or two without a
 * slot's. So it is looked for when one of these is met, which is seldom.
 */
static int
resolve_twins(struct recovery *r, struct err *err)
{
	if (r->resolved)
		return 0;
	r->resolved = 1;
	if (spool_resolve_twins(r->spool, r->out, err) == -1)
		return -1;
	inodes_release(&r->waiting);
	return inodes_read_waiting(&r->waiting, r->spool, err);
}

static int
remove_slot(struct recovery *r, const char *slot, int fd)
{
	slot_wipe(r->spool, slot, fd);
	r->out->removed++;
	return 1;
}

static int
is_job(struct recovery *r, const char *id)
{
	struct spool_name name;
	unsigned state;

	return spool_find_likely(r->spool, id, &state, &name) &&
	       state != SPOOL_DEAD && state != SPOOL_BAD;
}

/* 1 if another copy of this delivery or body is a job that counts. The copy
 * has the other ID where we died between claiming the plain one in seen/ and
 * claiming the delivery. */
static int
is_lost(struct recovery *r, const struct job_head *head)
{
	char other[JOB_ID_MAX];
	struct err ignored;

	return has_body(r, head) || is_job(r, head->id) ||
	       (head_job_id_of_hook(other, head, &ignored) == 0 &&
		   is_job(r, other));
}

/* A slot with one name and no living owner. 1 if it was removed. */
static int
judge(struct recovery *r, const char *slot, int fd, struct err *err)
{
	struct job_head head;
	struct err why;
	size_t body_at;
	int rc;

	if (head_verify(&head, &body_at, fd, &why) == -1) {
		if (why.class == ERR_BAD)
			return remove_slot(r, slot, fd);
		*err = why; /* it could not be read this time */
		return -1;
	}
	/* The first: a file copied here by hand, under another's name. */
	if (strcmp(head.slot, slot) != 0 || is_lost(r, &head))
		return remove_slot(r, slot, fd);
	if (seen_restore(r->spool, &head, err) == -1)
		return -1;
	rc = draft_publish(r->spool, slot, head.id, err);
	if (rc == 1)
		return remove_slot(r, slot, fd);
	if (rc == -1)
		return -1;
	r->out->published++;
	return add_body(r, &head, err);
}

static int
add_slot(struct recovery *r, const struct dirent *e, struct err *err)
{
	size_t len = strlen(e->d_name);
	struct slot *slot;

	if (len >= sizeof slot->name)
		return 0; /* no slot's name is as long */
	if (r->slot_count == r->slot_cap) {
		size_t more = r->slot_cap > 0 ? 2 * r->slot_cap : 256;
		void *p = reallocarray(r->slots, more, sizeof *r->slots);

		if (p == NULL)
			return out_of_memory(err);
		r->slots = p;
		r->slot_cap = more;
	}
	slot = &r->slots[r->slot_count++];
	*slot = (struct slot){ .ino = e->d_ino };
	memcpy(slot->name, e->d_name, len + 1);
	return 0;
}

static int
by_inode(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return (x->ino > y->ino) - (x->ino < y->ino);
}

/* 1 if something waits under a name whose slot is not there. */
static int
is_without_slot(const struct recovery *r)
{
	for (size_t i = 0; i < r->waiting.count; i++) {
		const struct slot wanted = { .ino = r->waiting.list[i] };

		if (r->slot_count == 0 ||
		    bsearch(&wanted, r->slots, r->slot_count, sizeof *r->slots,
			by_inode) == NULL)
			return 1;
	}
	return 0;
}

static int
note_owner(struct recovery *r, const char *name, struct err *err)
{
	struct owner_known *owner;

	if (owners_find(&r->owners, r->spool, name, &owner, err) == -1)
		return -1;
	owner->has_file = 1;
	return 0;
}

static int
list_slots(struct recovery *r, struct err *err)
{
	char owner[OWNER_LEN + 1];
	struct dirent *e;
	uint32_t seq;
	void *d;
	int rc = 0;

	if (spool_open_names(r->spool, SPOOL_TMP, &d, err) == -1)
		return -1;
	while (rc == 0 && (e = readdir(d)) != NULL) {
		if (slot_parse(e->d_name, owner, &seq))
			rc = add_slot(r, e, err);
		else if (owner_parse(e->d_name, owner))
			rc = note_owner(r, owner, err);
	}
	closedir(d);
	if (rc == 0 && r->slot_count > 1)
		qsort(r->slots, r->slot_count, sizeof *r->slots, by_inode);
	return rc;
}

static int
owner_of(struct recovery *r, const struct slot *slot, struct owner_known **out,
    struct err *err)
{
	char name[OWNER_LEN + 1];
	uint32_t seq;

	if (!slot_parse(slot->name, name, &seq))
		BUG("a slot's name");
	return owners_find(&r->owners, r->spool, name, out, err);
}

/* What the slot is, once its job has no second name. */
static int
learn_names(struct recovery *r, const struct slot *slot, int fd,
    struct stat *st, struct err *err)
{
	for (;;) {
		if (fstat(fd, st) == -1)
			return err_sys(err, "tmp/%s", slot->name);
		if (st->st_nlink < 3 || r->resolved)
			return 0;
		if (resolve_twins(r, err) == -1)
			return -1;
	}
}

/* Looks at one; those that are alone are left for later. */
static int
look_at_slot(struct recovery *r, struct slot *slot, struct err *err)
{
	struct owner_known *owner;
	struct err why;
	struct stat st;
	int fd, rc;

	if (owner_of(r, slot, &owner, err) == -1)
		return -1;
	/* What went away meanwhile; and planted things that are no files, or
	 * what cannot be opened this time: its names are not known. */
	if (fs_open_read(&fd, r->spool->dirs[SPOOL_TMP], slot->name, &why) ==
	    -1)
		return why.sys == ENOENT ? 0 : resolve_twins(r, err);
	rc = learn_names(r, slot, fd, &st, err);
	if (rc == 0 && st.st_nlink > 1)
		rc = keep_deed(r, slot, owner, fd, &st, err);
	else if (rc == 0)
		slot->alone = owner->dead != 0;
	if (!slot->alone)
		owner->slots++;
	close(fd);
	return rc;
}

/* One whose job lacks an entry. */
static int
look_again(void *arg, size_t slot, struct err *err)
{
	struct recovery *r = arg;
	int rc;

	r->sure = 1;
	rc = look_at_slot(r, &r->slots[slot], err);
	r->sure = 0;
	return rc;
}

static int
judge_slot(struct recovery *r, const struct slot *slot, struct err *err)
{
	struct owner_known *owner;
	struct stat st;
	int fd, rc = 0;

	if (owner_of(r, slot, &owner, err) == -1)
		return -1;
	fd = openat(r->spool->dirs[SPOOL_TMP], slot->name,
	    O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		fd = openat(r->spool->dirs[SPOOL_TMP], slot->name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return 0;
	if (fstat(fd, &st) == -1)
		rc = err_sys(err, "tmp/%s", slot->name);
	else if (S_ISREG(st.st_mode) && st.st_nlink == 1)
		rc = judge(r, slot->name, fd, err);
	if (rc == 0)
		owner->slots++;
	close(fd);
	return rc == -1 ? -1 : 0;
}

/* First all deeds, so that the bodies are known; then the rest. */
static int
look_at_slots(struct recovery *r, struct err *err)
{
	int rc = list_slots(r, err);

	if (rc == 0 && is_without_slot(r))
		rc = resolve_twins(r, err);
	for (size_t i = 0; rc == 0 && i < r->slot_count; i++)
		rc = look_at_slot(r, &r->slots[i], err);
	if (rc == 0)
		rc = seen_batch_ask(&r->asked, r->spool, look_again, r, err);
	for (size_t i = 0; rc == 0 && i < r->slot_count; i++) {
		if (r->slots[i].alone)
			rc = judge_slot(r, &r->slots[i], err);
	}
	return rc;
}

static int
lock_recovery(struct spool *s, int *fd, struct err *err)
{
	int new_fd = openat(s->dirs[SPOOL_LOCK], "recover",
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    s->file_mode);

	if (new_fd == -1)
		return err_sys(err, "lock/recover");
	while (flock(new_fd, LOCK_EX) == -1) {
		if (errno == EINTR)
			continue;
		err_sys(err, "lock/recover");
		close(new_fd);
		return -1;
	}
	*fd = new_fd;
	return 0;
}

int
spool_recover(struct spool *s, struct spool_recovered *out, spool_waits *visit,
    void *arg, struct err *err)
{
	struct spool_recovered done = { 0 };
	struct recovery r = {
		.spool = s, .out = &done, .visit = visit, .arg = arg
	};
	int lock, rc = -1;

	if (lock_recovery(s, &lock, err) == -1)
		return -1;
	if (inodes_read_waiting(&r.waiting, s, err) == 0 &&
	    look_at_slots(&r, err) == 0) {
		owners_tidy(&r.owners, s);
		*out = done;
		rc = 0;
	}
	inodes_release(&r.waiting);
	seen_batch_release(&r.asked);
	free(r.slots);
	owners_release(&r.owners);
	free(r.bodies);
	close(lock);
	return rc;
}
