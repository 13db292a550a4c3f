/* SPDX-License-Identifier: MIT */
#ifndef AGENT_MESSAGE_H
#define AGENT_MESSAGE_H

#include <stddef.h>

#include "err.h"

struct buf;
struct work;

/*
 * The words of the commit and of the pull request.
 *
 * The commit's message is `type(scope): summary`, a body, `Resolves #N` and
 * the trailers Hookspool-Job and Hookspool-Request. Type from the issue's
 * labels (the table in message.c; else feat), scope from the folder that all
 * changes are in (else issue-N), summary from the title. The command
 * may leave a message of its own in the file that HOOKSPOOL_MESSAGE_FILE
 * names: its first line takes the summary's place, or that of the whole first
 * line where it is conventional already; the rest becomes the body.
 */

#define MESSAGE_FILE_MAX 20000 /* bytes; a longer one is not read */
#define MESSAGE_SUBJECT	 72    /* characters of the first line */

/* `own` is the command's message or "". */
int message_write(struct buf *out, const struct work *w, const char *own,
    struct err *err) CHECKED;

/* 1 if the commit's message says that this job made it. */
int message_is_of_job(const char *message, const char *job_id);

/* The pull request's description. */
int message_pull(
    struct buf *out, const struct work *w, struct err *err) CHECKED;

#endif
