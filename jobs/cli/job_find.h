/* SPDX-License-Identifier: MIT */
#ifndef JOB_FIND_H
#define JOB_FIND_H

#include "spool.h"

struct buf;
struct cli;

/*
 * The job an operator means. A whole job ID, a delivery's UUID, or the
 * beginning of either, at least JOB_PREFIX characters: a job whose ID begins
 * so, or whose delivery does.
 *
 * job_find() answers 0, or the exit code after it said on standard error
 * that there is none, or which ones there are.
 */

#define JOB_PREFIX     4
#define JOB_CANDIDATES 10 /* shown of an ambiguous prefix */

struct job_ref {
	unsigned state; /* SPOOL_NEW ... */
	struct spool_name name;
};

int job_find(struct cli *cli, const char *text, struct job_ref *out);

/* 1 if `text`, in lower case, is the beginning of the job's ID or of its
 * delivery's. */
int job_matches(const char *id, const char *text);

/* 1 if `text` could be a job's or delivery's name or its beginning. */
int job_text_valid(const char *text);

/* The members of a head, for JSON documents, into the object being written.*/
struct job_head;
void job_head_json(struct buf *out, const struct job_head *head);

/* "push", "issue_comment.created"; "owner/name#7". */
void job_event_text(struct buf *out, const char *event, const char *action);
void job_place_text(struct buf *out, const char *repository, int64_t number);

#endif
