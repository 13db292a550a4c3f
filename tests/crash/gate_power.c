/* SPDX-License-Identifier: MIT */
/*
 * The power-loss gate.
 *
 *   gate_power [STATES [PROTOCOL]]
 *
 * For each protocol: records it, lets power fail behind every call in STATES
 * different ways, and has each disk recovered by the real code. Then the same
 * with each sync of the recording taken out, one after the other: that must
 * be noticed, or the sync stands in the table of those that are not for
 * safety. The last line is the figure.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "power_job.h"

static const struct power_protocol protocols[] = {
	{ "accept plain", 3, 3000, 0, RUNNER_NONE, "done" },
	{ "accept stocked", 2, 3000, 2, RUNNER_NONE, "done" },
	{ "accept streamed", 2, 70000, 0, RUNNER_NONE, "done" },
	{ "settle done", 3, 200, 0, RUNNER_EACH, "done" },
	{ "settle batch", 3, 200, 0, RUNNER_BATCH, "done" },
	{ "settle dead", 3, 200, 0, RUNNER_EACH, "dead" },
	{ "retry", 3, 200, 0, RUNNER_BATCH, "retry" },
};

/* More than there are cores: closing an inotify descriptor, which each runner
 * does, is a wait of some milliseconds. */
#define SHARDS 10

#define PROTOCOLS (sizeof protocols / sizeof *protocols)

const struct power_protocol *power_protocol;
char power_worker[PATH_MAX];

/* ---- deliveries ---- */

void
power_head(struct job_head *head, unsigned n)
{
	*head = (struct job_head){
		.request_id = "0a8f6f3e-97a8-4b19-9f6e-6c2c1a5d0001",
		.hook_id = "4711",
		.event = "push",
		.repository = "octo-org/hello-world",
		.type = HEAD_TYPE_JSON,
	};
	snprintf(head->key, sizeof head->key, "octo-org/hello-world#%u", n);
	snprintf(head->delivery, sizeof head->delivery,
	    "72d3162e-cc78-11e3-81ab-%012x", n);
	head_job_id(head->id, 0, head->delivery);
}

int
power_send(struct spool *s, unsigned n, struct job_head *head,
    enum accepted *how, struct err *err)
{
	struct draft *draft;
	char piece[500];
	size_t left = power_protocol->length;
	int rc = 0;

	if (spool_draft_new(&draft, s, err) == -1)
		return -1;
	power_head(head, n);
	for (unsigned i = 0; rc == 0 && left > 0; i++) {
		size_t len = left < sizeof piece ? left : sizeof piece;

		memset(piece, 'a' + (int)((n % POWER_REPLAY * 7 + i) % 26),
		    sizeof piece);
		rc = draft_write(draft, piece, len, err);
		left -= len;
	}
	if (rc == 0)
		rc = draft_commit(draft, head, how, err);
	draft_free(draft);
	return rc;
}

/* ---- recording ---- */

static void
give_up(const char *what, const struct err *err)
{
	fprintf(stderr, "%s: %s: %s\n", power_protocol->name, what, err->text);
	exit(1);
}

static void
record(struct power_log *log, const char *home)
{
	char path[400];
	struct spool *s;
	struct err err;

	power_home(home);
	snprintf(path, sizeof path, "%s/spool", home);
	if (spool_open(&s, path, 0, &err) == -1)
		give_up("spool", &err);
	power_record_begin(log, s);
	if (power_protocol->stock > 0 &&
	    spool_stock(s, power_protocol->stock, &err) == -1)
		give_up("stock", &err);
	for (int i = 0; i < power_protocol->jobs; i++) {
		struct deed *job = &log->jobs[i];
		enum accepted how;

		if (power_send(s, (unsigned)i, &job->head, &how, &err) == -1)
			give_up("accept", &err);
		job->acked = log->op_count;
		job->ran = job->over = job->retried = job->left = POWER_NEVER;
		log->job_count++;
		if (power_protocol->runner == RUNNER_EACH &&
		    power_drain(home) == -1)
			exit(1);
	}
	if (power_protocol->runner == RUNNER_BATCH && power_drain(home) == -1)
		exit(1);
	power_record_end();
	spool_close(s);
}

/* ---- the proof of the tester ---- */

/* Syncs that may be missing in one protocol, and what they are for. */
static const struct {
	const char *protocol, *sync, *why;
} spare[] = {
	{ "accept stocked", "fsync of tmp/",
	    "for speed: the accept's own flush writes data alone" },
	{ "settle dead", "fsync of seen",
	    "a dead job is forgotten, so that a lost ledger is none" },
};

static const char *
why_spare(const char *text)
{
	for (size_t i = 0; i < sizeof spare / sizeof *spare; i++) {
		if (strncmp(power_protocol->name, spare[i].protocol,
			strlen(spare[i].protocol)) == 0 &&
		    strncmp(text, spare[i].sync, strlen(spare[i].sync)) == 0 &&
		    text[strlen(spare[i].sync)] != '\0')
			return spare[i].why;
	}
	return NULL;
}

#define MORE_STATES 20

struct proof {
	unsigned syncs, noticed, covered, spared, unnoticed;
};

/* 1 if some disk shows that the sync is missing. */
static int
is_noticed(struct power_log *log, const char *top, unsigned states, int sync,
    int alike)
{
	struct search s = { .log = log,
		.shards = SHARDS,
		.wanted = states,
		.first_only = 1,
		.first_cut = sync };

	if (s.first_cut < power_first_cut(log))
		s.first_cut = power_first_cut(log);
	power_durability(log, sync, alike);
	power_search(&s, top);
	power_durability(log, -1, 0);
	return s.violations > 0;
}

/* Alone, or together with later ones of the same file or directory, which
 * did its work in this recording. Some show on so few disks that the usual
 * number can miss them all. */
static void
prove(struct power_log *log, const char *top, unsigned states, struct proof *p)
{
	for (int i = 0; i < log->op_count; i++) {
		const char *text = log->ops[i].text, *why;

		if (log->ops[i].kind == OP_CHANGE)
			continue;
		p->syncs++;
		why = why_spare(text);
		if (why != NULL)
			p->spared++;
		else if (is_noticed(log, top, states, i, 0))
			p->noticed++;
		else if (is_noticed(log, top, states, i, 1) ||
			 is_noticed(log, top, MORE_STATES * states, i, 1))
			p->covered++;
		else
			p->unnoticed++, why = "NOT NOTICED";
		if (why != NULL)
			printf("%s: without call %d, %s: %s\n",
			    power_protocol->name, i, text, why);
	}
}

/* ---- all ---- */

static void
set_up(char top[100])
{
	const char *build = getenv("HOOKSPOOL_PLAIN");
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/test/program/stub_worker",
	    build != NULL ? build : "build");
	if (realpath(path, power_worker) == NULL) {
		perror(path);
		exit(1);
	}
	snprintf(top, 100, "%s/hookspool-power.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(top) == NULL) {
		perror(top);
		exit(1);
	}
	log_start("power", LOG_ERROR_);
	setvbuf(stdout, NULL, _IOLBF, 0);
}

struct outcome {
	unsigned disks, violations;
	struct proof proof;
};

static void
run_protocol(const char *top, unsigned states, unsigned proof_states,
    struct outcome *out)
{
	struct power_log log;
	struct search s = { .log = &log, .shards = SHARDS, .wanted = states };
	char home[200];

	power_make_home(home, top, 0);
	record(&log, home);
	power_durability(&log, -1, 0);
	s.first_cut = power_first_cut(&log);
	power_search(&s, top);
	printf("%s: %d calls, %u disks%s, %u violations\n",
	    power_protocol->name, log.op_count, s.disks,
	    s.exhausted ? " (all there are)" : "", s.violations);
	out->disks += s.disks;
	out->violations += s.violations;
	prove(&log, top, proof_states, &out->proof);
	power_log_release(&log);
}

/* Each protocol in a process of its own: the runner is recorded in it. */
static int
run_in_child(const char *top, unsigned states, struct outcome *sum)
{
	struct outcome one = { 0 };
	int pipes[2];
	ssize_t n;

	if (pipe(pipes) == -1)
		abort();
	if (fork() == 0) {
		power_die_with_parent();
		run_protocol(top, states, states < 1000 ? 200 : 400, &one);
		if (write(pipes[1], &one, sizeof one) != sizeof one)
			_exit(1);
		_exit(0);
	}
	close(pipes[1]);
	n = read(pipes[0], &one, sizeof one);
	close(pipes[0]);
	wait(NULL);
	if (n != sizeof one)
		return -1;
	sum->disks += one.disks;
	sum->violations += one.violations;
	sum->proof.syncs += one.proof.syncs;
	sum->proof.noticed += one.proof.noticed;
	sum->proof.covered += one.proof.covered;
	sum->proof.spared += one.proof.spared;
	sum->proof.unnoticed += one.proof.unnoticed;
	return 0;
}

/* The last word of a gate that hangs; what it started dies with it. */
static void
give_in(int sig)
{
	static const char words[] = "no end in time\n";

	(void)sig;
	_exit(write(STDOUT_FILENO, words, sizeof words - 1) == -1 ? 2 : 1);
}

int
main(int argc, char **argv)
{
	unsigned states = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
	struct outcome sum = { 0 };
	char top[100], command[200];
	unsigned done = 0, broken = 0;

	signal(SIGALRM, give_in);
	alarm(300 + states / 2);
	set_up(top);
	for (size_t i = 0; i < PROTOCOLS; i++) {
		power_protocol = &protocols[i];
		if (argc > 2 && strcmp(argv[2], protocols[i].name) != 0)
			continue;
		done++;
		if (run_in_child(top, states, &sum) == -1)
			broken++;
	}
	snprintf(command, sizeof command, "rm -rf '%s'", top);
	if (system(command) != 0)
		broken++;
	printf(
	    "%u protocols, %u disks, %u violations; %u syncs taken out one "
	    "by one: %u noticed, %u with their repetitions, %u for speed only, "
	    "%u not noticed%s\n",
	    done, sum.disks, sum.violations, sum.proof.syncs, sum.proof.noticed,
	    sum.proof.covered, sum.proof.spared, sum.proof.unnoticed,
	    broken > 0 ? "; BROKEN" : "");
	return sum.violations > 0 || sum.proof.unnoticed > 0 || broken > 0;
}
