/* SPDX-License-Identifier: MIT */
#include "agent/context.h"
#include "agent/work.h"
#include "git/workspace.h"
#include "json.h"
#include "worker/job.h"

static void
put_issue(struct buf *out, const struct work *w, const char *comments)
{
	const struct json *issue = json_get(w->job->payload, "issue");

	json_put_key(out, "issue");
	buf_addc(out, '{');
	json_put_int(out, "number", w->job->head.number);
	json_put_member(out, "title", work_title(w));
	json_put_member(out, "body", work_text(w));
	json_put_member(out, "author", work_author(w));
	json_put_member(out, "url", json_str(json_get(issue, "html_url"), ""));
	json_put_key(out, "labels");
	buf_addc(out, '[');
	JSON_EACH (label, json_get(issue, "labels")) {
		if (out->data[out->len - 1] != '[')
			buf_addc(out, ',');
		json_put_string(out, json_str(json_get(label, "name"), ""));
	}
	buf_addc(out, ']');
	if (*comments != '\0') {
		json_put_key(out, "comments");
		buf_adds(out, comments);
	}
	buf_addc(out, '}');
}

static void
put_job(struct buf *out, const struct work *w)
{
	const struct job_head *head = &w->job->head;

	json_put_int(out, "version", 1);
	json_put_member(out, "job_id", head->id);
	json_put_member(out, "delivery_id", head->delivery);
	json_put_member(out, "request_id", head->request_id);
	json_put_int(out, "attempt", w->job->options->attempt);
	json_put_int(out, "round", w->round);
	json_put_member(out, "repository", head->repository);
	json_put_member(out, "label", w->options.label);
	json_put_member(out, "branch", w->branch);
	json_put_member(out, "target_branch", w->target);
	json_put_member(out, "base_sha", w->base);
	json_put_member(
	    out, "workspace", workspace_path(w->checkout.workspace));
	json_put_member(out, "message_file", w->message_file);
}

/* What the last round's test said against it. */
static void
put_test(struct buf *out, const struct work *w)
{
	json_put_key(out, "test");
	buf_addc(out, '{');
	json_put_member(out, "result", w->test.how);
	json_put_member(out, "output", w->test.output.data);
	buf_addc(out, '}');
}

int
context_write(struct buf *out, const struct work *w, const char *comments,
    struct err *err)
{
	buf_addc(out, '{');
	put_job(out, w);
	put_issue(out, w, comments);
	if (w->test.ran)
		put_test(out, w);
	buf_adds(out, "}\n");
	return buf_check(out, "the job's context", err);
}
