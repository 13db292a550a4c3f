/* SPDX-License-Identifier: MIT */
#include "config_form.h"
#include "config_table.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* Pull requests: labels, people, protection, merging. */
static const struct config_key repository[] = {
	{ "auto-verified-and-merged-users", CONFIG_LIST, SCOPE_ALL, NEXT_JOB,
	    MARK_PLANNED, .form = &form_login,
	    .text = "Authors whose pull requests are verified and set to "
		    "merge by themselves." },
	{ "auto-verify-cherry-picked-prs", CONFIG_BOOL, SCOPE_ALL, NEXT_JOB,
	    MARK_PLANNED, .fallback = "true",
	    .text = "Treat cherry-picked pull requests as verified." },
	{ "create-issue-for-new-pr", CONFIG_BOOL, SCOPE_ALL, NEXT_JOB,
	    MARK_PLANNED, .fallback = "true",
	    .text = "Open a tracking issue for each new pull request." },
	{ "cherry-pick-assign-to-pr-author", CONFIG_BOOL, SCOPE_ALL, NEXT_JOB,
	    MARK_PLANNED, .fallback = "true",
	    .text = "Assign a cherry-pick to the original author." },
	{ "allow-commands-on-draft-prs", CONFIG_LIST, SCOPE_CONFIG, NEXT_JOB,
	    MARK_PLANNED, .form = &form_name,
	    .text = "Comment commands that work on drafts; unset: none, "
		    "[]: all." },
	{ "welcome-extra-info", CONFIG_STR, SCOPE_ALL, NEXT_JOB, MARK_PLANNED,
	    .form = &form_welcome, .fallback = "\"\"",
	    .text = "Markdown that the welcome comment ends with." },

	{ "labels", CONFIG_MAP, SCOPE_ALL, NEXT_JOB, MARK_PLANNED | MARK_MERGE,
	    .text = "Labels that the server sets." },
	{ "labels.enabled-labels", CONFIG_LIST, .marks = MARK_PLANNED,
	    .range = "verified|hold|wip|needs-rebase|has-conflicts|"
		     "can-be-merged|size|branch|cherry-pick|automerge",
	    .text = "Kinds of labels that are set; unset: all." },
	{ "labels.colors", CONFIG_MAP, .marks = MARK_PLANNED | MARK_MERGE,
	    .text = "Colours by label, or by prefix where the name ends in "
		    "\"-\"." },
	{ "labels.colors.*", CONFIG_STR, .marks = MARK_PLANNED,
	    .form = &form_color,
	    .text = "CSS colour name or six hexadecimal digits." },

	{ "pr-size-thresholds", CONFIG_MAP, SCOPE_CONFIG, NEXT_JOB,
	    MARK_PLANNED,
	    .text = "Sizes of pull requests, by lines changed; unset: XS 20, "
		    "S 50, M 100, L 300, XL 500, XXL beyond." },
	{ "pr-size-thresholds.*", CONFIG_MAP, .marks = MARK_PLANNED,
	    .text = "Name of the size." },
	{ "pr-size-thresholds.*.threshold", CONFIG_STR | CONFIG_INT,
	    .marks = MARK_PLANNED | MARK_REQUIRED, .form = &form_threshold,
	    .text = "Fewer changed lines than this have the size." },
	{ "pr-size-thresholds.*.color", CONFIG_STR, .marks = MARK_PLANNED,
	    .form = &form_color, .text = "Colour of its label." },

	{ "branch-protection", CONFIG_MAP, SCOPE_ALL, ON_RESTART,
	    MARK_PLANNED | MARK_MERGE,
	    .text = "Rules for protected branches." },
	{ "branch-protection.strict", CONFIG_BOOL, SCOPE_CONFIG, ON_RESTART,
	    MARK_PLANNED, .fallback = "true",
	    .text = "Branches must be up to date before they merge." },
	{ "branch-protection.require_code_owner_reviews", CONFIG_BOOL,
	    SCOPE_CONFIG, ON_RESTART, MARK_PLANNED, .fallback = "false",
	    .text = "Code owners must approve." },
	{ "branch-protection.dismiss_stale_reviews", CONFIG_BOOL, SCOPE_CONFIG,
	    ON_RESTART, MARK_PLANNED, .fallback = "true",
	    .text = "A push dismisses approvals." },
	{ "branch-protection.required_approving_review_count", CONFIG_INT,
	    SCOPE_CONFIG, ON_RESTART, MARK_PLANNED, .range = "0..6",
	    .fallback = "0", .text = "Approvals that GitHub asks for." },
	{ "branch-protection.required_linear_history", CONFIG_BOOL,
	    SCOPE_CONFIG, ON_RESTART, MARK_PLANNED, .fallback = "true",
	    .text = "No merge commits." },
	{ "branch-protection.required_conversation_resolution", CONFIG_BOOL,
	    SCOPE_ALL, NEXT_JOB, MARK_PLANNED, .fallback = "true",
	    .text = "Review conversations must be resolved." },
	{ "default-status-checks", CONFIG_LIST, SCOPE_CONFIG, ON_RESTART,
	    MARK_PLANNED, .form = &form_text, .fallback = "[]",
	    .text = "Checks that protected branches require beside those of "
		    "the server." },
	{ "protected-branches", CONFIG_MAP, SCOPE_BLOCK | SCOPE_BRANCH,
	    ON_RESTART, MARK_PLANNED, .text = "Branches to protect." },
	{ "protected-branches.*", CONFIG_MAP | CONFIG_LIST,
	    SCOPE_BLOCK | SCOPE_BRANCH, ON_RESTART, MARK_PLANNED,
	    .form = &form_text,
	    .text = "Name of the branch; a list stands for include-runs, [] "
		    "for no change." },
	{ "protected-branches.*.include-runs", CONFIG_LIST,
	    SCOPE_BLOCK | SCOPE_BRANCH, ON_RESTART, MARK_PLANNED,
	    .form = &form_text,
	    .text = "The checks to require, in place of the usual ones." },
	{ "protected-branches.*.exclude-runs", CONFIG_LIST,
	    SCOPE_BLOCK | SCOPE_BRANCH, ON_RESTART, MARK_PLANNED,
	    .form = &form_text, .text = "Checks not to require." },

	{ "verified-job", CONFIG_BOOL, SCOPE_ALL, NEXT_JOB, MARK_PLANNED,
	    .fallback = "true", .text = "Keep the check \"verified\"." },
	{ "set-auto-merge-prs", CONFIG_LIST, SCOPE_ALL, NEXT_JOB, MARK_PLANNED,
	    .form = &form_text, .fallback = "[]",
	    .text = "Base branches whose pull requests are set to merge by "
		    "themselves." },
	{ "can-be-merged-required-labels", CONFIG_LIST, SCOPE_ALL, NEXT_JOB,
	    MARK_PLANNED, .form = &form_label, .fallback = "[]",
	    .text = "Labels that a pull request must have before it can be "
		    "merged." },
	{ "minimum-lgtm", CONFIG_INT, SCOPE_ALL, NEXT_JOB, MARK_PLANNED,
	    .range = "0..1000", .fallback = "0",
	    .text = "LGTMs that it needs." },
};

const struct config_area config_area_repository = { "Pull requests", repository,
	COUNT(repository) };
