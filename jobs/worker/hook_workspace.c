/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "hook.h"
#include "json.h"
#include "worker/checkout.h"
#include "worker/hook_workspace.h"
#include "worker/job.h"

#define REF_MAX 256

/* What is wanted, found in the payload. */
struct wish {
	char sha[72];	     /* this commit; "" where the ref decides */
	char ref[REF_MAX];   /* where it is found; "" for any branch or tag */
	char extra[REF_MAX]; /* ref to fetch besides branches and tags, or "" */
	const char *nothing; /* why there is nothing, or NULL */
};

static int
is_zero(const char *sha)
{
	return *sha != '\0' && sha[strspn(sha, "0")] == '\0';
}

static void
want_pull_ref(struct wish *w, const struct job *job, const char *which)
{
	snprintf(w->extra, sizeof w->extra, "refs/pull/%lld/%s",
	    (long long)job->head.number, which);
}

/* 1 if the event is about a pull request; its commits may be a fork's. */
static int
is_pull(const struct job *job)
{
	return job->head.number > 0 &&
	       (json_get(job->payload, "pull_request") != NULL ||
		   json_path(job->payload, "issue.pull_request") != NULL);
}

/* The commit that the event is about. */
static int
find_head(struct wish *w, const struct job *job, struct err *err)
{
	const char *tip =
	    json_str(json_path(job->payload, "head_commit.id"), NULL);
	const char *ref = json_str(json_get(job->payload, "ref"), "");

	if (is_pull(job)) {
		want_pull_ref(w, job, "head");
		if (job->head.sha[0] == '\0') /* a comment does not say */
			snprintf(w->ref, sizeof w->ref, "%s", w->extra);
	}
	if (is_zero(job->head.sha)) {
		w->nothing = "the ref was deleted";
		return 0;
	}
	/* `after` of an annotated tag is the tag object. */
	if (strncmp(ref, "refs/tags/", 10) == 0 && tip != NULL)
		snprintf(w->sha, sizeof w->sha, "%s", tip);
	else
		snprintf(w->sha, sizeof w->sha, "%s", job->head.sha);
	if (w->sha[0] == '\0' && w->ref[0] == '\0')
		return err_set(err, ERR_BAD, 0,
		    "workspace: head: the event has no commit");
	return 0;
}

static int
find_merge(struct wish *w, const struct job *job, struct err *err)
{
	const struct json *able =
	    json_path(job->payload, "pull_request.mergeable");

	if (!is_pull(job))
		return err_set(err, ERR_BAD, 0,
		    "workspace: merge: the event is about no pull request");
	if (json_type(able) == JSON_FALSE) {
		w->nothing = "the pull request has conflicts";
		return 0;
	}
	want_pull_ref(w, job, "merge");
	snprintf(w->ref, sizeof w->ref, "%s", w->extra);
	return 0;
}

static int
find_tag(struct wish *w, const struct job *job, struct err *err)
{
	const char *ref = json_str(json_get(job->payload, "ref"), NULL);
	const char *type = json_str(json_get(job->payload, "ref_type"), "");
	const char *tag =
	    json_str(json_path(job->payload, "release.tag_name"), NULL);
	int len = 0;

	if (is_zero(job->head.sha) || strcmp(job->head.event, "delete") == 0) {
		w->nothing = "the ref was deleted";
		return 0;
	}
	if (tag != NULL)
		len = snprintf(w->ref, sizeof w->ref, "refs/tags/%s", tag);
	else if (ref != NULL && strcmp(type, "tag") == 0)
		len = snprintf(w->ref, sizeof w->ref, "refs/tags/%s", ref);
	else if (ref != NULL && strncmp(ref, "refs/tags/", 10) == 0)
		len = snprintf(w->ref, sizeof w->ref, "%s", ref);
	if (len <= 0 || len >= (int)sizeof w->ref)
		return err_set(err, ERR_BAD, 0,
		    "workspace: tag: the event is about no tag");
	return 0;
}

static int
find_default(struct wish *w, const struct job *job, struct err *err)
{
	const char *branch = json_str(
	    json_path(job->payload, "repository.default_branch"), NULL);

	if (branch == NULL || snprintf(w->ref, sizeof w->ref, "refs/heads/%s",
				  branch) >= (int)sizeof w->ref)
		return err_set(err, ERR_BAD, 0,
		    "workspace: default-branch: the event does not name it");
	return 0;
}

static int (*const finders[])(
    struct wish *w, const struct job *job, struct err *err) = {
	[WORKSPACE_HEAD] = find_head,
	[WORKSPACE_MERGE] = find_merge,
	[WORKSPACE_TAG] = find_tag,
	[WORKSPACE_DEFAULT] = find_default,
};

/* GitHub makes the merge commit a little after the event: an older one, of
 * another head, must not be taken for it. */
static int
check_merge(struct checkout *c, const char *merge, struct err *err)
{
	const char *head =
	    json_str(json_path(c->job->payload, "pull_request.head.sha"), NULL);
	char parent[80], sha[65];

	if (head == NULL)
		return 0;
	snprintf(parent, sizeof parent, "%s^2", merge);
	if (mirror_resolve(c->mirror, parent, sha, err) == -1)
		return -1;
	if (strcmp(sha, head) != 0)
		return err_set(err, ERR_TEMP, 0,
		    "the merge commit of %.40s is not there yet", head);
	return 0;
}

static int
find_commit(struct checkout *c, struct wish *w, enum hook_workspace kind,
    struct err *err)
{
	char sha[65];

	if (w->ref[0] == '\0')
		return 0;
	if (mirror_resolve(c->mirror, w->ref, sha, err) == -1) {
		err->class = ERR_TEMP; /* refs follow events a little late */
		return -1;
	}
	if (kind == WORKSPACE_MERGE && check_merge(c, sha, err) == -1)
		return -1;
	snprintf(w->sha, sizeof w->sha, "%s", sha);
	return 0;
}

int
hook_workspace(struct checkout *out, struct job *job, const struct hook *hook,
    const char **why, struct err *err)
{
	struct wish wish = { .nothing = NULL };

	if (finders[hook->workspace](&wish, job, err) == -1)
		return -1;
	if (wish.nothing != NULL) {
		*why = wish.nothing;
		return 1;
	}
	if (checkout_open(out, job, err) == -1)
		return -1;
	if (checkout_fetch(out, wish.extra[0] != '\0' ? wish.extra : NULL,
		wish.ref[0] == '\0' ? wish.sha : NULL, err) == -1 ||
	    find_commit(out, &wish, hook->workspace, err) == -1)
		return -1;
	return checkout_make(out, wish.sha, err);
}
