/* SPDX-License-Identifier: MIT */
#include "config_check.h"
#include "config_form.h"
#include "config_table.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* The server itself: who may send, how much is kept, how jobs run. */
static const struct config_key server[] = {
	{ "data-directory", CONFIG_STR, SCOPE_ROOT, ON_RESTART,
	    .form = &form_path, .fallback = "/var/lib/hookspool",
	    .text = "Directory that holds the spool, logs, mirrors and "
		    "workspaces." },

	{ "repositories", CONFIG_MAP, SCOPE_ROOT, ON_RELOAD,
	    .check = check_repositories,
	    .text = "One block for each repository; the block's key is any "
		    "unique word, by habit the repository's short name." },
	{ "repositories.*", CONFIG_MAP, SCOPE_ROOT, ON_RELOAD,
	    .text = "The keys of one repository: its name and whatever "
		    "differs from the top of the file." },
	{ "name", CONFIG_STR, SCOPE_BLOCK, ON_RELOAD, MARK_REQUIRED,
	    .form = &form_repository,
	    .text = "Full name, owner/repository; events are matched by it, "
		    "without regard to case." },

	{ "webhook-secret", CONFIG_STR, SCOPE_CONFIG, ON_RELOAD, MARK_SECRET,
	    .form = &form_text,
	    .text = "Secret that GitHub signs deliveries with." },
	{ "webhook-secrets", CONFIG_LIST, SCOPE_CONFIG, ON_RELOAD, MARK_SECRET,
	    .form = &form_text,
	    .text = "Several such secrets, each of them good; for "
		    "rotation." },
	{ "webhook-secret-file", CONFIG_STR | CONFIG_LIST, SCOPE_CONFIG,
	    ON_RELOAD, MARK_SECRET_FILE, .form = &form_secret_file,
	    .text = "File or files with such a secret; a name without a "
		    "slash is a systemd credential." },
	{ "allow-unsigned", CONFIG_BOOL, SCOPE_ROOT, ON_RELOAD,
	    .fallback = "false",
	    .text = "Take deliveries without a signature where no secret is "
		    "set; for trials on a loopback address only." },
	{ "allow-ips", CONFIG_STR | CONFIG_LIST, SCOPE_ROOT, ON_RELOAD,
	    .form = &form_cidr,
	    .text = "Address ranges that may send deliveries; unset: every "
		    "one." },
	{ "trusted-proxies", CONFIG_STR | CONFIG_LIST, SCOPE_ROOT, ON_RELOAD,
	    .form = &form_cidr,
	    .text = "Address ranges of proxies whose X-Forwarded-For is "
		    "believed." },
	{ "verify-github-ips", CONFIG_BOOL, SCOPE_ROOT, ON_RELOAD, MARK_PLANNED,
	    .fallback = "false", .check = check_address_gate,
	    .text = "Take deliveries only from the addresses that GitHub "
		    "publishes." },
	{ "verify-cloudflare-ips", CONFIG_BOOL, SCOPE_ROOT, ON_RELOAD,
	    MARK_PLANNED, .fallback = "false",
	    .text = "Take deliveries also from Cloudflare's published "
		    "addresses." },

	{ "limits", CONFIG_MAP, SCOPE_ROOT, ON_RELOAD,
	    .text = "When to refuse deliveries for want of room (503 and "
		    "Retry-After)." },
	{ "limits.max-queued-files", CONFIG_INT, .effect = ON_RELOAD,
	    .range = "0..1000000000", .fallback = "100000",
	    .text = "Most jobs that may wait." },
	{ "limits.max-queued-bytes", CONFIG_SIZE, .effect = ON_RELOAD,
	    .fallback = "10G", .text = "Most bytes that they may hold." },
	{ "limits.min-free-bytes", CONFIG_SIZE, .effect = ON_RELOAD,
	    .fallback = "256M",
	    .text = "Bytes that must stay free on the file system." },
	{ "limits.min-free-inodes", CONFIG_INT, .effect = ON_RELOAD,
	    .range = "0..1000000000000", .fallback = "10000",
	    .text = "Inodes that must stay free there." },

	{ "retention", CONFIG_MAP, SCOPE_ROOT, ON_RELOAD,
	    .text = "How long what is finished is kept." },
	{ "retention.settled-age", CONFIG_DURATION, .effect = ON_RELOAD,
	    .fallback = "30d", .text = "Settled jobs, by age." },
	{ "retention.settled-bytes", CONFIG_SIZE, .effect = ON_RELOAD,
	    .fallback = "10G",
	    .text = "Settled jobs, by size; the oldest go first." },
	{ "retention.log-age", CONFIG_DURATION, .effect = ON_RELOAD,
	    .fallback = "90d", .text = "Records and step logs, by age." },
	{ "retention.log-bytes", CONFIG_SIZE, .effect = ON_RELOAD,
	    .fallback = "10G", .text = "Records and step logs, by size." },
	{ "retention.seen-age", CONFIG_DURATION, .effect = ON_RELOAD,
	    .fallback = "8d",
	    .text = "Delivery IDs, for telling a delivery that was seen; "
		    "GitHub redelivers for three days." },
	{ "retention.seen-entries", CONFIG_INT, .effect = ON_RELOAD,
	    .range = "0..1000000000", .fallback = "10000",
	    .text = "Delivery IDs that are kept whatever their age." },
	{ "retention.tmp-age", CONFIG_DURATION, .effect = ON_RELOAD,
	    .fallback = "1h",
	    .text = "Unfinished files that a crash left behind." },

	{ "log-level", CONFIG_STR, SCOPE_CONFIG, ON_RELOAD,
	    .range = "DEBUG|INFO|WARNING|ERROR", .fallback = "INFO",
	    .text = "Least level of the programs' own log." },
	{ "log-format", CONFIG_STR, SCOPE_ROOT, ON_RELOAD,
	    .range = "lines|pretty", .fallback = "lines",
	    .text = "Records of jobs as one object a line, or indented for "
		    "people; readers take both." },

	{ "concurrency", CONFIG_INT, SCOPE_ROOT, ON_RELOAD, .range = "1..1024",
	    .fallback = "4", .text = "Jobs that run at once." },
	{ "job-timeout", CONFIG_DURATION, SCOPE_CONFIG, ON_RELOAD,
	    .range = "1ms..7d", .fallback = "1h",
	    .text = "Longest a job may run." },
	{ "stop-grace", CONFIG_DURATION, SCOPE_ROOT, ON_RELOAD,
	    .range = "0s..1h", .fallback = "10s",
	    .text = "Time between asking a job to end and killing it." },
	{ "max-output", CONFIG_SIZE, SCOPE_ROOT, NEXT_JOB, .range = "4k..1G",
	    .fallback = "1M",
	    .text = "Bytes of a command's output that are kept, from its "
		    "end." },
	{ "retry-for", CONFIG_DURATION, SCOPE_ROOT, ON_RELOAD,
	    .range = "0s..30d", .fallback = "24h",
	    .text = "How long a job that asks to be tried again is." },
	{ "kinds", CONFIG_MAP, SCOPE_ROOT, ON_RELOAD, .check = check_kinds,
	    .text = "Limits for one kind of job (the event's name)." },
	{ "kinds.*", CONFIG_MAP, .effect = ON_RELOAD,
	    .text = "The event's name, such as push or issue_comment." },
	{ "kinds.*.timeout", CONFIG_DURATION, .effect = ON_RELOAD,
	    .range = "1ms..7d",
	    .text = "Longest such a job may run, in place of job-timeout." },
	{ "kinds.*.concurrency", CONFIG_INT, .effect = ON_RELOAD,
	    .range = "1..1024",
	    .text = "Such jobs that run at once, within concurrency." },

	{ "viewer-users", CONFIG_STR | CONFIG_LIST, SCOPE_ROOT, ON_RELOAD,
	    MARK_PLANNED, .form = &form_text,
	    .text = "Users, as the web server names them, who may see logs "
		    "and jobs." },
	{ "public-url", CONFIG_STR, SCOPE_ROOT, NEXT_JOB, 0, .form = &form_url,
	    .text = "Where the viewer is reached from outside; commit "
		    "statuses link to it." },
};

const struct config_area config_area_server = { "Server", server,
	COUNT(server) };
