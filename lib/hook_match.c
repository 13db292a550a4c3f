/* SPDX-License-Identifier: MIT */
/*
 * What an event is about: its branch or tag, and its labels.
 *
 * GitHub says it in a different member for each kind of event. One table row
 * each; the first path of an event's rows that is there counts.
 */
#include <string.h>

#include "buf.h"
#include "glob.h"
#include "head.h"
#include "hook_parts.h"
#include "json.h"

enum ref_form {
	REF_FULL,   /* refs/heads/NAME or refs/tags/NAME */
	REF_TYPED,  /* NAME, and ref_type says "branch" or "tag" */
	REF_BRANCH, /* NAME of a branch */
	REF_TAG,    /* NAME of a tag */
};

/* docs.github.com, "Webhook events and payloads"; event NULL: any other. */
static const struct ref_row {
	const char *event, *path;
	enum ref_form form;
} ref_rows[] = {
	{ "push", "ref", REF_FULL },
	{ "create", "ref", REF_TYPED },
	{ "delete", "ref", REF_TYPED },
	{ "release", "release.tag_name", REF_TAG },
	{ "check_run", "check_run.check_suite.head_branch", REF_BRANCH },
	{ "check_suite", "check_suite.head_branch", REF_BRANCH },
	{ "workflow_run", "workflow_run.head_branch", REF_BRANCH },
	{ "workflow_job", "workflow_job.head_branch", REF_BRANCH },
	{ "workflow_dispatch", "ref", REF_FULL },
	{ "repository_dispatch", "branch", REF_BRANCH },
	{ "merge_group", "merge_group.base_ref", REF_FULL },
	{ "deployment", "deployment.ref", REF_BRANCH },
	{ "deployment_status", "deployment.ref", REF_BRANCH },
	{ "status", "branches.0.name", REF_BRANCH },
	{ "code_scanning_alert", "ref", REF_FULL },
	{ NULL, "pull_request.base.ref", REF_BRANCH },
};

#define ROWS(table) (sizeof(table) / sizeof *(table))

struct named_ref {
	const char *name;
	int tag;
};

static const char *
behind(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static int
read_ref(struct named_ref *out, const struct ref_row *row,
    const struct json *payload)
{
	const char *text = json_str(json_path(payload, row->path), NULL);
	const char *type = json_str(json_get(payload, "ref_type"), "");

	if (text == NULL)
		return -1;
	out->name = text;
	out->tag = row->form == REF_TAG ||
		   (row->form == REF_TYPED && strcmp(type, "tag") == 0);
	if (row->form != REF_FULL)
		return 0;
	out->name = behind(text, "refs/heads/");
	if (out->name != NULL)
		return 0;
	out->name = behind(text, "refs/tags/");
	out->tag = 1;
	return out->name != NULL ? 0 : -1;
}

static int
find_ref(struct named_ref *out, const char *event, const struct json *payload)
{
	for (size_t i = 0; i < ROWS(ref_rows); i++) {
		const struct ref_row *row = &ref_rows[i];

		if (row->event != NULL && strcmp(row->event, event) != 0)
			continue;
		if (read_ref(out, row, payload) == 0)
			return 0;
	}
	return -1;
}

/* With both lists an event passes that one of them takes. */
int
hook_refs_match(const struct hook *hook, const struct job_head *head,
    const struct json *payload, struct buf *why)
{
	struct named_ref ref;
	const char *const *globs;

	if (hook->branches == NULL && hook->tags == NULL)
		return 1;
	if (find_ref(&ref, head->event, payload) == -1) {
		hook_say(why, "%s: the event names neither",
		    hook->branches != NULL ? "branches" : "tags");
		return 0;
	}
	globs = ref.tag ? hook->tags : hook->branches;
	if (globs != NULL && glob_list_match(globs, ref.name))
		return 1;
	hook_say(why, "%s: not %s",
	    hook->branches != NULL ? "branches" : "tags", ref.name);
	return 0;
}

static int
has_label(const struct json *labels, const char *wanted)
{
	JSON_EACH (label, labels) {
		const char *name = json_str(json_get(label, "name"), "");

		/* GitHub takes labels for one whatever their case. */
		if (strcasecmp(name, wanted) == 0)
			return 1;
	}
	return 0;
}

int
hook_labels_match(
    const struct hook *hook, const struct json *payload, struct buf *why)
{
	static const char *const paths[] = { "pull_request.labels",
		"issue.labels", "discussion.labels" };

	if (hook->labels == NULL)
		return 1;
	for (size_t i = 0; i < ROWS(paths); i++) {
		const struct json *labels = json_path(payload, paths[i]);

		for (const char *const *l = hook->labels; *l != NULL; l++) {
			if (has_label(labels, *l))
				return 1;
		}
	}
	hook_say(why, "labels: none of them");
	return 0;
}
