/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "buf.h"
#include "cli/cli.h"
#include "cli/job_find.h"
#include "cli/screen.h"
#include "clock.h"
#include "config.h"
#include "json.h"
#include "runner/ctl.h"
#include "spool.h"

/*
 * `hookspool queue retry|hold|release|cancel|drop`. Where a runner lives it
 * does the work (runner/ctl.h), and what is reported is what it did, not
 * what was asked for: the request is watched until it is gone.
 */

#define WAIT_NS (5 * CLOCK_SECOND)
#define POLL_NS (20 * CLOCK_MSEC)
#define GONE	SPOOL_STATES /* "state" of a job that is nowhere */
#define BIT(st) (1u << (st))
#define MOVED_ON                                                               \
	(BIT(SPOOL_NEW) | BIT(SPOOL_RUN) | BIT(SPOOL_RETRY) |                  \
	    BIT(SPOOL_DONE) | BIT(SPOOL_DEAD))

/* Where the job may be once the verb was carried out. */
static const struct {
	const char *done;
	unsigned states;
} effects[CTL_VERBS] = {
	[CTL_CANCEL] = { "cancelled", BIT(SPOOL_DEAD) },
	[CTL_RETRY] = { "queued again", MOVED_ON },
	[CTL_HOLD] = { "held", BIT(SPOOL_HOLD) },
	[CTL_RELEASE] = { "released", MOVED_ON },
	[CTL_DROP] = { "dropped", BIT(GONE) },
};

struct action {
	struct cli *cli;
	enum ctl_verb verb;
	struct screen screen;
	struct buf json;
	int code; /* the worst so far */
	size_t reported;
};

static int act_on_all(struct cli *cli, enum ctl_verb verb);
static void act_on(struct action *a, const char *text);
static int await(struct action *a, const char *id);
static unsigned state_of(struct spool *s, const char *id);
static void report(
    struct action *a, const char *id, const char *answer, const char *text);

int
cli_queue_retry(struct cli *cli)
{
	return act_on_all(cli, CTL_RETRY);
}

int
cli_queue_hold(struct cli *cli)
{
	return act_on_all(cli, CTL_HOLD);
}

int
cli_queue_release(struct cli *cli)
{
	return act_on_all(cli, CTL_RELEASE);
}

int
cli_queue_cancel(struct cli *cli)
{
	return act_on_all(cli, CTL_CANCEL);
}

int
cli_queue_drop(struct cli *cli)
{
	return act_on_all(cli, CTL_DROP);
}

static int
act_on_all(struct cli *cli, enum ctl_verb verb)
{
	struct action a = { .cli = cli, .verb = verb };

	screen_init(&a.screen);
	buf_init(&a.json, SIZE_MAX / 2);
	buf_adds(&a.json, "{\"jobs\":[");
	for (int i = 0; i < cli->argc; i++)
		act_on(&a, cli->argv[i]);
	buf_adds(&a.json, "]}");
	if (cli->json)
		screen_document(&a.json);
	buf_release(&a.json);
	return a.code;
}

static void
act_on(struct action *a, const char *text)
{
	enum record_form form = cli_record_form(a->cli);
	enum ctl_answer answer = CTL_PERFORMED;
	struct err err = { 0 };
	struct job_ref job;
	int code = job_find(a->cli, text, &job);

	if (code != 0) {
		a->code = code > a->code ? code : a->code;
		return;
	}
	if (ctl_submit(a->cli->spool, a->verb, job.name.id, form, &answer,
		&err) == -1) {
		/* "No" where the job's state does not allow it. */
		code = err.class == ERR_BAD ? CLI_NO : err_exit_code(err.class);
		a->code = code > a->code ? code : a->code;
		report(a, job.name.id, "refused", err.text);
	} else if (answer == CTL_PERFORMED) {
		report(a, job.name.id, "performed", effects[a->verb].done);
	} else if (await(a, job.name.id) == -1) {
		a->code = a->code > CLI_NO ? a->code : CLI_NO;
	}
}

/* The runner unlinks the request when it has seen to it; a running job's
 * worker is then told to stop, and has its grace to do so. */
static int
await(struct action *a, const char *id)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };
	int64_t deadline = clock_boot() + WAIT_NS;
	unsigned state;
	struct stat st;
	char name[128];
	int pending;

	snprintf(name, sizeof name, "%s.%s", ctl_verb_name(a->verb), id);
	for (;;) {
		pending = fstatat(spool_fd(a->cli->spool, SPOOL_CTL), name, &st,
			      AT_SYMLINK_NOFOLLOW) == 0;
		state = state_of(a->cli->spool, id);
		if (!pending && (effects[a->verb].states & BIT(state)))
			break;
		if (!pending && state != SPOOL_RUN)
			break;
		if (clock_boot() > deadline)
			break;
		nanosleep(&pause, NULL);
	}
	if (!pending && (effects[a->verb].states & BIT(state))) {
		report(a, id, "performed", effects[a->verb].done);
		return 0;
	}
	if (pending || (a->verb == CTL_CANCEL && state == SPOOL_RUN)) {
		report(a, id, "requested",
		    pending ? "asked for; the runner has not answered yet"
			    : "asked for; its worker is being stopped");
		return 0;
	}
	report(a, id, "refused",
	    state == GONE ? "it is no longer in the spool"
			  : "it had moved before the runner could do it");
	return -1;
}

static unsigned
state_of(struct spool *s, const char *id)
{
	struct spool_name name;
	struct err ignored;
	unsigned state;

	return spool_find(s, id, &state, &name, &ignored) == 0 ? state : GONE;
}

static void
report(struct action *a, const char *id, const char *answer, const char *text)
{
	unsigned state = state_of(a->cli->spool, id);
	struct buf *out = &a->json;

	if (a->reported++ > 0)
		buf_addc(out, ',');
	buf_addc(out, '{');
	json_put_member(out, "job_id", id);
	json_put_member(out, "request", ctl_verb_name(a->verb));
	json_put_member(out, "answer", answer);
	if (state != GONE)
		json_put_member(out, "state", spool_dir_name(state));
	json_put_member(out, "text", text);
	buf_addc(out, '}');
	if (a->cli->json)
		return;
	if (strcmp(answer, "refused") == 0) {
		fprintf(stderr, "hookspool: %s: %s\n", id, text);
		return;
	}
	printf("%s: %s%s%s", id, screen_style(&a->screen, STYLE_GOOD), text,
	    screen_plain(&a->screen));
	if (state != GONE)
		printf(" (in %s/)", spool_dir_name(state));
	putchar('\n');
}
