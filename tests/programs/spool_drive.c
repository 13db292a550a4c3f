/* SPDX-License-Identifier: MIT */
/*
 * One life of a job, a stretch at a time, for tests that stop a process at a
 * chosen system call:
 *
 *   spool_drive SPOOL accept N LENGTH [STOCK]   the N-th delivery
 *   spool_drive SPOOL run done|dead|retry       claim the first, settle it
 *   spool_drive SPOOL recover                   what start-up repairs
 *   spool_drive SPOOL days                      a record on each of two days
 *   spool_drive SPOOL sweep                     everything settled is too old
 *   spool_drive SPOOL check                     the state of every job
 *
 *   strace -f -e inject=fdatasync:signal=SIGKILL:when=1 spool_drive ...
 *
 * What it says on standard output is said after it is true: "new" and
 * "duplicate" are what would be a 2xx, "settled" is the end of a job. Exit
 * 0; 111 where the call failed and nothing was promised; 1 where a check
 * found what must not be.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "record.h"
#include "spool.h"
#include "steplog.h"

struct driver {
	struct spool *spool;
	struct err err;
	int bad; /* what check() found */
};

/* Straight to the descriptor: nothing is said late. */
static void
say(const char *word)
{
	if (write(STDOUT_FILENO, word, strlen(word)) == -1 ||
	    write(STDOUT_FILENO, "\n", 1) == -1)
		exit(2);
}

static int
give_up(struct driver *d)
{
	fprintf(stderr, "spool_drive: %s\n", d->err.text);
	return EXIT_TRYAGAIN;
}

/* ---- accept ---- */

static void
fill_head(struct job_head *head, unsigned n)
{
	*head = (struct job_head){
		.request_id = "0a8f6f3e-97a8-4b19-9f6e-6c2c1a5d0001",
		.hook_id = "4711",
		.event = "push",
		.repository = "octo-org/hello-world",
		.key = "octo-org/hello-world",
		.type = HEAD_TYPE_JSON,
	};
	snprintf(head->delivery, sizeof head->delivery,
	    "72d3162e-cc78-11e3-81ab-%012x", n);
	head_job_id(head->id, 0, head->delivery);
}

static int
write_body(struct driver *d, struct draft *draft, unsigned n, size_t len)
{
	char piece[4096];

	memset(piece, 'a' + (int)(n % 26), sizeof piece);
	snprintf(piece, sizeof piece, "%u", n);
	while (len > 0) {
		size_t now = len < sizeof piece ? len : sizeof piece;

		if (draft_write(draft, piece, now, &d->err) == -1)
			return -1;
		len -= now;
	}
	return 0;
}

static int
drive_accept(struct driver *d, int argc, char **argv)
{
	unsigned n = argc > 0 ? (unsigned)atoi(argv[0]) : 1;
	size_t len = argc > 1 ? (size_t)atoi(argv[1]) : 100;
	unsigned stock = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
	struct job_head head;
	struct draft *draft;
	enum accepted how;
	int rc = -1;

	/* Without ready slots the longer way is taken. */
	if (stock > 0 && spool_stock(d->spool, stock, &d->err) == -1)
		fprintf(stderr, "spool_drive: %s\n", d->err.text);
	if (spool_draft_new(&draft, d->spool, &d->err) == -1)
		return give_up(d);
	fill_head(&head, n);
	if (write_body(d, draft, n, len) == 0)
		rc = draft_commit(draft, &head, &how, &d->err);
	if (rc == 0)
		say(how == ACCEPTED_NEW ? "new" : "duplicate");
	draft_free(draft);
	return rc == -1 ? give_up(d) : 0;
}

/* ---- run ---- */

static int
take_first(void *arg, const struct spool_name *name)
{
	*(struct spool_name *)arg = *name;
	return 1;
}

static int
write_record(struct driver *d, const struct job_head *head, unsigned state)
{
	struct record r = { .head = head,
		.outcome = state == SPOOL_DONE ? JOB_SUCCEEDED : JOB_FAILED,
		.attempts = 1,
		.completed = clock_wall() };

	if (record_append(d->spool, &r, RECORD_LINES, &d->err) == -1)
		return -1;
	return record_sync(d->spool, &d->err);
}

/* The order of the comment in spool.h. */
static int
settle(struct driver *d, const struct spool_name *name,
    const struct job_head *head, unsigned state)
{
	if (spool_move(d->spool, SPOOL_RUN, name, state, name, &d->err) != 0)
		return -1;
	if (state == SPOOL_DEAD && spool_forget(d->spool, head, &d->err) == -1)
		return -1;
	if (spool_sync(d->spool, state, &d->err) == -1 ||
	    spool_sync(d->spool, SPOOL_SEEN, &d->err) == -1 ||
	    write_record(d, head, state) == -1 ||
	    spool_drop_slot(d->spool, head->slot, &d->err) == -1)
		return -1;
	return 0;
}

static int
work(struct driver *d, const struct spool_name *name, int fd, const char *end)
{
	struct job_head head;
	struct steplog log;
	size_t body_at;
	int rc;

	if (head_verify(&head, &body_at, fd, &d->err) == -1 ||
	    steplog_open(&log, d->spool, &head, name->attempt, &d->err) == -1)
		return -1;
	step_complete(step_start(&log, "drive"));
	steplog_close(&log);
	if (strcmp(end, "retry") == 0)
		rc = spool_retry(d->spool, name, clock_wall(), &d->err);
	else
		rc = settle(d, name, &head,
		    strcmp(end, "dead") == 0 ? SPOOL_DEAD : SPOOL_DONE);
	if (rc == 0)
		say(strcmp(end, "retry") == 0 ? "retrying" : "settled");
	return rc;
}

static int
drive_run(struct driver *d, int argc, char **argv)
{
	struct spool_name name;
	int fd, rc;

	rc = spool_each(d->spool, SPOOL_NEW, take_first, &name, &d->err);
	if (rc == -1)
		return give_up(d);
	if (rc == 0) {
		say("nothing");
		return 0;
	}
	rc = spool_claim(d->spool, &name, &fd, &d->err);
	if (rc != 0)
		return give_up(d);
	rc = work(d, &name, fd, argc > 0 ? argv[0] : "done");
	close(fd);
	return rc == 0 ? 0 : give_up(d);
}

/* ---- recover ---- */

static int
repair_record(void *arg, unsigned state, const struct job_head *head)
{
	struct driver *d = arg;
	int there = record_exists(d->spool, head->id, head->received, &d->err);

	if (there != 0)
		return there == 1 ? 0 : -1;
	return write_record(d, head, state);
}

/* An orphan or a job whose time has come: to new/ with the next attempt. */
static int
bring_back(void *arg, const struct spool_name *name)
{
	struct driver *d = arg;
	struct spool_name next = *name;
	int fd;

	if (spool_orphan(d->spool, name, &fd, &d->err) == 1) {
		next.attempt++;
		if (spool_move(d->spool, SPOOL_RUN, name, SPOOL_NEW, &next,
			&d->err) == -1)
			return -1;
		close(fd);
	}
	return 0;
}

static int
wake(void *arg, const struct spool_name *name)
{
	struct driver *d = arg;

	return spool_move(
		   d->spool, SPOOL_RETRY, name, SPOOL_NEW, name, &d->err) == -1
		   ? -1
		   : 0;
}

static int
drive_recover(struct driver *d, int argc, char **argv)
{
	struct spool_recovered out;

	(void)argc;
	(void)argv;
	if (spool_recover(d->spool, &out, NULL, NULL, &d->err) == -1 ||
	    spool_finish(d->spool, repair_record, d, &d->err) == -1 ||
	    spool_each(d->spool, SPOOL_RUN, bring_back, d, &d->err) == -1 ||
	    spool_each(d->spool, SPOOL_RETRY, wake, d, &d->err) == -1)
		return give_up(d);
	return 0;
}

/* ---- the days' files, and sweeping ---- */

static int
drive_days(struct driver *d, int argc, char **argv)
{
	struct job_head head;
	struct record r = {
		.head = &head, .outcome = JOB_SUCCEEDED, .attempts = 1
	};

	(void)argc;
	(void)argv;
	for (unsigned i = 0; i < 4; i++) {
		fill_head(&head, i);
		/* Yesterday, today. */
		r.completed = clock_wall() - (i < 2 ? 86400 * CLOCK_SECOND : 0);
		if (record_append(d->spool, &r, RECORD_LINES, &d->err) == -1 ||
		    record_sync(d->spool, &d->err) == -1)
			return give_up(d);
		say(head.id);
	}
	return 0;
}

static int
drive_sweep(struct driver *d, int argc, char **argv)
{
	static const struct spool_sweep limits = {
		.seen_age = INT64_MAX / 2, .log_age = CLOCK_SECOND, .slice = 4
	};
	struct sweeper *w;
	unsigned removed;
	int rc;

	(void)argc;
	(void)argv;
	if (spool_sweeper_new(&w, d->spool, &d->err) == -1)
		return give_up(d);
	do
		rc = spool_sweep(w, &limits, &removed, &d->err);
	while (rc == 1);
	spool_sweeper_free(w);
	return rc == 0 ? 0 : give_up(d);
}

/* ---- check ---- */

static unsigned checked_state;

/* Each file whole; one line "STATE ID ATTEMPT SLOT|-" */
static int
check_one(void *arg, const struct spool_name *name)
{
	struct driver *d = arg;
	char file[SPOOL_NAME_MAX], line[200];
	struct job_head head;
	size_t body_at;
	int fd;

	spool_name_format(file, checked_state, name);
	fd = openat(spool_fd(d->spool, checked_state), file,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 || head_verify(&head, &body_at, fd, &d->err) == -1) {
		fprintf(stderr, "%s/%s: not whole\n",
		    spool_dir_name(checked_state), file);
		d->bad = 1;
	} else {
		int has_slot = faccessat(spool_fd(d->spool, SPOOL_TMP),
				   head.slot, F_OK, 0) == 0;

		snprintf(line, sizeof line, "%s %s %u %s",
		    spool_dir_name(checked_state), name->id, name->attempt,
		    has_slot ? head.slot : "-");
		say(line);
	}
	if (fd != -1)
		close(fd);
	return 0;
}

static int
drive_check(struct driver *d, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (unsigned s = SPOOL_NEW; s < SPOOL_STATES; s++) {
		checked_state = s;
		if (spool_each(d->spool, s, check_one, d, &d->err) == -1)
			return give_up(d);
	}
	return d->bad;
}

static const struct {
	const char *name;
	int (*drive)(struct driver *d, int argc, char **argv);
} verbs[] = {
	{ "accept", drive_accept },
	{ "run", drive_run },
	{ "recover", drive_recover },
	{ "days", drive_days },
	{ "sweep", drive_sweep },
	{ "check", drive_check },
};

int
main(int argc, char **argv)
{
	struct driver d = { .bad = 0 };
	int rc;

	if (argc < 3)
		return 2;
	if (spool_open(&d.spool, argv[1], 1, &d.err) == -1)
		return give_up(&d);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (strcmp(argv[2], verbs[i].name) != 0)
			continue;
		rc = verbs[i].drive(&d, argc - 3, argv + 3);
		spool_close(d.spool);
		return rc;
	}
	return 2;
}
