/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "hook.h"
#include "json.h"
#include "worker/hook_variables.h"
#include "worker/job.h"

/* Templates, as in the configuration. */
static const struct {
	const char *name, *value;
} variables[] = {
	{ "HOOKSPOOL_EVENT", "{{@event}}" },
	{ "HOOKSPOOL_ACTION", "{{@action}}" },
	{ "HOOKSPOOL_DELIVERY", "{{@delivery}}" },
	{ "HOOKSPOOL_REPOSITORY", "{{@repository}}" },
	{ "HOOKSPOOL_NUMBER", "{{@number}}" },
	{ "HOOKSPOOL_JOB_ID", "{{@job_id}}" },
	{ "HOOKSPOOL_REQUEST_ID", "{{@request_id}}" },
	{ "HOOKSPOOL_SENDER", "{{@sender}}" },
	{ "HOOKSPOOL_SHA", "{{@sha}}" },
};

#define FIXED (sizeof variables / sizeof *variables + 6)

static int
add(char **list, size_t *n, const char *name, const char *value,
    struct err *err)
{
	if (asprintf(&list[*n], "%s=%s", name, value) == -1) {
		list[*n] = NULL;
		return err_set(err, ERR_TEMP, 0, "hook: out of memory");
	}
	++*n;
	return 0;
}

/* The ref that was pushed; for a pull request the ref of its head, which
 * GitHub keeps in the repository it goes to. */
static int
add_ref(char **list, size_t *n, const struct job *job, struct err *err)
{
	const char *ref = json_str(json_get(job->payload, "ref"), NULL);
	char text[48] = "";

	if (ref == NULL && job->head.number > 0 &&
	    (json_get(job->payload, "pull_request") != NULL ||
		json_path(job->payload, "issue.pull_request") != NULL))
		snprintf(text, sizeof text, "refs/pull/%lld/head",
		    (long long)job->head.number);
	return add(list, n, "HOOKSPOOL_REF", ref != NULL ? ref : text, err);
}

static int
add_fixed(char **list, size_t *n, const struct job *job,
    const struct hook *hook, const struct hook_given *given, struct err *err)
{
	struct buf value;
	int rc = 0;

	buf_init(&value, HEAD_VALUE_MAX);
	for (size_t i = 0; rc == 0 && i < sizeof variables / sizeof *variables;
	     i++) {
		buf_reset(&value);
		hook_expand(
		    &value, variables[i].value, &job->head, job->payload);
		rc = add(list, n, variables[i].name, value.data, err);
	}
	buf_release(&value);
	if (rc == -1 || add_ref(list, n, job, err) == -1 ||
	    add(list, n, "HOOKSPOOL_HOOK", hook->name, err) == -1)
		return -1;
	if (given->payload_file != NULL &&
	    add(list, n, "HOOKSPOOL_PAYLOAD", given->payload_file, err) == -1)
		return -1;
	if (given->workspace == NULL)
		return 0;
	if (add(list, n, "HOOKSPOOL_WORKSPACE", given->workspace, err) == -1)
		return -1;
	return add(
	    list, n, "HOOKSPOOL_WORKSPACE_SHA", given->workspace_sha, err);
}

int
hook_variables(char ***out, const struct job *job, const struct hook *hook,
    const struct hook_given *given, struct err *err)
{
	char **own, **list;
	size_t owned = 0, n = 0;

	if (hook_environment(&own, hook, &job->head, job->payload, err) == -1)
		return -1;
	while (own[owned] != NULL)
		owned++;
	list = calloc(FIXED + owned + 1, sizeof *list);
	if (list == NULL) {
		hook_argv_free(own);
		return err_set(err, ERR_TEMP, 0, "hook: out of memory");
	}
	if (add_fixed(list, &n, job, hook, given, err) == -1) {
		hook_argv_free(own);
		hook_argv_free(list);
		return -1;
	}
	memcpy(list + n, own, owned * sizeof *list);
	free(own); /* its strings have moved */
	*out = list;
	return 0;
}
