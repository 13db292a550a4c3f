/* SPDX-License-Identifier: MIT */
#ifndef RECORD_PARTS_H
#define RECORD_PARTS_H

#include "record.h"

struct buf;
struct spool;

/*
 * The pieces that record_*.c are made of: building a record's text, its two
 * forms, which one a filter wants, and the days' files.
 */

#define RECORD_MAX    (1024 * 1024) /* bytes of one; readers skip longer ones */
#define RECORD_PREFIX "webhooks_"
#define RECORD_SUFFIX ".json" /* of the day's file in log/ */

/* Adds the record on one line, without a newline. */
int record_build(struct buf *b, struct spool *s, const struct record *record,
    struct err *err) CHECKED;

/* Appends one JSON object to the file of the day `when` (wall) lies in; masks
 * secrets in it. */
int record_append_text(struct spool *s, struct buf *json, int64_t when,
    enum record_form form, struct err *err) CHECKED;

/* Adds the same JSON with line breaks and two spaces a level. */
void record_indent(struct buf *b, const char *text, size_t len);

/* "500ms", "7s712ms", "3m12s", "1h5m". */
void record_duration(struct buf *b, int64_t ms);

/* What the step log says of a job's last attempt. */
struct job_steps;

int job_steps_read(struct job_steps **out, struct spool *s, const char *id,
    struct err *err) CHECKED;
void job_steps_free(struct job_steps *steps);

/* The members they give to a record. `whole`: with the steps' data. */
void job_steps_put(struct buf *b, const struct job_steps *steps, int whole);

/* 1 if a step failed, or says in its data that it did not succeed. */
int job_steps_partial(const struct job_steps *steps);

/* The last error's JSON object, or NULL. */
const char *job_steps_error(const struct job_steps *steps);

/* "[name:status(dur), ...]" and calls of the API, for the summary. */
void job_steps_summary(struct buf *b, const struct job_steps *steps);
int64_t job_steps_calls(const struct job_steps *steps);

/* JSON of what the worker found out, or NULL: "pr", "api_user". */
const char *job_steps_about(const struct job_steps *steps, const char *key);

/* ---- the days' files ---- */

/* 1 if the filter wants the record with this text. */
int record_wanted(
    const struct record_filter *filter, const char *text, size_t len);

#define RECORD_NAME 40 /* bytes of a file's name, with its NUL */

struct record_days {
	char (*names)[RECORD_NAME]; /* oldest first */
	size_t count, cap;
};

/* 1 if `name` is webhooks_DAY.json. */
int record_day_valid(const char *name);

/* The files of the days that the filter's times leave. */
int record_days_list(struct record_days *days, struct spool *s,
    const struct record_filter *filter, struct err *err) CHECKED;
void record_days_release(struct record_days *days);

#endif
