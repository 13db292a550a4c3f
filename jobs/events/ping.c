/* SPDX-License-Identifier: MIT */
/*
 * ping: GitHub's first delivery when a webhook was made. It shows how the
 * webhook is set up, so this is the moment to say what is unwise about it.
 */
#include <string.h>

#include "events/events.h"
#include "json.h"
#include "steplog.h"
#include "worker/job.h"

/* Values of hook.config; docs.github.com, "Webhook events and payloads". */
static const struct {
	const char *member, *unwise, *advice;
} settings[] = {
	{ "insecure_ssl", "1",
	    "the webhook does not verify TLS certificates: anybody on the way "
	    "can read its payloads" },
	{ "content_type", "form",
	    "the webhook sends forms: bodies are larger than as "
	    "application/json" },
};

static void
warn_of(struct job *job, const struct json *config)
{
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
		const char *value =
		    json_str(json_get(config, settings[i].member), "");

		if (strcmp(value, settings[i].unwise) == 0)
			steplog_note(&job->log, "%s", settings[i].advice);
	}
	if (config != NULL && json_get(config, "secret") == NULL)
		steplog_note(&job->log,
		    "the webhook has no secret: its payloads are not signed");
}

int
handle_ping(struct job *job, struct err *err)
{
	const struct json *hook = json_get(job->payload, "hook");
	struct step *step = step_start(&job->log, "ping");

	(void)err;
	step_data(step, "zen", json_str(json_get(job->payload, "zen"), ""));
	step_data_int(
	    step, "hook_id", json_int(json_get(job->payload, "hook_id"), 0));
	step_data(step, "hook_type", json_str(json_get(hook, "type"), ""));
	step_data_int(
	    step, "events", (int64_t)json_count(json_get(hook, "events")));
	warn_of(job, json_get(hook, "config"));
	step_complete(step);
	return 0;
}
