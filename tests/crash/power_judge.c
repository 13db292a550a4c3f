/* SPDX-License-Identifier: MIT */
/*
 * Recovers a disk with the real code and compares the outcome with the
 * promise:
 *
 *   - no file outside tmp/ is torn, before recovery either
 *   - a job of which the sender was told 2xx runs; one whose slot was dropped
 *     (it is settled) does not run again
 *   - a delivery that was not answered, sent again, becomes exactly one run;
 *     one that was, none; a dead one is accepted anew
 *   - in the end each job stands in done/ or dead/ alone, with one record for
 *     each time it was settled, and no slot or journal is left
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "power_job.h"
#include "record.h"
#include "runner/runner.h"

struct verdicts {
	int runs[POWER_JOBS], settled[POWER_JOBS], records[POWER_JOBS];
	int resent[POWER_JOBS], duplicate[POWER_JOBS], again[POWER_JOBS];
};

struct judging {
	const struct power_log *log;
	const char *home;
	int cut, resend, late, replay, quiet, complaints;
	struct verdicts v;
	unsigned state; /* being looked at */
	struct spool *spool;
};

/* ---- the place ---- */

static void
empty(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		if (e->d_type != DT_DIR)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
}

void
power_home(const char *home)
{
	char path[400];
	struct spool *s;
	struct err err;

	snprintf(path, sizeof path, "%s/runs", home);
	unlink(path);
	snprintf(path, sizeof path, "%s/spool", home);
	if (access(path, F_OK) == -1) {
		if (spool_open(&s, path, 1, &err) == -1)
			abort();
		spool_close(s);
	}
	for (unsigned i = 0; i < SPOOL_DIRS; i++) {
		snprintf(
		    path, sizeof path, "%s/spool/%s", home, spool_dir_name(i));
		empty(path);
	}
}

static struct spool *
open_spool(const char *home)
{
	char path[400];
	struct spool *s;
	struct err err;

	snprintf(path, sizeof path, "%s/spool", home);
	if (spool_open(&s, path, 0, &err) == -1) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	return s;
}

/* ---- complaints ---- */

__attribute__((format(printf, 2, 3))) static void
complain(struct judging *j, const char *fmt, ...)
{
	va_list ap;

	j->complaints++;
	if (j->quiet)
		return;
	va_start(ap, fmt);
	fputs("  VIOLATION: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

static int
check_whole(void *arg, const struct spool_name *name)
{
	struct judging *j = arg;
	char file[SPOOL_NAME_MAX];
	struct job_head head;
	struct err err;
	size_t body_at;
	int fd;

	spool_name_format(file, j->state, name);
	fd = openat(spool_fd(j->spool, j->state), file, O_RDONLY);
	if (fd == -1 || head_verify(&head, &body_at, fd, &err) == -1)
		complain(j, "%s/%s is torn", spool_dir_name(j->state), file);
	if (fd != -1)
		close(fd);
	return 0;
}

static void
check_all_whole(struct judging *j)
{
	struct err err;

	j->spool = open_spool(j->home);
	for (j->state = SPOOL_NEW; j->state < SPOOL_STATES; j->state++) {
		if (spool_each(j->spool, j->state, check_whole, j, &err) == -1)
			abort();
	}
	spool_close(j->spool);
}

/* ---- what is done with the disk ---- */

/* 1 where it counts as new. */
static int
send(struct judging *j, unsigned n)
{
	struct job_head head;
	enum accepted how;
	struct err err;

	if (power_send(j->spool, n, &head, &how, &err) == -1) {
		complain(j, "sent again: %s", err.text);
		return -1;
	}
	return how == ACCEPTED_NEW;
}

/* The delivery itself; or its body under another name, if that must not be
 * taken for a new job. */
static void
send_one(struct judging *j, int i)
{
	const struct power_log *log = j->log;
	int acked = i < log->job_count && j->cut >= log->jobs[i].acked;

	if (acked && j->replay && strcmp(power_protocol->plan, "dead") != 0) {
		if (send(j, (unsigned)i + POWER_REPLAY) == 1)
			complain(j, "the body of job %d was taken anew", i);
		return;
	}
	j->v.resent[i] = 1;
	j->v.duplicate[i] = send(j, (unsigned)i) != 1;
}

/* A responder starts, and the deliveries come again. */
static void
send_again(struct judging *j)
{
	struct spool_recovered done;
	struct err err;

	j->spool = open_spool(j->home);
	if (spool_recover(j->spool, &done, NULL, NULL, &err) == -1)
		complain(j, "recovery: %s", err.text);
	for (int i = 0; j->resend && i < power_protocol->jobs; i++)
		send_one(j, i);
	spool_close(j->spool);
}

int
power_drain(const char *home)
{
	char config[400], worker[400];
	struct runner_options o = { .config = config,
		.worker = worker,
		.other_worker = 1,
		.schedule = { { CLOCK_MSEC }, 1 },
		.drain = 1 };
	struct err err;

	snprintf(config, sizeof config, "%s/config.yaml", home);
	snprintf(worker, sizeof worker, "%s", power_worker);
	if (runner_run(&o, &err) == -1) {
		fprintf(stderr, "runner: %s\n", err.text);
		return -1;
	}
	return 0;
}

static void
drain_in_child(struct judging *j)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		power_die_with_parent();
		alarm(60); /* one that hangs is a violation */
		if (power_drain(j->home) == -1)
			_exit(1);
		_exit(0);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		abort();
	if (status != 0)
		complain(j, "the runner ended with status %d", status);
}

/* ---- what came of it ---- */

/* Sent again at a bad moment, a delivery is given another ID. */
static void
other_id(struct job_head *head)
{
	char id[JOB_ID_MAX];
	struct err err;

	if (head_job_id_of_hook(id, head, &err) == -1)
		abort();
	memcpy(head->id, id, sizeof head->id);
}

static int
job_index(const char *id)
{
	for (int i = 0; i < power_protocol->jobs; i++) {
		struct job_head head;

		power_head(&head, (unsigned)i);
		if (strcmp(head.id, id) == 0)
			return i;
		other_id(&head);
		if (strcmp(head.id, id) == 0)
			return i;
	}
	return -1;
}

static void
count_runs(struct judging *j)
{
	char path[400], id[80];
	int attempt, code;
	FILE *f;

	snprintf(path, sizeof path, "%s/runs", j->home);
	f = fopen(path, "r");
	if (f == NULL)
		return;
	while (fscanf(f, "%79s %d %d", id, &attempt, &code) == 3) {
		int i = job_index(id);

		if (i == -1)
			complain(j, "an unknown job ran: %s", id);
		else if (code != EXIT_TRYAGAIN)
			j->v.runs[i]++;
		if (i != -1 && attempt == 0)
			j->v.again[i]++;
	}
	fclose(f);
}

static int
count_settled(void *arg, const struct spool_name *name)
{
	struct judging *j = arg;
	int i = job_index(name->id);

	if (j->state < SPOOL_DONE || j->state == SPOOL_BAD || i == -1)
		complain(
		    j, "%s is left in %s/", name->id, spool_dir_name(j->state));
	else
		j->v.settled[i]++;
	return 0;
}

static int
count_record(void *arg, const char *text, size_t len)
{
	(void)text;
	(void)len;
	++*(int *)arg;
	return 0;
}

static void
count_records(struct judging *j, const struct record_filter *filter, int i)
{
	struct err err;

	if (record_each(
		j->spool, filter, count_record, &j->v.records[i], &err) == -1)
		abort();
}

/* Slots in tmp/, and journals with something in them. */
static void
check_left(struct judging *j, unsigned dir)
{
	DIR *d = fdopendir(dup(spool_fd(j->spool, dir)));
	struct dirent *e;
	struct stat st;

	if (d == NULL)
		abort();
	rewinddir(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || strstr(e->d_name, ".own") != NULL)
			continue;
		if (dir == SPOOL_LOCK &&
		    (strncmp(e->d_name, "settling.", 9) != 0 ||
			fstatat(dirfd(d), e->d_name, &st, 0) == -1 ||
			st.st_size == 0))
			continue;
		complain(j, "%s/%s is left", spool_dir_name(dir), e->d_name);
	}
	closedir(d);
}

static void
count(struct judging *j)
{
	struct err err;

	count_runs(j);
	j->spool = open_spool(j->home);
	for (j->state = SPOOL_NEW; j->state < SPOOL_STATES; j->state++) {
		if (spool_each(j->spool, j->state, count_settled, j, &err) ==
		    -1)
			abort();
	}
	for (int i = 0; i < power_protocol->jobs; i++) {
		struct job_head head;
		struct record_filter filter = { .job_id = head.id };

		power_head(&head, (unsigned)i);
		count_records(j, &filter, i);
		other_id(&head);
		count_records(j, &filter, i);
	}
	check_left(j, SPOOL_TMP);
	check_left(j, SPOOL_LOCK);
	spool_close(j->spool);
}

/* The promise, for one job. */
static void
judge_job(struct judging *j, int i)
{
	const struct deed *job =
	    i < j->log->job_count ? &j->log->jobs[i] : NULL;
	int acked = job != NULL && j->cut >= job->acked;
	int over = job != NULL && j->cut >= job->over;
	int ran = job != NULL && j->cut > job->ran;
	int dies = strcmp(power_protocol->plan, "dead") == 0;
	int resent = j->v.resent[i], runs = j->v.runs[i];
	int anew = dies && resent; /* a dead one is welcome again */
	int least = (acked && !ran) || (!acked && resent) ? 1 : 0;
	int most = over ? 0 : 1;

	if (over && anew)
		least = 1;
	if (runs < least)
		complain(j, "job %d%s was lost: %d runs", i,
		    acked ? ", answered 2xx," : "", runs);
	if (runs > most + anew)
		complain(j, "job %d%s ran %d times", i,
		    over ? ", settled before," : "", runs);
	if (job != NULL && j->cut > job->retried && j->cut <= job->left &&
	    j->v.again[i] > 0)
		complain(j, "job %d, to be retried, began anew", i);
	if (acked && resent && !dies && !j->v.duplicate[i])
		complain(j, "job %d was accepted twice", i);
	if (j->v.settled[i] > 1 + anew)
		complain(j, "job %d has %d states", i, j->v.settled[i]);
	if (j->v.settled[i] == 0 && (acked || resent || runs > 0))
		complain(j, "job %d has no state", i);
	if (j->v.settled[i] > 0 &&
	    (j->v.records[i] < 1 || j->v.records[i] > 1 + anew))
		complain(j, "job %d has %d records", i, j->v.records[i]);
}

int
power_judge(const struct power_log *log, int cut, const char *home,
    uint64_t hash, int quiet)
{
	struct judging j = { .log = log,
		.home = home,
		.cut = cut,
		.resend = (int)(hash >> 40 & 1),
		.late = (int)(hash >> 41 & 1),
		.replay = (int)(hash >> 42 & 1),
		.quiet = quiet };

	check_all_whole(&j);
	if (!j.late)
		send_again(&j);
	drain_in_child(&j);
	if (j.late) {
		send_again(&j);
		drain_in_child(&j);
	}
	check_all_whole(&j);
	count(&j);
	for (int i = 0; i < power_protocol->jobs; i++)
		judge_job(&j, i);
	if (j.complaints > 0 && !quiet)
		fprintf(stderr, "  deliveries sent again: %s\n",
		    !j.resend ? "no"
		    : j.late  ? "after the runner"
			      : "before the runner");
	return j.complaints;
}
