/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "event.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

#define PR_NUMBER "pull_request.number"
#define PR_SHA	  "pull_request.head.sha"

/*
 * Ordered by name: event_find() halves it. The members are those that are
 * required in every variant of the event; a discussion's number is left out,
 * for it is neither an issue nor a pull request.
 */
/* clang-format off */
static const struct event_kind kinds[] = {
	{ .name = "branch_protection_configuration",
	  .subject = { "action", "repository" } },
	{ .name = "branch_protection_rule", .subject = { "rule" } },
	{ .name = "check_run", .subject = { "check_run" },
	  .foreign = { "deployment_status" },
	  .sha_path = "check_run.head_sha", .flags = EVENT_RECHECK },
	{ .name = "check_suite", .subject = { "check_suite" },
	  .sha_path = "check_suite.head_sha", .flags = EVENT_RECHECK },
	{ .name = "code_scanning_alert",
	  .subject = { "alert", "ref", "commit_oid" },
	  .sha_path = "commit_oid" },
	{ .name = "commit_comment", .subject = { "comment" },
	  .foreign = { "issue", "pull_request", "discussion" },
	  .sha_path = "comment.commit_id" },
	{ .name = "create", .subject = { "ref", "ref_type", "master_branch" } },
	{ .name = "custom_property", .subject = { "action", "definition" } },
	{ .name = "custom_property_values",
	  .subject = { "new_property_values", "old_property_values" } },
	{ .name = "delete", .subject = { "ref", "ref_type", "pusher_type" },
	  .foreign = { "master_branch" } },
	{ .name = "dependabot_alert", .subject = { "alert" },
	  .foreign = { "commit_oid", "location" } },
	{ .name = "deploy_key", .subject = { "key" } },
	{ .name = "deployment", .subject = { "deployment" },
	  .foreign = { "deployment_status", "workflow_job",
	    "deployment_callback_url" },
	  .sha_path = "deployment.sha", .flags = EVENT_REPORTS },
	{ .name = "deployment_protection_rule",
	  .subject = { "action", "repository" },
	  .sha_path = "deployment.sha" },
	{ .name = "deployment_review", .subject = { "workflow_run", "since" },
	  .sha_path = "workflow_run.head_sha" },
	{ .name = "deployment_status",
	  .subject = { "deployment_status", "deployment" },
	  .sha_path = "deployment.sha" },
	{ .name = "discussion", .subject = { "discussion" },
	  .foreign = { "comment" } },
	{ .name = "discussion_comment",
	  .subject = { "comment", "discussion" } },
	{ .name = "fork", .subject = { "forkee" } },
	{ .name = "github_app_authorization",
	  .subject = { "action", "sender" }, .foreign = { "repository" } },
	{ .name = "gollum", .subject = { "pages" } },
	{ .name = "installation", .subject = { "installation" },
	  .foreign = { "repository", "repositories_added" } },
	{ .name = "installation_repositories",
	  .subject = { "repositories_added", "repositories_removed" } },
	{ .name = "installation_target",
	  .subject = { "account", "target_type" } },
	{ .name = "issue_comment", .subject = { "issue", "comment" },
	  .number_path = "issue.number" },
	{ .name = "issue_dependencies", .subject = { "action" },
	  .foreign = { "issue" } },
	{ .name = "issues", .subject = { "issue" }, .foreign = { "comment" },
	  .number_path = "issue.number", .flags = EVENT_BUILTIN,
	  .wanted_by = "issue-job.label" },
	{ .name = "label", .subject = { "label" },
	  .foreign = { "issue", "pull_request", "discussion" } },
	{ .name = "marketplace_purchase",
	  .subject = { "marketplace_purchase" } },
	{ .name = "member", .subject = { "member" }, .foreign = { "team" } },
	{ .name = "membership", .subject = { "member", "scope", "team" } },
	{ .name = "merge_group", .subject = { "merge_group" },
	  .sha_path = "merge_group.head_sha", .flags = EVENT_REPORTS },
	{ .name = "meta", .subject = { "hook", "hook_id" },
	  .foreign = { "zen" } },
	{ .name = "milestone", .subject = { "milestone" },
	  .foreign = { "issue", "pull_request" } },
	{ .name = "org_block", .subject = { "blocked_user" } },
	{ .name = "organization", .subject = { "action", "organization" },
	  .foreign = { "repository" } },
	{ .name = "package", .subject = { "package" } },
	{ .name = "page_build", .subject = { "build", "id" },
	  .sha_path = "build.commit" },
	{ .name = "personal_access_token_request",
	  .subject = { "personal_access_token_request" } },
	{ .name = "ping", .subject = { "zen", "hook_id" },
	  .flags = EVENT_ALWAYS },
	{ .name = "project", .subject = { "project" } },
	{ .name = "project_card", .subject = { "project_card" } },
	{ .name = "project_column", .subject = { "project_column" } },
	{ .name = "projects_v2", .subject = { "projects_v2" } },
	{ .name = "projects_v2_item", .subject = { "projects_v2_item" } },
	{ .name = "projects_v2_status_update",
	  .subject = { "projects_v2_status_update" } },
	{ .name = "public", .subject = { "repository", "sender" },
	  .foreign = { "action", "ref" } },
	{ .name = "pull_request", .subject = { "pull_request", "number" },
	  .foreign = { "comment", "review", "thread" },
	  .number_path = PR_NUMBER, .sha_path = PR_SHA,
	  .flags = EVENT_REPORTS },
	{ .name = "pull_request_review",
	  .subject = { "pull_request", "review" },
	  .number_path = PR_NUMBER, .sha_path = PR_SHA },
	{ .name = "pull_request_review_comment",
	  .subject = { "pull_request", "comment" },
	  .number_path = PR_NUMBER, .sha_path = PR_SHA },
	{ .name = "pull_request_review_thread",
	  .subject = { "pull_request", "thread" },
	  .number_path = PR_NUMBER, .sha_path = PR_SHA,
	  .flags = EVENT_RECHECK },
	{ .name = "push", .subject = { "ref", "before", "after" },
	  .sha_path = "after", .flags = EVENT_REPORTS },
	{ .name = "registry_package", .subject = { "registry_package" } },
	{ .name = "release", .subject = { "release" } },
	{ .name = "repository", .subject = { "action", "repository" } },
	{ .name = "repository_advisory",
	  .subject = { "repository_advisory" } },
	{ .name = "repository_dispatch",
	  .subject = { "branch", "client_payload" } },
	{ .name = "repository_import", .subject = { "status", "repository" } },
	{ .name = "repository_ruleset", .subject = { "repository_ruleset" } },
	{ .name = "repository_vulnerability_alert", .subject = { "alert" },
	  .foreign = { "commit_oid", "location" } },
	{ .name = "secret_scanning_alert", .subject = { "alert" },
	  .foreign = { "commit_oid", "location" } },
	{ .name = "secret_scanning_alert_location",
	  .subject = { "alert", "location" } },
	{ .name = "secret_scanning_scan",
	  .subject = { "source", "type", "started_at" } },
	{ .name = "security_advisory", .subject = { "security_advisory" } },
	{ .name = "security_and_analysis",
	  .subject = { "changes", "repository" } },
	{ .name = "sponsorship", .subject = { "sponsorship" } },
	{ .name = "star", .subject = { "starred_at", "repository" } },
	{ .name = "status", .subject = { "sha", "state", "context" },
	  .sha_path = "sha", .flags = EVENT_RECHECK },
	{ .name = "sub_issues", .subject = { "parent_issue", "sub_issue" } },
	{ .name = "team", .subject = { "action", "team" },
	  .foreign = { "member" } },
	{ .name = "team_add", .subject = { "team", "repository" },
	  .foreign = { "action" } },
	{ .name = "watch", .subject = { "action", "repository" },
	  .foreign = { "starred_at" } },
	{ .name = "workflow_dispatch",
	  .subject = { "inputs", "ref", "workflow" } },
	{ .name = "workflow_job", .subject = { "workflow_job" },
	  .sha_path = "workflow_job.head_sha" },
	{ .name = "workflow_run", .subject = { "workflow_run", "workflow" },
	  .foreign = { "deployment", "since" },
	  .sha_path = "workflow_run.head_sha" },
};
/* clang-format on */

/* What a newer event of its key makes moot; action NULL: it has none. */
static const struct {
	const char *event, *action;
} superseded[] = {
	{ "check_run", "created" },
	{ "check_run", "completed" },
	{ "check_suite", "completed" },
	{ "pull_request", "synchronize" },
	{ "pull_request_review_thread", "resolved" },
	{ "pull_request_review_thread", "unresolved" },
	{ "status", NULL },
};

const struct event_kind *
event_find(const char *name)
{
	size_t low = 0, high = COUNT(kinds);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, kinds[middle].name);

		if (order == 0)
			return &kinds[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct event_kind *
event_at(size_t i)
{
	return i < COUNT(kinds) ? &kinds[i] : NULL;
}

int
event_name_valid(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return len >= 1 && len <= 64 && name[len] == '\0';
}

int
event_supersedes(const char *event, const char *action)
{
	for (size_t i = 0; i < COUNT(superseded); i++) {
		if (strcmp(event, superseded[i].event) != 0)
			continue;
		if (superseded[i].action == NULL ||
		    (action != NULL &&
			strcmp(action, superseded[i].action) == 0))
			return 1;
	}
	return 0;
}
