/* SPDX-License-Identifier: MIT */
#include "config_form.h"
#include "config_table.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* How GitHub is reached, and as whom. */
static const struct config_key github[] = {
	{ "github-app-id", CONFIG_INT, SCOPE_CONFIG, NEXT_JOB, 0,
	    .range = "1..1000000000000",
	    .text = "ID of the GitHub App that hookspool writes check runs "
		    "as, and does all else where there are no github-tokens." },
	{ "github-app-key-file", CONFIG_STR, SCOPE_ROOT, NEXT_JOB,
	    MARK_SECRET_FILE, .form = &form_secret_file,
	    .text = "The App's private key; unset: "
		    "webhook-server.private-key.pem in the data directory." },
	{ "github-tokens", CONFIG_LIST, SCOPE_CONFIG, NEXT_JOB, MARK_SECRET,
	    .form = &form_text,
	    .text = "Personal access tokens; the one with the most requests "
		    "left is used." },
	{ "github-tokens-file", CONFIG_STR | CONFIG_LIST, SCOPE_CONFIG,
	    NEXT_JOB, MARK_SECRET_FILE, .form = &form_secret_file,
	    .text = "File or files with one such token each." },
	{ "github-api-url", CONFIG_STR, SCOPE_ROOT, NEXT_JOB, 0,
	    .form = &form_url, .fallback = "https://api.github.com",
	    .text = "REST API; https://HOST/api/v3 for GitHub Enterprise "
		    "Server." },
	{ "github-graphql-url", CONFIG_STR, SCOPE_ROOT, NEXT_JOB, 0,
	    .form = &form_url,
	    .text = "GraphQL API; unset: worked out from github-api-url." },
	{ "ca-file", CONFIG_STR, SCOPE_ROOT, NEXT_JOB, 0, .form = &form_path,
	    .text = "Certificates to trust in place of the system's." },
	{ "status-context", CONFIG_STR, SCOPE_CONFIG, NEXT_JOB, 0,
	    .form = &form_text, .fallback = "hookspool",
	    .text = "Name of the check runs, context of the commit statuses." },
	{ "webhook-ip", CONFIG_STR, SCOPE_ROOT, ON_RESTART, MARK_PLANNED,
	    .form = &form_url,
	    .text = "Full URL that GitHub's webhooks are pointed at." },
	{ "events", CONFIG_LIST, SCOPE_CONFIG, ON_RESTART, MARK_PLANNED,
	    .form = &form_text, .fallback = "[\"*\"]",
	    .text = "Events that the repository's webhook subscribes to." },
	{ "docker", CONFIG_MAP, SCOPE_ROOT, NEXT_JOB, MARK_PLANNED,
	    .text = "Account for docker.io, for pulling base images." },
	{ "docker.username", CONFIG_STR, .marks = MARK_PLANNED | MARK_SECRET,
	    .form = &form_text, .text = "Its name." },
	{ "docker.password", CONFIG_STR, .marks = MARK_PLANNED | MARK_SECRET,
	    .form = &form_text, .text = "Its password." },
	{ "docker.password-file", CONFIG_STR,
	    .marks = MARK_PLANNED | MARK_SECRET_FILE, .form = &form_secret_file,
	    .text = "File with its password." },
	{ "slack-webhook-url", CONFIG_STR, SCOPE_LEAK, NEXT_JOB,
	    MARK_PLANNED | MARK_SECRET, .form = &form_url,
	    .text = "Slack webhook for news of releases." },
};

const struct config_area config_area_github = { "GitHub", github,
	COUNT(github) };

#define MASKED "secrets are always masked"
#define STDERR "the programs log to standard error; see the journal"
#define FASTCGI                                                                \
	"the web server listens; the responder is started by systemd or the "  \
	"web server"

/* What the reference server needs and this one has no use for. */
static const struct config_key legacy[] = {
	{ "log-file", CONFIG_STR, SCOPE_CONFIG, ON_RESTART, MARK_OBSOLETE,
	    .text = "File for the program's log.", .note = STDERR },
	{ "mcp-log-file", CONFIG_STR, SCOPE_ROOT, ON_RESTART, MARK_OBSOLETE,
	    .text = "File for the tool server's log.", .note = STDERR },
	{ "logs-server-log-file", CONFIG_STR, SCOPE_ROOT, ON_RESTART,
	    MARK_OBSOLETE, .text = "File for the viewer's log.",
	    .note = STDERR },
	{ "mask-sensitive-data", CONFIG_BOOL, SCOPE_CONFIG, ON_RESTART,
	    MARK_OBSOLETE, .fallback = "true", .text = "Mask secrets in logs.",
	    .note = MASKED },
	{ "disable-ssl-warnings", CONFIG_BOOL, SCOPE_ROOT, ON_RESTART,
	    MARK_OBSOLETE, .fallback = "false",
	    .text = "Be silent about unverified certificates.",
	    .note = "certificates are always verified; see ca-file" },
	{ "ip-bind", CONFIG_STR, SCOPE_ROOT, ON_RESTART, MARK_OBSOLETE,
	    .text = "Address to listen on.", .note = FASTCGI },
	{ "port", CONFIG_INT, SCOPE_ROOT, ON_RESTART, MARK_OBSOLETE,
	    .range = "1..65535", .text = "Port to listen on.",
	    .note = FASTCGI },
	{ "max-workers", CONFIG_INT, SCOPE_ROOT, ON_RESTART, MARK_OBSOLETE,
	    .range = "1..1024", .text = "Processes that answer requests.",
	    .note = FASTCGI },
};

const struct config_area config_area_legacy = { "Without use here", legacy,
	COUNT(legacy) };
