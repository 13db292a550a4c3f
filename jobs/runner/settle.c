/* SPDX-License-Identifier: MIT */
/*
 * Settling a batch of jobs. The steps, and what is true after a crash behind
 * each:
 *
 *   1 journal written   nothing has happened; jobs in run/ are found without
 *                       a lock and run again
 *   2 run/ID.n renamed  the slot in tmp/ still names the file; the journal
 *     to done|dead|bad  says what the record must say: settle_dead()
 *   3 dead: forgotten   goes on with step 3 (a redelivery is accepted again)
 *   4 directories       the file's new name is on disk
 *     synced
 *   5 record appended   settle_dead() looks for a record of this job and
 *   6 record synced     this moment before it appends one
 *   7 report wanted     out/ID is replaced as a whole, any number of times
 *   8 slot dropped      the deed is done; the journal says nothing new
 *   9 journal cleared
 *
 * A power cut may undo 2 and 8 and lose the journal and 5: then a job with a
 * slot is in run/ (it runs again) or in a settled directory
 * (settle_leftovers() gives it a record if it has none).
 *
 * Where a sync failed its page is gone and asking again would be told that
 * all is well: the job keeps its slot, and recovery looks at it later.
 *
 * Two processes never finish the same job: a journal is read under its lock.
 */
#include <sys/file.h>

#include <errno.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "fsio.h"
#include "json.h"
#include "outbox.h"
#include "runner/settle.h"
#include "spool.h"

static int
is_settled(unsigned state)
{
	return state == SPOOL_DONE || state == SPOOL_DEAD || state == SPOOL_BAD;
}

/* ---- finishing what others began ---- */

/* The tail of the steps, for one job whose file is in a settled directory. */
static int
finish(struct settler *t, const struct record *r, unsigned state, int64_t since,
    struct err *err)
{
	int there;

	if (state == SPOOL_DEAD && spool_forget(t->spool, r->head, err) == -1)
		return -1;
	if (spool_sync(t->spool, SPOOL_SEEN, err) == -1 ||
	    spool_sync(t->spool, state, err) == -1)
		return -1;
	there = record_exists(t->spool, r->head->id, since, err);
	if (there == -1 ||
	    (there == 0 && (record_append(t->spool, r, t->form, err) == -1 ||
			       record_sync(t->spool, err) == -1)) ||
	    outbox_finish(t->spool, r, err) == -1)
		return -1;
	return spool_drop_slot(t->spool, r->head->slot, err);
}

struct finishing {
	struct settler *t;
	int finished;
	int busy; /* somebody who lives is at one of them */
};

/* Whoever settles a job keeps its file locked until all is over. */
static int
is_in_hand(struct settler *t, unsigned state, const struct spool_name *name)
{
	char file[SPOOL_NAME_MAX];
	struct err ignored;
	int fd = -1, locked;

	spool_name_format(file, state, name);
	if (fs_open_read(&fd, spool_fd(t->spool, state), file, &ignored) == -1)
		return 0;
	locked = flock(fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK;
	fs_close(&fd);
	return locked;
}

static int
finish_line(void *arg, const struct settling *line, struct err *err)
{
	struct finishing *f = arg;
	struct spool_name name;
	struct job_head head;
	unsigned state;
	struct record r = { &head, line->outcome, line->reason, line->attempts,
		line->started, line->completed, line->duration };

	/* Gone, or not settled after all: recovery's, not ours. */
	if (spool_find(f->t->spool, line->id, &state, &name, err) == -1)
		return err->class == ERR_BAD ? 0 : -1;
	if (!is_settled(state))
		return 0;
	if (is_in_hand(f->t, state, &name)) {
		f->busy = 1;
		return 0;
	}
	if (spool_read_head(f->t->spool, state, &name, &head, err) == -1) {
		if (err->class == ERR_TEMP)
			return -1;
		job_head_of_name(&head, &name);
	} else if (strcmp(head.id, name.id) != 0) {
		job_head_of_name(&head, &name);
	}
	if (finish(f->t, &r, state, line->completed, err) == -1)
		return -1;
	f->finished++;
	return 0;
}

static int
finish_journal(struct settler *t, struct journal *j, struct err *err)
{
	struct finishing f = { t, 0, 0 };

	if (journal_each(j, finish_line, &f, err) == -1)
		return -1;
	if (!f.busy && journal_clear(j, err) == -1)
		return -1;
	return f.finished;
}

int
settle_dead(struct settler *t, struct err *err)
{
	int finished = 0;

	for (unsigned i = 0; i < JOURNALS; i++) {
		struct journal dead;
		int rc = journal_take_dead(&dead, t->spool, i, err);

		if (rc == -1)
			return -1;
		if (rc == 2)
			break;
		if (rc == 0)
			continue;
		rc = finish_journal(t, &dead, err);
		journal_close(&dead);
		if (rc == -1)
			return -1;
		finished += rc;
	}
	return finished;
}

struct leftovers {
	struct settler *t;
	struct err *err;
};

/* The slot is dropped by who calls; dropping it here too does no harm. */
static int
finish_leftover(void *arg, unsigned state, const struct job_head *head)
{
	static const enum job_outcome outcomes[] = {
		[SPOOL_DONE] = JOB_SUCCEEDED,
		[SPOOL_DEAD] = JOB_FAILED,
		[SPOOL_BAD] = JOB_QUARANTINED,
	};
	struct leftovers *l = arg;
	struct record r = { head, outcomes[state],
		"settled just before the machine stopped", 1, 0, clock_wall(),
		0 };

	return finish(l->t, &r, state, head->received, l->err);
}

int
settle_leftovers(struct settler *t, struct err *err)
{
	struct leftovers l = { t, err };

	return spool_finish(t->spool, finish_leftover, &l, err);
}

/* ---- our own ---- */

int
settler_init(struct settler *out, struct spool *s, enum record_form form,
    struct err *err)
{
	struct settler t = { s, form, { s, -1, 0 }, NULL };

	if (journal_open(&t.journal, s, err) == -1)
		return -1;
	if (settle_dead(&t, err) == -1) {
		journal_close(&t.journal);
		return -1;
	}
	*out = t;
	return 0;
}

void
settler_release(struct settler *t)
{
	while (t->jobs != NULL) {
		struct job *job = t->jobs;

		t->jobs = job->next;
		job_free(job);
	}
	journal_close(&t->journal);
}

void
settle_add(struct settler *t, struct job *job)
{
	/* To the microsecond, as the record will say it: it is compared. */
	job->completed = clock_wall() / 1000 * 1000;
	job->stage = SETTLE_MOVE;
	job->next = t->jobs;
	t->jobs = job;
}

/*
 * Another user's file takes no time of ours (the responder may run as the
 * web server's user): it goes to retry/ all the same, and only this runner
 * remembers when it is due.
 */
static int
move_to_retry(struct settler *t, const struct job *job, struct err *err)
{
	struct spool_name to = job->name;
	int rc = spool_retry(
	    t->spool, &job->name, job->completed + job->verdict.delay, err);

	if (rc != -1 || err->sys != EPERM)
		return rc;
	to.attempt++;
	return spool_move(t->spool, job->in, &job->name, SPOOL_RETRY, &to, err);
}

static int
rename_job(struct settler *t, const struct job *job, struct err *err)
{
	const struct verdict *v = &job->verdict;
	struct spool_name to = job->name;

	if (v->to == SPOOL_RETRY)
		return move_to_retry(t, job, err);
	if (is_settled(v->to))
		to.attempt = 0;
	else if (!v->blameless)
		to.attempt++;
	return spool_move(t->spool, job->in, &job->name, v->to, &to, err);
}

/* The step log's last word on this attempt; after the move, so that it is
 * said once. */
static void
tell(struct settler *t, const struct job *job)
{
	const struct verdict *v = &job->verdict;
	const char *event = v->to == SPOOL_RETRY ? "retrying"
			    : v->to == SPOOL_NEW ? "requeued"
						 : "settled";
	char when[CLOCK_TEXT];
	struct buf members;

	buf_init(&members, 2 * ERR_TEXT_MAX + 256);
	if (job_settles(job))
		json_put_member(
		    &members, "state", job_outcome_name(v->outcome));
	if (*v->reason != '\0')
		json_put_member(&members, "reason", v->reason);
	if (v->to == SPOOL_RETRY) {
		clock_text(when, job->completed + v->delay);
		json_put_member(&members, "not_before", when);
	}
	if (v->lost)
		job_line(t->spool, job, "warn", "lost", NULL);
	job_line(t->spool, job, v->outcome == JOB_SUCCEEDED ? "info" : "warn",
	    event, members.len > 0 ? members.data : NULL);
	buf_release(&members);
}

static int
move(struct settler *t, struct job *job, struct err *err)
{
	int rc = rename_job(t, job, err);

	if (rc == -1)
		return -1;
	/* From run/ only an operator with a shell can have taken the file we
	 * hold locked; the record is written still. */
	if (rc == 1 && job->in != SPOOL_RUN) {
		job->gone = 1;
		return 0;
	}
	tell(t, job);
	if (rc == 0 && job->verdict.to == SPOOL_DEAD &&
	    spool_forget(t->spool, &job->head, err) == -1)
		job->keep_slot = 1;
	return 0;
}

/* Directories that this round moved something into. */
static int
sync_moved(struct settler *t, const unsigned char *moved, struct err *err)
{
	static const unsigned settled[] = { SPOOL_DONE, SPOOL_DEAD, SPOOL_BAD };
	int failed = 0;

	for (size_t i = 0; i < sizeof settled / sizeof *settled; i++) {
		if (moved[settled[i]] &&
		    spool_sync(t->spool, settled[i], err) == -1)
			failed = 1;
	}
	/* The slots, from which recovery would make lost entries again, are
	 * about to go. */
	if ((moved[SPOOL_DONE] || moved[SPOOL_DEAD] || moved[SPOOL_BAD]) &&
	    spool_sync(t->spool, SPOOL_SEEN, err) == -1)
		failed = 1;
	for (struct job *job = t->jobs; failed && job != NULL; job = job->next)
		job->keep_slot |= job->stage == SETTLE_RECORD;
	return failed ? -1 : 0;
}

static int
move_all(struct settler *t, struct err *err)
{
	unsigned char moved[SPOOL_STATES] = { 0 };
	struct err later;
	int rc = 0;

	for (struct job *job = t->jobs; job != NULL; job = job->next) {
		if (job->stage != SETTLE_MOVE)
			continue;
		if (move(t, job, err) == -1) {
			rc = -1;
			continue;
		}
		job->stage = job_settles(job) && !job->gone ? SETTLE_RECORD
							    : SETTLE_OVER;
		moved[job->verdict.to] = 1;
	}
	return sync_moved(t, moved, rc == 0 ? err : &later) == -1 ? -1 : rc;
}

static int
record_all(struct settler *t, struct err *err)
{
	struct err later;
	int rc = 0, any = 0;

	for (struct job *job = t->jobs; job != NULL; job = job->next) {
		struct record r;

		if (job->stage != SETTLE_RECORD)
			continue;
		job_record(&r, job);
		if (record_append(t->spool, &r, t->form, err) == -1) {
			rc = -1;
			continue;
		}
		job->stage = SETTLE_DROP;
		any = 1;
	}
	if (!any || record_sync(t->spool, rc == 0 ? err : &later) == 0)
		return rc;
	for (struct job *job = t->jobs; job != NULL; job = job->next)
		job->keep_slot |= job->stage == SETTLE_DROP;
	return -1;
}

/* What the commit shall be told; the sender does the telling (reporter.c). */
static int
report(struct settler *t, const struct job *job, struct err *err)
{
	struct record r;

	job_record(&r, job);
	return outbox_finish(t->spool, &r, err);
}

/* What is kept for weeks need not keep the rest of its ready-made slot. A
 * quarantined file stays as it was found. */
static void
trim(struct settler *t, const struct job *job)
{
	struct spool_name settled = job->name;

	if (job->size == 0 || job->verdict.to == SPOOL_BAD)
		return;
	settled.attempt = 0;
	spool_trim(t->spool, job->verdict.to, &settled, job->size);
}

static int
drop_all(struct settler *t, struct err *err)
{
	int rc = 0;

	for (struct job *job = t->jobs; job != NULL; job = job->next) {
		if (job->stage != SETTLE_DROP)
			continue;
		if (report(t, job, err) == -1 ||
		    (!job->keep_slot &&
			spool_drop_slot(t->spool, job->head.slot, err) == -1)) {
			rc = -1;
			continue;
		}
		trim(t, job);
		job->stage = SETTLE_OVER;
	}
	return rc;
}

static void
hand_over(struct settler *t, struct job **over)
{
	struct job **p = &t->jobs;

	while (*p != NULL) {
		struct job *job = *p;

		if (job->stage != SETTLE_OVER) {
			p = &job->next;
			continue;
		}
		*p = job->next;
		job->next = *over;
		*over = job;
	}
}

int
settle_run(struct settler *t, struct job **over, struct err *err)
{
	struct err later;
	int rc;

	if (t->jobs == NULL)
		return 0;
	if (journal_write(&t->journal, t->jobs, err) == -1)
		return -1;
	/* Each step goes on with what the one before could do; the first
	 * failure is the one to tell of. */
	rc = move_all(t, err);
	if (record_all(t, rc == 0 ? err : &later) == -1)
		rc = -1;
	if (drop_all(t, rc == 0 ? err : &later) == -1)
		rc = -1;
	hand_over(t, over);
	if (t->jobs == NULL &&
	    journal_clear(&t->journal, rc == 0 ? err : &later) == -1)
		rc = -1;
	return rc;
}
