/* SPDX-License-Identifier: MIT */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stddef.h>

#include "err.h"
#include "reply.h"

struct job_head;
struct settings;

/*
 * What the responder reads from a payload whose signature holds: a handful
 * of members, in one pass, without building a tree.
 */

/*
 * Fills in the head's action, repository, number, key, sender, sha and id
 * from the body (of content type head->type). REPLY_NONE, or the answer,
 * with the reason in *why where there is a better one than the table's.
 *
 * Headers are not signed. The event's name is therefore checked against the
 * members that such a payload always has, and a ping's hook_id against the
 * header.
 */
enum reply_code payload_read(
    struct job_head *head, const char *body, size_t len, struct err *why);

/* REPLY_NONE if somebody wants the event: a hook, a handler of ours for a
 * repository we know, or it is a ping; else which it is not. */
enum reply_code payload_wanted(
    const struct job_head *head, const struct settings *s);

#endif
