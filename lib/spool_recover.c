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
	int dead;
	unsigned slots; /* still there after us */
};

struct recovery {
	struct spool *spool;
	struct spool_recovered *out;
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
	if (is_waiting(r, st) &&
	    (!owner->dead || seen_is_whole(r->spool, &head)))
		return add_body(r, &head, err);
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

/* First all deeds, so that the bodies are known; then the rest. */
enum pass { PASS_DEEDS, PASS_REST };

static int
is_published(struct recovery *r, const char *slot)
{
	struct stat st;

	return fstatat(r->spool->dirs[SPOOL_TMP], slot, &st,
		   AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) && st.st_nlink > 1;
}

static int
look_at_slot(struct recovery *r, enum pass pass, const char *slot,
    struct owner_seen *owner, struct err *err)
{
	struct err ignored;
	struct stat st;
	int fd, rc = 0;

	/* In the second pass nearly all have been seen to. */
	if (pass == PASS_REST && is_published(r, slot)) {
		owner->slots++;
		return 0;
	}
	/* Planted things that are no files, and what went away meanwhile. */
	if (fs_open_read(&fd, r->spool->dirs[SPOOL_TMP], slot, &ignored) == -1)
		return 0;
	if (fstat(fd, &st) == -1)
		rc = err_sys(err, "tmp/%s", slot);
	else if (pass == PASS_DEEDS && st.st_nlink > 1)
		rc = keep_deed(r, owner, fd, &st, err);
	else if (pass == PASS_REST && st.st_nlink == 1 && owner->dead) {
		int write_fd = openat(r->spool->dirs[SPOOL_TMP], slot,
		    O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		rc = judge(r, slot, write_fd != -1 ? write_fd : fd, err);
		fs_close(&write_fd);
	}
	if (pass == PASS_REST && rc == 0)
		owner->slots++;
	close(fd);
	return rc == -1 ? -1 : 0;
}

static int
scan_slots(struct recovery *r, enum pass pass, struct err *err)
{
	char name[OWNER_LEN + 1];
	struct owner_seen *owner;
	struct dirent *e;
	uint32_t seq;
	void *d;
	int rc = 0;

	if (spool_open_names(r->spool, SPOOL_TMP, &d, err) == -1)
		return -1;
	while (rc == 0 && (e = readdir(d)) != NULL) {
		if (!slot_parse(e->d_name, name, &seq))
			continue;
		rc = find_owner(r, name, &owner, err);
		if (rc == 0)
			rc = look_at_slot(r, pass, e->d_name, owner, err);
	}
	closedir(d);
	return rc;
}

/* Owner files of the dead that have no slot left. */
static int
remove_owners(struct recovery *r, struct err *err)
{
	char name[OWNER_LEN + 1];
	struct owner_seen *owner;
	struct dirent *e;
	void *d;
	int rc = 0;

	if (spool_open_names(r->spool, SPOOL_TMP, &d, err) == -1)
		return -1;
	while (rc == 0 && (e = readdir(d)) != NULL) {
		if (!owner_parse(e->d_name, name))
			continue;
		rc = find_owner(r, name, &owner, err);
		if (rc == 0 && owner->dead && owner->slots == 0)
			unlinkat(r->spool->dirs[SPOOL_TMP], e->d_name, 0);
	}
	closedir(d);
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
spool_recover(struct spool *s, struct spool_recovered *out, struct err *err)
{
	struct spool_recovered done = { 0 };
	struct recovery r = { .spool = s, .out = &done };
	int lock, rc = -1;

	if (lock_recovery(s, &lock, err) == -1)
		return -1;
	if (spool_resolve_twins(s, &done, err) == 0 &&
	    inodes_read_waiting(&r.waiting, s, err) == 0 &&
	    scan_slots(&r, PASS_DEEDS, err) == 0 &&
	    scan_slots(&r, PASS_REST, err) == 0 &&
	    remove_owners(&r, err) == 0) {
		*out = done;
		rc = 0;
	}
	inodes_release(&r.waiting);
	free(r.owners);
	free(r.bodies);
	close(lock);
	return rc;
}
