/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "agent/options.h"
#include "config.h"

static const struct {
	const char *key;
	size_t at; /* in struct agent_options */
} lists[] = {
	{ "issue-job.events", offsetof(struct agent_options, events) },
	{ "issue-job.command", offsetof(struct agent_options, command) },
	{ "issue-job.test-command", offsetof(struct agent_options, test) },
	{ "issue-job.writable", offsetof(struct agent_options, writable) },
	{ "issue-job.readable", offsetof(struct agent_options, readable) },
	{ "issue-job.allowed-paths", offsetof(struct agent_options, allowed) },
	{ "issue-job.restricted-paths",
	    offsetof(struct agent_options, restricted) },
};

#define LISTS (sizeof lists / sizeof *lists)

static const char *const **
list_at(struct agent_options *o, size_t i)
{
	return (const char *const **)(void *)((char *)o + lists[i].at);
}

/* An empty list is none. */
static int
read_list(struct agent_options *o, size_t i, const struct config *config,
    const char *repository, struct err *err)
{
	const char *const *items;
	size_t n = config_list(config, repository, lists[i].key, &items);
	const char **copy;

	if (n == 0)
		return 0;
	copy = calloc(n + 1, sizeof *copy);
	if (copy == NULL)
		return err_set(err, ERR_TEMP, 0, "issue-job: out of memory");
	memcpy(copy, items, n * sizeof *copy);
	*list_at(o, i) = copy;
	return 0;
}

int
agent_options_read(struct agent_options *out, const struct config *c,
    const char *r, struct err *err)
{
	struct agent_options o = {
		.label = config_str(c, r, "issue-job.label"),
		.target = config_str(c, r, "issue-job.target-branch"),
		.branch = config_str(c, r, "issue-job.branch"),
		.sandbox = config_str(c, r, "issue-job.sandbox"),
		.environment_file =
		    config_str(c, r, "issue-job.environment-file"),
		.network = config_bool(c, r, "issue-job.network"),
		.comments = config_bool(c, r, "issue-job.comments"),
		.timeout = config_duration(c, r, "issue-job.timeout"),
		.retries = config_int(c, r, "issue-job.retries"),
		.rounds = config_int(c, r, "issue-job.max-retries"),
		.max_files = config_int(c, r, "issue-job.max-files"),
		.max_lines = config_int(c, r, "issue-job.max-lines"),
		.author_name = config_str(c, r, "issue-job.author-name"),
		.author_email = config_str(c, r, "issue-job.author-email"),
	};

	o.suffix = strcmp(config_str(c, r, "issue-job.existing-branch"),
		       "suffix") == 0;
	for (size_t i = 0; i < LISTS; i++) {
		if (read_list(&o, i, c, r, err) == -1) {
			agent_options_release(&o);
			return -1;
		}
	}
	*out = o;
	return 0;
}

void
agent_options_release(struct agent_options *o)
{
	for (size_t i = 0; i < LISTS; i++) {
		const char *const *list = *list_at(o, i);

		free((void *)(uintptr_t)list);
	}
	*o = (struct agent_options){ 0 };
}
