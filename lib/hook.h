/* SPDX-License-Identifier: MIT */
#ifndef HOOK_H
#define HOOK_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct buf;
struct config;
struct job_head;
struct json;

/*
 * Command hooks: what the configuration's `hooks:` say, compiled once, and
 * the question whether an event is one of theirs.
 *
 * The responder asks hooks_want() with what it knows from the head alone
 * (event, action, repository), so that nothing is queued that no hook could
 * want. The worker asks hook_match() with the whole payload.
 *
 * hooks:                        # top level, or in a repository's block
 *   - name: deploy              # [A-Za-z0-9._-]{1,64}, unique
 *     events: [push]            # default: every event
 *     actions: [opened]         # default: every action
 *     branches: [main, "rel-*"] # globs; the ref pushed, or the base branch
 *     tags: ["v*"]              # globs; tag pushes only
 *     labels: [deploy]          # any of them on the issue or pull request
 *     match:                    # a rule, see below
 *     command: [/usr/local/bin/deploy, "{{ref}}"]
 *     environment: {REF: "{{ref}}"}
 *     stdin: payload            # or none (default)
 *     payload-file: true        # HOOKSPOOL_PAYLOAD names a file
 *     working-directory: /srv/app
 *     workspace: head           # or merge, tag, default-branch: a checkout,
 *                               # in place of a working-directory
 *     timeout: 10m
 *     retries: 0
 *     key: "deploy-{{repository.full_name}}"
 *     sandbox: none             # none, limits, strict
 *     network: true             # strict only; default: false there
 *     writable: [/srv/www]      # limits, strict: besides working-directory
 *     readable: [/opt/tool]     # strict: besides the system's programs
 *
 * A rule is a mapping with one of:
 *   and: [rule...]   or: [rule...]   not: rule
 *   value: {path: pusher.name, equals: octocat}     # or a list of values;
 *                                  # without equals: is there and not null
 *   regex: {path: ref, pattern: "^refs/heads/"}     # POSIX extended
 *   cidr: 192.0.2.0/24  (or a list)                 # the client's address
 *
 * Branches and tags are matched as lib/glob.h says ("*" stops at a "/").
 *
 * A path reads the payload ("head_commit.id", "commits.0.id"); paths that
 * begin with "@" read the head (@event, @action, @delivery, @hook_id,
 * @repository, @number, @sender, @peer, @sha, @job_id, @request_id).
 * "@payload" is the whole payload, as compact JSON. {{path}} in a command's
 * item, the environment, the key is replaced by the value, which stays inside
 * its one argument.
 */

#define HOOK_NAME_MAX  65     /* bytes, with the NUL */
#define HOOK_VALUE_MAX 131072 /* bytes: MAX_ARG_STRLEN, execve(2) */

enum hook_workspace {
	WORKSPACE_NONE,
	WORKSPACE_HEAD,
	WORKSPACE_MERGE,
	WORKSPACE_TAG,
	WORKSPACE_DEFAULT,
};

enum hook_sandbox { SANDBOX_NONE, SANDBOX_LIMITS, SANDBOX_STRICT };

struct hook_env {
	const char *name, *value; /* value is a template */
};

struct hook_rule;

struct hook {
	const char *name;
	const char *repository;	   /* NULL: a hook of the top level */
	const char *const *events; /* NULL-terminated; NULL: every one */
	const char *const *actions;
	const char *const *branches;
	const char *const *tags;
	const char *const *labels;
	const struct hook_rule *match;	    /* NULL: always */
	const char *const *command;	    /* NULL-terminated templates */
	const struct hook_env *environment; /* name NULL ends */
	int payload_on_stdin, payload_file;
	const char *working_directory; /* NULL: an empty scratch directory */
	enum hook_workspace workspace; /* where the command runs, if set */
	int64_t timeout;	       /* ns */
	unsigned retries;
	const char *key; /* template, NULL: none */
	enum hook_sandbox sandbox;
	int network;		     /* reach other machines from strict */
	const char *const *writable; /* NULL: none */
	const char *const *readable;
};

struct hooks; /* all of a configuration, compiled */

/* ERR_CONF with file and line on the first mistake. */
int hooks_compile(
    struct hooks **out, const struct config *config, struct err *err) CHECKED;
void hooks_free(struct hooks *hooks);

size_t hooks_count(const struct hooks *hooks);
const struct hook *hooks_at(const struct hooks *hooks, size_t i);

/* 1 if some hook could want this event, judged by the head alone. */
int hooks_want(const struct hooks *hooks, const struct job_head *head);

/* 1 if this hook wants this event; `why` (may be NULL) gets the first
 * condition that does not hold. */
int hook_match(const struct hook *hook, const struct job_head *head,
    const struct json *payload, struct buf *why);

/* Adds the template with its values put in. A path that is not there, and
 * null, give nothing; an object or array gives its JSON. Buffers are born
 * with a maximum: HOOK_VALUE_MAX - 1 for what goes to a command. */
void hook_expand(struct buf *out, const char *template_text,
    const struct job_head *head, const struct json *payload);

/*
 * The whole command with its values put in, NULL-terminated, to be freed
 * with hook_argv_free(). ERR_BAD where a value is too long for one argument,
 * and where an item that begins with a value would come out as an option
 * ("-x"): a stranger could then give the command options. Items behind a
 * literal "--" are not looked at, for there a command takes no options.
 */
int hook_argv(char ***argv, const struct hook *hook,
    const struct job_head *head, const struct json *payload,
    struct err *err) CHECKED;

/* The hook's environment as "NAME=value", likewise. */
int hook_environment(char ***env, const struct hook *hook,
    const struct job_head *head, const struct json *payload,
    struct err *err) CHECKED;
void hook_argv_free(char **argv);

/* "none", "limits", "strict". */
const char *hook_sandbox_name(enum hook_sandbox sandbox);

#endif
