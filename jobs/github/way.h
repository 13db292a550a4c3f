/* SPDX-License-Identifier: MIT */
#ifndef GITHUB_WAY_H
#define GITHUB_WAY_H

#include <stddef.h>

#include "err.h"
#include "github/client.h"
#include "outbox.h"

struct buf;
struct config;
struct spool;
struct steplog;

/*
 * The two ways a commit is told of a job: a commit status, which any token
 * may write, and a check run, which only a GitHub App may. status.c walks the
 * one sequence that makes each appear once (look, store the intent, send,
 * store what came of it); a way says what to look for and what to send.
 *
 * A check run is made once a job and then changed in place. It is known by
 * its number, or where a crash or a lost reply cost us that, by its
 * external_id, which is the job's ID, and for the n-th run of the same job
 * the ID, a dot and n.
 */

struct sending {
	struct spool *spool;
	const struct config *config;
	struct github *gh;   /* NULL before it was opened */
	struct steplog *log; /* may be NULL */
	struct status_report *report;
	int superseded; /* a newer job speaks: close what is open */
};

#define WAY_PATH_MAX 2048

struct way {
	enum report_form form;

	/* Whom its calls are made as. */
	enum github_identity (*identity)(const struct github *gh);

	/* 1 if what was begun before must be looked for before sending. */
	int (*is_doubtful)(const struct status_report *r);

	/* As github_call.happened; `sending` is a struct sending. May find out
	 * the check run's number. */
	int (*look)(struct github *gh, void *sending, struct err *err);

	/* The request; returns its method. */
	const char *(*write)(
	    const struct sending *s, char path[WAY_PATH_MAX], struct buf *body);

	/* Takes from a 2xx what is worth keeping; its body may be anything. */
	void (*take)(struct status_report *r, const struct http_reply *reply);

	/* 1 if this answer means that this way is closed to us here. */
	int (*is_closed)(int status);
};

extern const struct way way_status, way_check;

#endif
