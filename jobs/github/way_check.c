/* SPDX-License-Identifier: MIT */
/*
 * Check runs (docs.github.com, "REST API endpoints for check runs"): written
 * with the App's installation token alone. An output's title takes 255
 * characters and its summary 65,535; ours are a description of at most 140
 * and two names.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "github/names.h"
#include "github/way.h"
#include "json.h"

/* How a check run says what a report says. */
struct saying {
	const char *status, *conclusion; /* NULL while it is not completed */
};

static const struct saying sayings[] = {
	[COMMIT_NONE] = { "queued", NULL },
	[COMMIT_PENDING] = { "in_progress", NULL },
	[COMMIT_SUCCESS] = { "completed", "success" },
	[COMMIT_FAILURE] = { "completed", "failure" },
	[COMMIT_ERROR] = { "completed", "failure" },
};

/*
 * Two outcomes have conclusions of their own, which a commit status can only
 * call errors. To a branch's protection all three are failures: a job that
 * was lost did not succeed, and "neutral" would let its commit be merged.
 */
static const struct {
	enum job_outcome outcome;
	struct saying saying;
} finer[] = {
	{ JOB_TIMED_OUT, { "completed", "timed_out" } },
	{ JOB_CANCELLED, { "completed", "cancelled" } },
};

static const struct saying closing = { "completed", "cancelled" };
#define CLOSING_TITLE "superseded by a newer job for this commit"

static const struct saying *
saying_of(const struct sending *s)
{
	const struct status_report *r = s->report;

	if (s->superseded)
		return &closing;
	for (size_t i = 0; i < sizeof finer / sizeof *finer; i++) {
		if (strcmp(r->outcome, job_outcome_name(finer[i].outcome)) == 0)
			return &finer[i].saying;
	}
	return &sayings[r->state];
}

#define EXTERNAL_MAX (JOB_ID_MAX + 12)

static void
external_id(char out[EXTERNAL_MAX], const struct status_report *r)
{
	if (r->run == 0)
		snprintf(out, EXTERNAL_MAX, "%s", r->job_id);
	else
		snprintf(out, EXTERNAL_MAX, "%s.%u", r->job_id, r->run);
}

/* ---- looking ---- */

struct search {
	struct sending *sending;
	char external[EXTERNAL_MAX];
	int shows; /* of the one found */
};

/* Anybody may give a check run our name and ID; `app_id` keeps others' out of
 * the list, so that we are not led to believe theirs is ours. */
static int
first_page(char path[WAY_PATH_MAX], const struct sending *s, struct err *err)
{
	const struct status_report *r = s->report;
	struct buf name;
	int rc;

	buf_init(&name, WAY_PATH_MAX);
	github_add_escaped(&name, r->context);
	snprintf(path, WAY_PATH_MAX,
	    "/repos/%s/commits/%s/check-runs?check_name=%s&filter=all"
	    "&app_id=%" PRId64 "&per_page=100",
	    r->repository, r->sha, name.data,
	    config_int(s->config, r->repository, "github-app-id"));
	rc = buf_check(&name, "check run", err);
	buf_release(&name);
	return rc;
}

static int
shows(const struct json *run, const struct saying *saying)
{
	const char *conclusion = json_str(json_get(run, "conclusion"), NULL);

	if (strcmp(json_str(json_get(run, "status"), ""), saying->status) != 0)
		return 0;
	if (saying->conclusion == NULL)
		return 1;
	return conclusion != NULL &&
	       strcmp(conclusion, saying->conclusion) == 0;
}

/* There should be one at most; if not, the last one made is shown. */
static int
search_page(
    struct search *search, const struct http_reply *reply, struct err *err)
{
	struct status_report *r = search->sending->report;
	struct json *doc;

	if (json_parse(&doc, reply->body.data, reply->body.len, err) == -1) {
		err->class = ERR_TEMP; /* half a reply is no answer */
		return -1;
	}
	JSON_EACH (run, json_get(doc, "check_runs")) {
		int64_t id = json_int(json_get(run, "id"), 0);

		if (id < r->check || id == 0 ||
		    strcmp(json_str(json_get(run, "external_id"), ""),
			search->external) != 0)
			continue;
		r->check = id;
		search->shows = shows(run, saying_of(search->sending));
	}
	json_free(doc);
	return 0;
}

static int
look(struct github *gh, void *arg, struct err *err)
{
	struct search search = { .sending = arg };
	struct github_call call = { .method = "GET",
		.as = GITHUB_AS_INSTALLATION };
	char path[WAY_PATH_MAX];
	struct http_reply reply;
	int rc;

	external_id(search.external, search.sending->report);
	if (first_page(path, search.sending, err) == -1)
		return -1;
	call.path = path;
	http_reply_init(&reply);
	do {
		rc = github_call(gh, &call, &reply, err);
		if (rc == 0)
			rc = github_expect(&reply, "check runs", err);
		if (rc == 0)
			rc = search_page(&search, &reply, err);
	} while (rc == 0 && github_next_page(&reply, path, sizeof path) == 0);
	http_reply_release(&reply);
	return rc == -1 ? -1 : search.shows;
}

/* ---- sending ---- */

static void
write_output(const struct sending *s, struct buf *body)
{
	const struct status_report *r = s->report;
	char summary[2 * JOB_ID_MAX + 64];

	snprintf(summary, sizeof summary, "Job `%s`, delivery `%s`.", r->job_id,
	    r->delivery);
	json_put_key(body, "output");
	buf_addc(body, '{');
	json_put_member(body, "title",
	    s->superseded		? CLOSING_TITLE
	    : r->description[0] != '\0' ? r->description
					: commit_state_name(r->state));
	json_put_member(body, "summary", summary);
	buf_addc(body, '}');
}

static const char *
write_request(
    const struct sending *s, char path[WAY_PATH_MAX], struct buf *body)
{
	const struct status_report *r = s->report;
	const struct saying *saying = saying_of(s);
	char external[EXTERNAL_MAX];

	buf_addc(body, '{');
	if (r->check == 0) {
		external_id(external, r);
		json_put_member(body, "name", r->context);
		json_put_member(body, "head_sha", r->sha);
		json_put_member(body, "external_id", external);
	}
	json_put_member(body, "status", saying->status);
	if (saying->conclusion != NULL)
		json_put_member(body, "conclusion", saying->conclusion);
	if (r->target[0] != '\0')
		json_put_member(body, "details_url", r->target);
	write_output(s, body);
	buf_addc(body, '}');
	if (r->check == 0) {
		snprintf(
		    path, WAY_PATH_MAX, "/repos/%s/check-runs", r->repository);
		return "POST";
	}
	snprintf(path, WAY_PATH_MAX, "/repos/%s/check-runs/%" PRId64,
	    r->repository, r->check);
	return "PATCH";
}

/* Begun, and its number is not known: is there one at all? */
static int
is_doubtful(const struct status_report *r)
{
	return r->attempted == r->state ||
	       (r->attempted != COMMIT_NONE && r->check == 0);
}

static void
take_number(struct status_report *r, const struct http_reply *reply)
{
	struct json_pick pick = { .path = "id" };
	struct err ignored;
	int64_t id;

	if (json_scan(reply->body.data, reply->body.len, &pick, 1, &ignored) ==
		0 &&
	    json_pick_int(&id, &pick) == 0 && id > 0)
		r->check = id;
}

/* The installation was suspended, or lacks "Checks: write". */
static int
is_closed(int status)
{
	return status == 401 || status == 403 || status == 404;
}

static enum github_identity
as_installation(const struct github *gh)
{
	(void)gh;
	return GITHUB_AS_INSTALLATION;
}

const struct way way_check = {
	.form = FORM_CHECK,
	.identity = as_installation,
	.is_doubtful = is_doubtful,
	.look = look,
	.write = write_request,
	.take = take_number,
	.is_closed = is_closed,
};
