/* SPDX-License-Identifier: MIT */
#include "config_check.h"
#include "config_form.h"
#include "config_table.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* Command hooks; lib/hook.h says what they do. */
static const struct config_key hooks[] = {
	{ "hooks", CONFIG_LIST, SCOPE_CONFIG, ON_RELOAD,
	    .check = check_unique_names,
	    .text = "Commands to run for events. Those of the top run for "
		    "every repository, those of a block beside them." },
	{ "hooks[]", CONFIG_MAP, .effect = ON_RELOAD,
	    .text = "One command and the events it is for." },
	{ "hooks[].name", CONFIG_STR, .effect = ON_RELOAD,
	    .marks = MARK_REQUIRED, .form = &form_name,
	    .text = "Name in logs; unique in its list." },
	{ "hooks[].command", CONFIG_LIST, .effect = NEXT_JOB,
	    .marks = MARK_REQUIRED, .check = check_hook_command,
	    .text = "Program and its arguments, never a shell line; "
		    "{{path}} is replaced by a value of the payload and "
		    "stays one argument." },
	{ "hooks[].events", CONFIG_STR | CONFIG_LIST, .effect = ON_RELOAD,
	    .form = &form_name, .text = "Events; unset: every one." },
	{ "hooks[].actions", CONFIG_STR | CONFIG_LIST, .effect = ON_RELOAD,
	    .form = &form_name,
	    .text = "Actions of the event; unset: every one." },
	{ "hooks[].branches", CONFIG_STR | CONFIG_LIST, .effect = NEXT_JOB,
	    .form = &form_text,
	    .text = "Globs for the branch pushed to, or the pull request's "
		    "base." },
	{ "hooks[].tags", CONFIG_STR | CONFIG_LIST, .effect = NEXT_JOB,
	    .form = &form_text, .text = "Globs for the tag pushed." },
	{ "hooks[].labels", CONFIG_STR | CONFIG_LIST, .effect = NEXT_JOB,
	    .form = &form_label,
	    .text = "Labels, one of which the issue or pull request must "
		    "have." },
	{ "hooks[].match", CONFIG_MAP, .effect = NEXT_JOB,
	    .check = check_hook_rule,
	    .text = "A rule on the payload: one of and, or, not, value, "
		    "regex, cidr." },
	{ "hooks[].environment", CONFIG_MAP, .effect = NEXT_JOB,
	    .check = check_variables,
	    .text = "Variables for the command; the rest of its environment "
		    "is fixed." },
	{ "hooks[].environment.*", CONFIG_STR, .effect = NEXT_JOB,
	    .text = "Value, with {{path}} replaced." },
	{ "hooks[].stdin", CONFIG_STR, .effect = NEXT_JOB,
	    .range = "none|payload", .fallback = "none",
	    .text = "What the command reads on standard input." },
	{ "hooks[].payload-file", CONFIG_BOOL, .effect = NEXT_JOB,
	    .fallback = "false",
	    .text = "Give the payload in a file that HOOKSPOOL_PAYLOAD "
		    "names." },
	{ "hooks[].working-directory", CONFIG_STR, .effect = NEXT_JOB,
	    .form = &form_path,
	    .text = "Where the command runs; unset: an empty directory of "
		    "its own." },
	{ "hooks[].timeout", CONFIG_DURATION, .effect = NEXT_JOB,
	    .range = "1ms..7d",
	    .text = "Longest the command may run, 10m unless set; at most "
		    "job-timeout." },
	{ "hooks[].retries", CONFIG_INT, .effect = NEXT_JOB, .range = "0..100",
	    .fallback = "0",
	    .text = "Times it is tried again after it failed." },
	{ "hooks[].key", CONFIG_STR, .effect = NEXT_JOB, .form = &form_text,
	    .text = "Hooks with the same key run one after another; "
		    "{{path}} is replaced." },
	{ "hooks[].sandbox", CONFIG_STR, .effect = NEXT_JOB,
	    .range = "none|limits|strict", .fallback = "none",
	    .text = "How far the command is shut in." },
	{ "hooks[].network", CONFIG_BOOL, .effect = NEXT_JOB,
	    .text = "With sandbox strict: let the command use the network; "
		    "unset: no." },
	{ "hooks[].writable", CONFIG_STR | CONFIG_LIST, .effect = NEXT_JOB,
	    .form = &form_path,
	    .text = "With sandbox limits or strict: paths the command may "
		    "write besides its working directory." },
	{ "hooks[].readable", CONFIG_STR | CONFIG_LIST, .effect = NEXT_JOB,
	    .form = &form_path,
	    .text = "With sandbox strict: paths the command sees besides the "
		    "system's programs." },
	{ "hooks[].workspace", CONFIG_STR, .effect = NEXT_JOB,
	    .range = "head|merge|tag|default-branch",
	    .text = "Give the command a clean checkout of this as its working "
		    "directory." },
};

const struct config_area config_area_hooks = { "Command hooks", hooks,
	COUNT(hooks) };

/* Workspaces and the job that works on a labelled issue. */
static const struct config_key workspace[] = {
	{ "workspace", CONFIG_MAP, SCOPE_ROOT, NEXT_JOB,
	    .text = "Mirrors of repositories and the checkouts made of "
		    "them." },
	{ "workspace.mirror-bytes", CONFIG_SIZE, .fallback = "20G",
	    .text = "Room for all mirrors, and the most that one fetch may "
		    "bring; the longest unused goes first." },
	{ "workspace.job-bytes", CONFIG_SIZE, .fallback = "5G",
	    .text = "Room for one job's workspace and its command's HOME, "
		    "counted while they are used." },
	{ "workspace.git-timeout", CONFIG_DURATION, .range = "1s..1d",
	    .fallback = "10m",
	    .text = "Longest one clone, fetch or push may take." },
	{ "workspace.git-url", CONFIG_STR, .form = &form_git_url,
	    .text = "Where repositories are fetched from and pushed to; "
		    "unset: worked out from github-api-url." },
	{ "issue-job", CONFIG_MAP, SCOPE_CONFIG, NEXT_JOB,
	    .text = "A labelled issue becomes a branch, a command's work and "
		    "a draft pull request." },
	{ "issue-job.label", CONFIG_STR, .form = &form_label,
	    .text = "Label that asks for it." },
	{ "issue-job.events", CONFIG_STR | CONFIG_LIST,
	    .range = "opened|labeled", .fallback = "[opened, labeled]",
	    .text = "Actions on an issue that start it." },
	{ "issue-job.target-branch", CONFIG_STR, .form = &form_text,
	    .text = "Branch to start from; unset: the default branch." },
	{ "issue-job.branch", CONFIG_STR, .form = &form_text,
	    .fallback = "agent/issue-{N}",
	    .text = "Name of the new branch; {N} is the issue's number." },
	{ "issue-job.existing-branch", CONFIG_STR, .range = "reuse|suffix",
	    .fallback = "reuse",
	    .text = "What to do where that branch exists: work on from its "
		    "head, or append -2, -3 ..." },
	{ "issue-job.command", CONFIG_LIST, .check = check_hook_command,
	    .text = "Program that does the work, and its arguments." },
	{ "issue-job.environment", CONFIG_MAP, .check = check_variables,
	    .text = "Variables for the programs; the rest of their "
		    "environment is fixed." },
	{ "issue-job.environment.*", CONFIG_STR, .text = "Value." },
	{ "issue-job.environment-file", CONFIG_STR, .form = &form_path,
	    .text = "File with a line NAME=value for each variable that is "
		    "secret, such as a model's key: the values are kept out "
		    "of all logs and comments." },
	{ "issue-job.sandbox", CONFIG_STR, .range = "auto|none|limits|strict",
	    .fallback = "auto",
	    .text = "How far the programs are shut in; auto: strict where "
		    "this machine can, else limits." },
	{ "issue-job.network", CONFIG_BOOL, .fallback = "false",
	    .text = "Let the programs use the network; only strict can keep "
		    "them from it." },
	{ "issue-job.writable", CONFIG_STR | CONFIG_LIST, .form = &form_path,
	    .text = "Paths the programs may write besides the workspace." },
	{ "issue-job.readable", CONFIG_STR | CONFIG_LIST, .form = &form_path,
	    .text = "With strict: paths they see besides the system's "
		    "programs." },
	{ "issue-job.timeout", CONFIG_DURATION, .range = "1s..7d",
	    .fallback = "30m",
	    .text = "Longest one run of a program may take." },
	{ "issue-job.retries", CONFIG_INT, .range = "0..100", .fallback = "0",
	    .text = "Times the job is tried again after the command "
		    "failed." },
	{ "issue-job.comments", CONFIG_BOOL, .fallback = "false",
	    .text = "Give the command the issue's comments too." },
	{ "issue-job.test-command", CONFIG_LIST, .check = check_hook_command,
	    .text = "Program that says whether the work is good." },
	{ "issue-job.max-retries", CONFIG_INT, .range = "0..10",
	    .fallback = "3", .text = "Rounds of work after a failed test." },
	{ "issue-job.allowed-paths", CONFIG_STR | CONFIG_LIST,
	    .form = &form_glob,
	    .text = "Globs of files that may be changed; unset: every one "
		    "that is not restricted." },
	{ "issue-job.restricted-paths", CONFIG_STR | CONFIG_LIST,
	    .form = &form_glob,
	    .fallback =
		"[\".github/workflows/**\", \".github/actions/**\", .env, "
		"\".env.*\", \"**/.env\", \"**/.env.*\", \"*.pem\", "
		"\"**/*.pem\", \"*.key\", \"**/*.key\", \"id_rsa*\", "
		"\"**/id_rsa*\", .gitmodules]",
	    .text = "Globs of files that must not be changed." },
	{ "issue-job.max-files", CONFIG_INT, .range = "1..100000",
	    .text = "Most files it may change." },
	{ "issue-job.max-lines", CONFIG_INT, .range = "1..10000000",
	    .text = "Most lines it may change." },
	{ "issue-job.author-name", CONFIG_STR, .form = &form_author,
	    .fallback = "hookspool", .text = "Author and committer." },
	{ "issue-job.author-email", CONFIG_STR, .form = &form_author,
	    .fallback = "hookspool@localhost", .text = "Address of both." },
};

const struct config_area config_area_workspace = { "Workspaces", workspace,
	COUNT(workspace) };
