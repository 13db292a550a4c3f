/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "agent/branch.h"
#include "agent/message.h"
#include "agent/work.h"
#include "git/mirror.h"
#include "json.h"
#include "worker/job.h"

#define SUFFIX_MAX  100	  /* branches of one issue */
#define MESSAGE_MAX 65536 /* bytes of a commit's message that are looked at */

static int
expand(
    char out[BRANCH_MAX], const struct work *w, unsigned nth, struct err *err)
{
	const char *template = w->options.branch;
	const char *place = strstr(template, "{N}");
	char number[24] = "", suffix[16] = "";
	int len;

	if (place != NULL)
		snprintf(number, sizeof number, "%lld",
		    (long long)w->job->head.number);
	if (nth > 1)
		snprintf(suffix, sizeof suffix, "-%u", nth);
	len = snprintf(out, BRANCH_MAX, "%.*s%s%s%s",
	    (int)(place != NULL ? place - template : (long)strlen(template)),
	    template, number, place != NULL ? place + 3 : "", suffix);
	if (len < 0 || len >= BRANCH_MAX)
		return err_set(
		    err, ERR_CONF, 0, "issue-job.branch: the name is too long");
	return 0;
}

static int
find_target(struct work *w, struct err *err)
{
	const char *name = w->options.target;

	if (name == NULL)
		name = json_str(
		    json_path(w->job->payload, "repository.default_branch"),
		    NULL);
	if (name == NULL)
		return err_set(err, ERR_BAD, 0,
		    "the event does not name the default branch");
	if (snprintf(w->target, sizeof w->target, "%s", name) >=
	    (int)sizeof w->target)
		return err_set(
		    err, ERR_BAD, 0, "the branch's name is too long");
	return 0;
}

/* The branch's head was made by this job; then its parent is the base. */
static int
is_resumed(struct work *w, const char *head, struct err *err)
{
	char parent[80];
	struct buf message;
	int rc;

	buf_init(&message, MESSAGE_MAX);
	rc = mirror_message(w->checkout.mirror, head, &message, err);
	if (rc == 0)
		rc = message_is_of_job(message.data, w->job->head.id);
	if (rc == 1) {
		snprintf(parent, sizeof parent, "%s^1", head);
		rc = mirror_resolve(w->checkout.mirror, parent, w->base, err);
		rc = rc == 0 ? 1 : -1;
	}
	if (rc == 1) {
		snprintf(w->commit, sizeof w->commit, "%s", head);
		w->resumed = 1;
		buf_adds(&w->message, message.data);
	}
	buf_release(&message);
	return rc;
}

/* 1: this is the one; 0: look at the next. */
static int
try_branch(struct work *w, unsigned nth, struct err *err)
{
	char head[65];
	int rc;

	if (expand(w->branch, w, nth, err) == -1)
		return -1;
	w->exists = mirror_branch(w->checkout.mirror, w->branch, head);
	if (!w->exists)
		return 1;
	rc = is_resumed(w, head, err);
	if (rc != 0 || w->options.suffix)
		return rc;
	snprintf(w->base, sizeof w->base, "%s", head);
	return 1;
}

int
branch_choose(struct work *w, struct err *err)
{
	char ref[BRANCH_MAX + 16], sha[65];
	int rc = 0;

	if (find_target(w, err) == -1)
		return -1;
	snprintf(ref, sizeof ref, "refs/heads/%s", w->target);
	if (mirror_resolve(w->checkout.mirror, ref, sha, err) == -1)
		return err_prefix(err, "target branch");
	snprintf(w->base, sizeof w->base, "%s", sha);
	for (unsigned nth = 1; rc == 0 && nth <= SUFFIX_MAX; nth++)
		rc = try_branch(w, nth, err);
	if (rc == 0)
		return err_set(err, ERR_PERM, 0,
		    "%s and %d more like it exist already", w->branch,
		    SUFFIX_MAX - 1);
	if (rc == 1 && strcmp(w->branch, w->target) == 0)
		return err_set(err, ERR_CONF, 0,
		    "issue-job.branch is the target branch itself");
	return rc == -1 ? -1 : 0;
}
