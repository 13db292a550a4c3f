/* SPDX-License-Identifier: MIT */
#ifndef EVENT_H
#define EVENT_H

#include <stddef.h>

/*
 * What is known of GitHub's webhook events before any handler looks at one:
 * one table row an event (docs.github.com, "Webhook events and payloads").
 *
 * The event's name comes in a header, and headers are not signed. `subject`
 * names the members that GitHub always puts in such a payload: a body that
 * lacks them was signed for another event and is refused. An event that the
 * table does not have is accepted on its name alone: GitHub adds events.
 *
 * Some events carry all that another has and more (issue_comment and issues,
 * deployment_status and deployment). `foreign` names the members by which the
 * richer one is known: a body that has one of them is refused too. All these
 * are members of the payload's top level; null counts as being there.
 */

struct event_kind {
	const char *name;	 /* value of X-GitHub-Event */
	const char *subject[3];	 /* members that must be there; NULL ends */
	const char *foreign[3];	 /* members that must not; NULL ends */
	const char *number_path; /* path of the issue or pull request number,
				  * or NULL */
	const char *sha_path;	 /* path of the commit it is about, or NULL */
	unsigned flags;
	const char *wanted_by; /* with EVENT_BUILTIN: only where the
				* repository has this key; NULL: always */
};

/* A newer one makes older queued ones of the same key and event moot. */
#define EVENT_RECHECK 1u

/* A handler of ours takes it, if the configuration has the repository. */
#define EVENT_BUILTIN 2u

/* The same, whatever the repository: a ping asks whether we are there. */
#define EVENT_ALWAYS 4u

/*
 * A job of this event tells its commit what becomes of it, as a commit
 * status. Events that statuses and checks themselves cause never do: each
 * report would cause the next.
 */
#define EVENT_REPORTS 8u

/* The row of `name`, or NULL. */
const struct event_kind *event_find(const char *name);

/* Row i of the table, NULL behind the last. */
const struct event_kind *event_at(size_t i);

/* 1 if `name` can be an event's name: [a-z0-9_]{1,64}. */
int event_name_valid(const char *name);

/*
 * 1 if a queued (event, action) is superseded by a newer one of its key: those
 * that only say that something should be looked at again. What a person asked
 * for (check_run "rerequested", "requested_action") never is. `action` may be
 * NULL or "".
 */
int event_supersedes(const char *event, const char *action);

#endif
