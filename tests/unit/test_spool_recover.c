/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "spool.h"
#include "spool_fixture.h"

#define SLOT	   "0123abcd.7"
#define FIRST_BODY "{\"the\":\"first body, long enough to be torn somewhere\"}"

/*
 * A row is a picture of the spool as a crash left it: what the slot of the
 * first delivery holds, whether its owner lives, where else its file has a
 * name, what else is there; and where the job must be afterwards.
 */
enum content { WHOLE, ZERO, TORN_HEAD, TORN_BODY, OTHER_SLOT, EMPTY };

/* Bits of `names`: further links to the slot's file. */
#define IN(state) (1u << (state))

enum also {
	NOTHING,
	SEEN,	       /* its entries are there */
	DONE_BEFORE,   /* another file, same ID, in done/ */
	DEAD_BEFORE,   /* another file, same ID, in dead/ */
	ANOTHER_NEW,   /* another file, same ID, in new/ */
	ANOTHER_RETRY, /* another file, same ID, in retry/ with attempt 3 */
	SAME_BODY,     /* another delivery of the same body waits */
};

static const struct {
	const char *why;
	enum content content;
	int owner_lives;
	unsigned names; /* IN(state) ... with attempt 0 */
	enum also also;
	unsigned want; /* the job's state; SPOOL_STATES: nowhere */
	int slot_stays;
	unsigned published, removed;
} cases[] = {
	{ "a ready slot of a dead process", ZERO, 0, 0, NOTHING, SPOOL_STATES,
	    0, 0, 1 },
	{ "a ready slot of a living one", ZERO, 1, 0, NOTHING, SPOOL_STATES, 1,
	    0, 0 },
	{ "an empty slot", EMPTY, 0, 0, NOTHING, SPOOL_STATES, 0, 0, 1 },
	{ "a head torn by a power cut", TORN_HEAD, 0, 0, NOTHING, SPOOL_STATES,
	    0, 0, 1 },
	{ "a body torn by a power cut", TORN_BODY, 0, 0, NOTHING, SPOOL_STATES,
	    0, 0, 1 },
	{ "torn, but its owner still writes", TORN_BODY, 1, 0, NOTHING,
	    SPOOL_STATES, 1, 0, 0 },
	{ "whole, not claimed in seen/", WHOLE, 0, 0, NOTHING, SPOOL_NEW, 1, 1,
	    0 },
	{ "whole, claimed in seen/, not linked", WHOLE, 0, 0, SEEN, SPOOL_NEW,
	    1, 1, 0 },
	{ "whole, its owner is about to link it", WHOLE, 1, 0, SEEN,
	    SPOOL_STATES, 1, 0, 0 },
	{ "linked to new/", WHOLE, 0, IN(SPOOL_NEW), SEEN, SPOOL_NEW, 1, 0, 0 },
	{ "linked to new/, seen/ was lost", WHOLE, 0, IN(SPOOL_NEW), NOTHING,
	    SPOOL_NEW, 1, 0, 0 },
	{ "in run/", WHOLE, 0, IN(SPOOL_RUN), SEEN, SPOOL_RUN, 1, 0, 0 },
	{ "in retry/", WHOLE, 0, IN(SPOOL_RETRY), SEEN, SPOOL_RETRY, 1, 0, 0 },
	{ "in hold/", WHOLE, 0, IN(SPOOL_HOLD), SEEN, SPOOL_HOLD, 1, 0, 0 },
	{ "settled, its slot is the runner's to drop", WHOLE, 0, IN(SPOOL_DONE),
	    SEEN, SPOOL_DONE, 1, 0, 0 },
	{ "a duplicate of one that is done", WHOLE, 0, 0, DONE_BEFORE,
	    SPOOL_DONE, 0, 0, 1 },
	{ "a redelivery of one that died", WHOLE, 0, 0, DEAD_BEFORE, SPOOL_NEW,
	    1, 1, 0 },
	{ "a duplicate of one that waits", WHOLE, 0, 0, ANOTHER_NEW, SPOOL_NEW,
	    0, 0, 1 },
	{ "a duplicate of one that is retried", WHOLE, 0, 0, ANOTHER_RETRY,
	    SPOOL_RETRY, 0, 0, 1 },
	{ "another delivery's body", WHOLE, 0, 0, SAME_BODY, SPOOL_STATES, 0, 0,
	    1 },
	{ "a copy under another slot's name", OTHER_SLOT, 0, 0, NOTHING,
	    SPOOL_STATES, 0, 0, 1 },
	/* A power cut that kept both names of a rename. */
	{ "new/ and run/", WHOLE, 0, IN(SPOOL_NEW) | IN(SPOOL_RUN), SEEN,
	    SPOOL_RUN, 1, 0, 1 },
	{ "new/, run/ and retry/", WHOLE, 0,
	    IN(SPOOL_NEW) | IN(SPOOL_RUN) | IN(SPOOL_RETRY), SEEN, SPOOL_RUN, 1,
	    0, 2 },
	{ "new/ and hold/", WHOLE, 0, IN(SPOOL_NEW) | IN(SPOOL_HOLD), SEEN,
	    SPOOL_HOLD, 1, 0, 1 },
	{ "new/ and done/", WHOLE, 0, IN(SPOOL_NEW) | IN(SPOOL_DONE), SEEN,
	    SPOOL_DONE, 1, 0, 1 },
	{ "run/ and dead/", WHOLE, 0, IN(SPOOL_RUN) | IN(SPOOL_DEAD), SEEN,
	    SPOOL_DEAD, 1, 0, 1 },
	{ "new/ and done/, beside a living process", WHOLE, 1,
	    IN(SPOOL_NEW) | IN(SPOOL_DONE), SEEN, SPOOL_DONE, 1, 0, 1 },
};

static void
name_of(char out[SPOOL_NAME_MAX], unsigned state, const char *id)
{
	struct spool_name name = { .attempt = 0 };

	snprintf(name.id, sizeof name.id, "%s", id);
	spool_name_format(out, state, &name);
}

/* Writes the n-th delivery with `body` as a complete file. */
static void
write_job(struct fixture *f, unsigned dir, const char *file, unsigned n,
    const char *slot, const char *body, struct job_head *head)
{
	struct err err = { 0 };
	struct buf b;

	fixture_head(head, n);
	head->received = clock_wall();
	head->length = strlen(body);
	snprintf(head->slot, sizeof head->slot, "%s", slot);
	assert_int_equal(digest_of(head->sha256, body, strlen(body), &err), 0);
	buf_init(&b, 65536);
	assert_int_equal(head_format(&b, head, 0, &err), 0);
	buf_adds(&b, body);
	fixture_write(f, dir, file, b.data, b.len);
	buf_release(&b);
}

static void
write_slot(struct fixture *f, enum content content, struct job_head *head)
{
	static const char zeros[64];
	const char *path = fixture_path(f, SPOOL_TMP, SLOT);
	int fd;

	write_job(f, SPOOL_TMP, SLOT, 1,
	    content == OTHER_SLOT ? "0123abcd.8" : SLOT, FIRST_BODY, head);
	fd = open(path, O_RDWR);
	assert_int_not_equal(fd, -1);
	switch (content) {
	case WHOLE:
	case OTHER_SLOT:
		break;
	case EMPTY:
		assert_int_equal(ftruncate(fd, 0), 0);
		break;
	case ZERO:
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(ftruncate(fd, 16384), 0);
		break;
	case TORN_HEAD:
		assert_int_equal(pwrite(fd, zeros, 64, 128), 64);
		break;
	case TORN_BODY:
		assert_int_equal(
		    pwrite(fd, zeros, 20, lseek(fd, 0, SEEK_END) - 20), 20);
		break;
	}
	close(fd);
}

/* Accepts the first delivery and takes all of it but seen/ away again. */
static void
leave_seen(struct fixture *f, struct job_head *head)
{
	char file[SPOOL_NAME_MAX];
	struct err err = { 0 };
	enum accepted how;
	struct draft *d;

	assert_int_equal(spool_draft_new(&d, f->spool, &err), 0);
	assert_int_equal(
	    draft_write(d, FIRST_BODY, strlen(FIRST_BODY), &err), 0);
	assert_int_equal(draft_commit(d, head, &how, &err), 0);
	assert_int_equal(how, ACCEPTED_NEW);
	draft_free(d);
	name_of(file, SPOOL_NEW, head->id);
	assert_int_equal(unlink(fixture_path(f, SPOOL_NEW, file)), 0);
	assert_int_equal(unlink(fixture_path(f, SPOOL_TMP, head->slot)), 0);
	assert_int_equal(fixture_seen(f, 0), 3);
}

static void
write_also(struct fixture *f, enum also also)
{
	char file[SPOOL_NAME_MAX];
	struct job_head head;

	fixture_head(&head, 1);
	switch (also) {
	case NOTHING:
		return;
	case SEEN:
		leave_seen(f, &head);
		return;
	case DONE_BEFORE:
		name_of(file, SPOOL_DONE, head.id);
		write_job(f, SPOOL_DONE, file, 1, "", "{\"an\":1}", &head);
		return;
	case DEAD_BEFORE:
		name_of(file, SPOOL_DEAD, head.id);
		write_job(f, SPOOL_DEAD, file, 1, "", "{\"an\":1}", &head);
		return;
	case ANOTHER_NEW:
		name_of(file, SPOOL_NEW, head.id);
		write_job(f, SPOOL_NEW, file, 1, "", "{\"an\":1}", &head);
		return;
	case ANOTHER_RETRY:
		snprintf(file, sizeof file, "%s.3", head.id);
		write_job(f, SPOOL_RETRY, file, 1, "", "{\"an\":1}", &head);
		return;
	case SAME_BODY:
		write_job(f, SPOOL_TMP, "0123abcd.9", 2, "0123abcd.9",
		    "{\"the\":\"first body, long enough to be torn "
		    "somewhere\"}",
		    &head);
		name_of(file, SPOOL_NEW, head.id);
		assert_int_equal(link(fixture_path(f, SPOOL_TMP, "0123abcd.9"),
				     fixture_path(f, SPOOL_NEW, file)),
		    0);
		return;
	}
}

static int
make_owner(struct fixture *f, int lives)
{
	int fd;

	fixture_write(f, SPOOL_TMP, "0123abcd.own", "", 0);
	if (!lives)
		return -1;
	fd = open(fixture_path(f, SPOOL_TMP, "0123abcd.own"), O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	return fd;
}

static void
check_case(struct fixture *f, size_t i, const struct job_head *head)
{
	struct spool_recovered out = { 0 };
	struct err err = { 0 };
	unsigned where, names = 0;

	if (spool_recover(f->spool, &out, NULL, NULL, &err) == -1)
		fail_msg("%s: %s", cases[i].why, err.text);
	where = fixture_state(f, head->id);
	if (where != cases[i].want)
		fail_msg("%s: the job is in %s", cases[i].why,
		    spool_dir_name(where));
	if (fixture_exists(f, SPOOL_TMP, SLOT) != cases[i].slot_stays)
		fail_msg("%s: the slot", cases[i].why);
	if (out.published != cases[i].published ||
	    out.removed != cases[i].removed)
		fail_msg("%s: published %u, removed %u", cases[i].why,
		    out.published, out.removed);
	for (unsigned s = SPOOL_NEW; s <= SPOOL_HOLD; s++)
		names += fixture_count(f, s);
	if (names > 1)
		fail_msg("%s: %u names", cases[i].why, names);
}

static void
every_picture_becomes_legal(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct spool_recovered again = { 0 };
		struct err err = { 0 };
		struct job_head head;
		struct fixture *f;
		void *state;
		int owner;

		fixture_setup(&state);
		f = state;
		owner = make_owner(f, cases[i].owner_lives);
		write_slot(f, cases[i].content, &head);
		write_also(f, cases[i].also);
		for (unsigned s = SPOOL_NEW; s < SPOOL_STATES; s++) {
			char file[SPOOL_NAME_MAX];

			if (!(cases[i].names & IN(s)))
				continue;
			name_of(file, s, head.id);
			assert_int_equal(link(fixture_path(f, SPOOL_TMP, SLOT),
					     fixture_path(f, s, file)),
			    0);
		}
		check_case(f, i, &head);
		/* A second recovery finds nothing to do. */
		assert_int_equal(
		    spool_recover(f->spool, &again, NULL, NULL, &err), 0);
		if (again.published + again.removed != 0)
			fail_msg("%s: again %u, %u", cases[i].why,
			    again.published, again.removed);
		if (owner != -1)
			close(owner);
		fixture_teardown(&state);
	}
}

static void
a_published_job_is_remembered(void **state)
{
	struct fixture *f = *state;
	struct spool_recovered out;
	struct err err = { 0 };
	struct job_head head;

	write_slot(f, WHOLE, &head);
	assert_int_equal(spool_recover(f->spool, &out, NULL, NULL, &err), 0);
	assert_int_equal(out.published, 1);
	assert_int_equal(fixture_accept(f->spool, 1, 99, &head),
	    ACCEPTED_DUPLICATE_DELIVERY);
}

/* A power cut undid every move; only the slot is left. */
static void
the_slot_alone_brings_the_job_back(void **state)
{
	struct fixture *f = *state;
	struct spool_recovered out;
	struct err err = { 0 };
	struct job_head head, h;
	struct spool_name name = fixture_job(f, 1, &head);
	char file[SPOOL_NAME_MAX];

	spool_name_format(file, SPOOL_NEW, &name);
	unlink(fixture_path(f, SPOOL_NEW, file));
	fixture_reopen(f);
	assert_int_equal(spool_recover(f->spool, &out, NULL, NULL, &err), 0);
	assert_int_equal(out.published, 1);
	assert_int_equal(
	    spool_read_head(f->spool, SPOOL_NEW, &name, &h, &err), 0);
	assert_memory_equal(&h, &head, sizeof h);
}

static void
owners_without_slots_are_removed(void **state)
{
	struct fixture *f = *state;
	struct spool_recovered out;
	struct err err = { 0 };
	struct job_head head;
	int living;

	fixture_write(f, SPOOL_TMP, "aaaaaaaa.own", "", 0);
	fixture_write(f, SPOOL_TMP, "bbbbbbbb.own", "", 0);
	living = open(fixture_path(f, SPOOL_TMP, "bbbbbbbb.own"), O_RDONLY);
	assert_int_equal(flock(living, LOCK_EX), 0);
	make_owner(f, 0);
	write_slot(f, WHOLE, &head);
	assert_int_equal(spool_recover(f->spool, &out, NULL, NULL, &err), 0);
	assert_false(fixture_exists(f, SPOOL_TMP, "aaaaaaaa.own"));
	assert_true(fixture_exists(f, SPOOL_TMP, "bbbbbbbb.own"));
	assert_true(fixture_exists(f, SPOOL_TMP, "0123abcd.own"));
	close(living);
}

static void
planted_things_do_not_stop_recovery(void **state)
{
	struct fixture *f = *state;
	struct spool_recovered out;
	struct err err = { 0 };
	struct job_head head;

	assert_int_equal(
	    mkfifo(fixture_path(f, SPOOL_TMP, "aaaaaaaa.1"), 0666), 0);
	assert_int_equal(
	    mkdir(fixture_path(f, SPOOL_TMP, "aaaaaaaa.2"), 0777), 0);
	assert_int_equal(
	    symlink("/etc/passwd", fixture_path(f, SPOOL_TMP, "aaaaaaaa.3")),
	    0);
	assert_int_equal(
	    mkfifo(fixture_path(f, SPOOL_TMP, "cccccccc.own"), 0666), 0);
	fixture_write(f, SPOOL_NEW, "not a job", "x", 1);
	write_slot(f, WHOLE, &head);
	assert_int_equal(spool_recover(f->spool, &out, NULL, NULL, &err), 0);
	assert_int_equal(out.published, 1);
	assert_int_equal(fixture_state(f, head.id), SPOOL_NEW);
}

/* ---- settling that was interrupted ---- */

struct finished {
	unsigned calls, state;
	char id[JOB_ID_MAX];
	int answer;
};

static int
note_finished(void *arg, unsigned state, const struct job_head *head)
{
	struct finished *n = arg;

	n->calls++;
	n->state = state;
	memcpy(n->id, head->id, sizeof n->id);
	return n->answer;
}

static void
interrupted_settling_is_finished(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct job_head head, other;
	struct spool_name name = fixture_job(f, 1, &head);
	struct finished n = { .answer = -1 };
	int fd;

	fixture_job(f, 2, &other); /* is not touched */
	assert_int_equal(spool_claim(f->spool, &name, &fd, &err), 0);
	assert_int_equal(
	    spool_move(f->spool, SPOOL_RUN, &name, SPOOL_DEAD, &name, &err), 0);
	/* While the runner lives, it is its own affair. */
	assert_int_equal(spool_finish(f->spool, note_finished, &n, &err), 0);
	assert_int_equal(n.calls, 0);
	close(fd);
	/* A record that cannot be written keeps the slot. */
	assert_int_equal(spool_finish(f->spool, note_finished, &n, &err), -1);
	assert_int_equal(n.calls, 1);
	assert_int_equal(n.state, SPOOL_DEAD);
	assert_string_equal(n.id, head.id);
	assert_true(fixture_exists(f, SPOOL_TMP, head.slot));
	n.answer = 0;
	assert_int_equal(spool_finish(f->spool, note_finished, &n, &err), 0);
	assert_false(fixture_exists(f, SPOOL_TMP, head.slot));
	assert_int_equal(spool_finish(f->spool, note_finished, &n, &err), 0);
	assert_int_equal(n.calls, 2);
	assert_true(fixture_exists(f, SPOOL_TMP, other.slot));
}

#define IN_SPOOL(test)                                                         \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_picture_becomes_legal),
		IN_SPOOL(a_published_job_is_remembered),
		IN_SPOOL(the_slot_alone_brings_the_job_back),
		IN_SPOOL(owners_without_slots_are_removed),
		IN_SPOOL(planted_things_do_not_stop_recovery),
		IN_SPOOL(interrupted_settling_is_finished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
