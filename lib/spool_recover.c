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
#include "spool_recover.h"

struct owner_seen {
	char name[OWNER_LEN + 1]; /* "" in a free place */
	int dead, has_file;
	unsigned slots; /* still there after us */
};

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
	struct owner_seen *owners; /* a hash table, half full at most */
	size_t owner_count, owner_cap;
	uint8_t (*bodies)[DIGEST_LEN]; /* of jobs that have their slot still */
	size_t body_count, body_cap;
	struct inodes waiting; /* of jobs that are not settled */
};

static int
out_of_memory(struct err *err)
{
	return err_set(err, ERR_TEMP, 0, "recovery: out of memory");
}

/* An owner's place in the table, or the free one where it would be. Its
 * name is a random number already. */
static struct owner_seen *
place_of(struct owner_seen *table, size_t size, const char *name)
{
	size_t i = strtoul(name, NULL, 16) & (size - 1);

	while (table[i].name[0] != '\0' && strcmp(table[i].name, name) != 0)
		i = (i + 1) & (size - 1);
	return &table[i];
}

static int
grow_owners(struct recovery *r, struct err *err)
{
	size_t size = r->owner_cap > 0 ? 2 * r->owner_cap : 64;
	struct owner_seen *table = calloc(size, sizeof *table);

	if (table == NULL)
		return out_of_memory(err);
	for (size_t i = 0; i < r->owner_cap; i++) {
		struct owner_seen *o = &r->owners[i];

		if (o->name[0] != '\0')
			*place_of(table, size, o->name) = *o;
	}
	free(r->owners);
	r->owners = table;
	r->owner_cap = size;
	return 0;
}

/* The result is good until the next call. */
static int
find_owner(struct recovery *r, const char *name, struct owner_seen **out,
    struct err *err)
{
	struct owner_seen *o;
	int lock;

	if (2 * r->owner_count >= r->owner_cap && grow_owners(r, err) == -1)
		return -1;
	o = place_of(r->owners, r->owner_cap, name);
	if (o->name[0] == '\0') {
		r->owner_count++;
		memcpy(o->name, name, sizeof o->name);
		/* The dead stay dead: the lock need not be kept. */
		o->dead = owner_is_dead(r->spool, name, &lock);
		if (o->dead)
			fs_close(&lock);
	}
	*out = o;
	return 0;
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

/* A slot with a second name: the deed of a job. */
static int
keep_deed(struct recovery *r, const struct owner_seen *owner, int fd,
    const struct stat *st, struct err *err)
{
	struct job_head head;
	struct err unreadable;
	size_t body_at;
	unsigned state;

	/* What cannot be read is the runner's to quarantine. */
	if (head_read(&head, &body_at, fd, &unreadable) == -1)
		return 0;
	/* Nearly all: nothing is to be made, so nothing more is looked at. */
	if (is_waiting(r, st)) {
		if (r->visit != NULL)
			r->visit(r->arg, st->st_ino, &head);
		if (!owner->dead || seen_is_whole(r->spool, &head))
			return add_body(r, &head, err);
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

static int
note_owner(struct recovery *r, const char *name, struct err *err)
{
	struct owner_seen *owner;

	if (find_owner(r, name, &owner, err) == -1)
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
owner_of(struct recovery *r, const struct slot *slot, struct owner_seen **out,
    struct err *err)
{
	char name[OWNER_LEN + 1];
	uint32_t seq;

	if (!slot_parse(slot->name, name, &seq))
		BUG("a slot's name");
	return find_owner(r, name, out, err);
}

/* Looks at one; those that are alone are left for later. */
static int
look_at_slot(struct recovery *r, struct slot *slot, struct err *err)
{
	struct owner_seen *owner;
	struct err ignored;
	struct stat st;
	int fd, rc = 0;

	if (owner_of(r, slot, &owner, err) == -1)
		return -1;
	/* Planted things that are no files, and what went away meanwhile. */
	if (fs_open_read(
		&fd, r->spool->dirs[SPOOL_TMP], slot->name, &ignored) == -1)
		return 0;
	if (fstat(fd, &st) == -1)
		rc = err_sys(err, "tmp/%s", slot->name);
	else if (st.st_nlink > 1)
		rc = keep_deed(r, owner, fd, &st, err);
	else
		slot->alone = owner->dead != 0;
	if (!slot->alone)
		owner->slots++;
	close(fd);
	return rc;
}

static int
judge_slot(struct recovery *r, const struct slot *slot, struct err *err)
{
	struct owner_seen *owner;
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

	for (size_t i = 0; rc == 0 && i < r->slot_count; i++)
		rc = look_at_slot(r, &r->slots[i], err);
	for (size_t i = 0; rc == 0 && i < r->slot_count; i++) {
		if (r->slots[i].alone)
			rc = judge_slot(r, &r->slots[i], err);
	}
	return rc;
}

/* Owner files of the dead that have no slot left. */
static void
remove_owners(struct recovery *r)
{
	for (size_t i = 0; i < r->owner_cap; i++) {
		const struct owner_seen *owner = &r->owners[i];
		char file[OWNER_LEN + sizeof ".own"];

		if (!owner->has_file || !owner->dead || owner->slots > 0)
			continue;
		snprintf(file, sizeof file, "%s.own", owner->name);
		unlinkat(r->spool->dirs[SPOOL_TMP], file, 0);
	}
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
	if (spool_resolve_twins(s, &done, err) == 0 &&
	    inodes_read_waiting(&r.waiting, s, err) == 0 &&
	    look_at_slots(&r, err) == 0) {
		remove_owners(&r);
		*out = done;
		rc = 0;
	}
	inodes_release(&r.waiting);
	free(r.slots);
	free(r.owners);
	free(r.bodies);
	close(lock);
	return rc;
}
