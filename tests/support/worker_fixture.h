/* SPDX-License-Identifier: MIT */
#ifndef WORKER_FIXTURE_H
#define WORKER_FIXTURE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * For tests of job-worker as its runner starts it: a temporary directory with
 * a configuration, a spool, and one job's file, which is standard input.
 * make_top() and remove_top() are set-up and tear-down of the group.
 */

#define DELIVERY "72d3162e-cc78-11e3-81ab-4c9367dc0958"
#define JOB_ID	 "7-" DELIVERY
#define SECRET	 "It's a Secret to Everybody" /* the webhook's */

/* A push to main in octo/hello. */
#define PUSH                                                                   \
	"{\"ref\":\"refs/heads/main\",\"after\":\"0123\","                     \
	"\"n\":9007199254740993,"                                              \
	"\"repository\":{\"full_name\":\"octo/hello\"}}"

extern char config_path[], spool_path[];

struct event {
	const char *event, *action, *type, *body; /* type NULL: JSON */
};

int make_top(void **state);
int remove_top(void **state);

/* Path below the directory, in one of four turning buffers. */
const char *in_top(const char *name);
void write_file(const char *name, const void *bytes, size_t len);

/* The text of a file below it, "" if missing; good until the next but one. */
const char *read_back(const char *name);

void write_job(const struct event *e);
void write_config(const char *hooks); /* what follows "hooks:" */

/* The job's step log, and its removal. */
const char *step_log(void);
void forget_log(void);

/* Waits until the step log holds it. */
void wait_for_text(const char *text);

pid_t start_worker(const char *const *argv);
int end_worker(pid_t pid); /* its exit code, or minus the signal */
int run_attempt(const char *attempt);

/* Fails the test unless `text` holds `part`, which may be NULL. */
void must_hold(const char *why, const char *text, const char *part);

#endif
