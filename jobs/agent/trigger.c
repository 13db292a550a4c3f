/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "agent/options.h"
#include "agent/trigger.h"
#include "head.h"
#include "json.h"

struct question {
	const struct agent_options *options;
	const struct job_head *head;
	const struct json *payload;
};

static int
has_no_job(const struct question *q)
{
	return q->options->label == NULL || q->options->command == NULL;
}

static int
is_other_action(const struct question *q)
{
	const char *const *events = q->options->events;

	while (events != NULL && *events != NULL) {
		if (strcmp(*events, q->head->action) == 0)
			return 0;
		events++;
	}
	return 1;
}

static int
is_pull_request(const struct question *q)
{
	return json_path(q->payload, "issue.pull_request") != NULL;
}

static int
is_closed(const struct question *q)
{
	return strcmp(json_str(json_path(q->payload, "issue.state"), "open"),
		   "open") != 0;
}

static int
is_archived(const struct question *q)
{
	return json_true(json_path(q->payload, "repository.archived"));
}

/* GitHub does not tell labels apart by case; nor do we. */
static int
is_trigger(const struct question *q, const struct json *label)
{
	return strcasecmp(json_str(json_get(label, "name"), ""),
		   q->options->label) == 0;
}

static int
added_other_label(const struct question *q)
{
	return strcmp(q->head->action, "labeled") == 0 &&
	       !is_trigger(q, json_get(q->payload, "label"));
}

static int
lacks_label(const struct question *q)
{
	JSON_EACH (label, json_path(q->payload, "issue.labels")) {
		if (is_trigger(q, label))
			return 0;
	}
	return strcmp(q->head->action, "labeled") != 0;
}

static const struct {
	const char *reason;
	int (*holds)(const struct question *q);
} reasons[] = {
	{ "no_issue_job", has_no_job },
	{ "event_not_configured", is_other_action },
	{ "is_pull_request", is_pull_request },
	{ "wrong_label", added_other_label },
	{ "not_labeled", lacks_label },
	{ "issue_closed", is_closed },
	{ "repository_archived", is_archived },
	{ TRIGGER_ACTIVE, NULL },
};

#define REASONS (sizeof reasons / sizeof *reasons)

const char *
trigger_ignored(const struct agent_options *options,
    const struct job_head *head, const struct json *payload)
{
	struct question q = { options, head, payload };

	for (size_t i = 0; i < REASONS; i++) {
		if (reasons[i].holds != NULL && reasons[i].holds(&q))
			return reasons[i].reason;
	}
	return NULL;
}

const char *
trigger_reason_at(size_t i)
{
	return i < REASONS ? reasons[i].reason : NULL;
}
