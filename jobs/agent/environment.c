/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/environment.h"
#include "agent/work.h"
#include "config.h"
#include "fsio.h"
#include "git/workspace.h"
#include "hook.h"
#include "log.h"
#include "worker/job.h"

#define VARIABLES_MAX 256
#define FILE_MAX      65536 /* bytes of environment-file */

struct list {
	char **items;
	size_t n;
	struct err *err;
};

static int
add(struct list *l, const char *name, const char *value)
{
	if (l->n == VARIABLES_MAX)
		return err_set(l->err, ERR_CONF, 0,
		    "issue-job: more than %d variables", VARIABLES_MAX);
	if (asprintf(&l->items[l->n], "%s=%s", name, value) == -1) {
		l->items[l->n] = NULL;
		return err_set(l->err, ERR_TEMP, 0, "issue-job: out of memory");
	}
	l->n++;
	return 0;
}

static int
add_ours(struct list *l, const struct work *w)
{
	const struct job_head *head = &w->job->head;
	char number[24], round[16];
	const struct {
		const char *name, *value;
	} ours[] = {
		{ "HOOKSPOOL_JOB_ID", head->id },
		{ "HOOKSPOOL_DELIVERY", head->delivery },
		{ "HOOKSPOOL_REQUEST_ID", head->request_id },
		{ "HOOKSPOOL_REPOSITORY", head->repository },
		{ "HOOKSPOOL_NUMBER", number },
		{ "HOOKSPOOL_BRANCH", w->branch },
		{ "HOOKSPOOL_TARGET_BRANCH", w->target },
		{ "HOOKSPOOL_WORKSPACE",
		    workspace_path(w->checkout.workspace) },
		{ "HOOKSPOOL_CONTEXT", w->context_file },
		{ "HOOKSPOOL_MESSAGE_FILE", w->message_file },
		{ "HOOKSPOOL_ROUND", round },
		{ "GIT_AUTHOR_NAME", w->options.author_name },
		{ "GIT_AUTHOR_EMAIL", w->options.author_email },
		{ "GIT_COMMITTER_NAME", w->options.author_name },
		{ "GIT_COMMITTER_EMAIL", w->options.author_email },
	};

	snprintf(number, sizeof number, "%lld", (long long)head->number);
	snprintf(round, sizeof round, "%u", w->round);
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		if (add(l, ours[i].name, ours[i].value) == -1)
			return -1;
	}
	return 0;
}

static int
add_configured(struct list *l, const struct work *w)
{
	const struct config_value *map = config_node(
	    w->job->config, w->job->head.repository, "issue-job.environment");

	for (size_t i = 0; i < value_count(map); i++) {
		const char *name = value_name(map, i);
		const char *value = value_str(value_get(map, name));

		if (add(l, name, value != NULL ? value : "") == -1)
			return -1;
	}
	return 0;
}

/* NAME=value; blank lines and those with "#" first are passed over. */
static int
add_line(struct list *l, char *line)
{
	char *value = strchr(line, '=');

	if (*line == '\0' || *line == '#')
		return 0;
	if (value == NULL || value == line)
		return err_set(l->err, ERR_CONF, 0,
		    "issue-job.environment-file: a line is not NAME=value");
	*value++ = '\0';
	log_secret(value, strlen(value));
	return add(l, line, value);
}

static int
add_file(struct list *l, const char *path)
{
	struct buf text;
	char *line, *rest;
	int rc;

	buf_init(&text, FILE_MAX);
	rc = fs_read_file(&text, AT_FDCWD, path, l->err);
	rest = text.data;
	while (rc == 0 && (line = strsep(&rest, "\n")) != NULL)
		rc = add_line(l, line);
	if (text.data != NULL)
		explicit_bzero(text.data, text.len);
	buf_release(&text);
	return rc == -1 ? err_prefix(l->err, "issue-job.environment-file") : 0;
}

int
environment_make(char ***out, const struct work *w, struct err *err)
{
	struct list l = { .err = err };

	l.items = calloc(VARIABLES_MAX + 1, sizeof *l.items);
	if (l.items == NULL)
		return err_set(err, ERR_TEMP, 0, "issue-job: out of memory");
	if (add_ours(&l, w) == -1 || add_configured(&l, w) == -1 ||
	    (w->options.environment_file != NULL &&
		add_file(&l, w->options.environment_file) == -1)) {
		hook_argv_free(l.items);
		return -1;
	}
	*out = l.items;
	return 0;
}
