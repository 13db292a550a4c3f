/* SPDX-License-Identifier: MIT */
#ifndef LOGS_H
#define LOGS_H

#include <stddef.h>
#include <stdint.h>

struct json;
struct screen;

/*
 * Which records `hookspool logs` shows, and how. The same filter serves
 * history (record_each() has weeded out most) and --follow.
 */

struct logs_filter {
	const char *delivery; /* a whole UUID or its beginning; NULL: any */
	const char *job;      /* job ID, delivery, or its beginning */
	const char *repository, *event, *status;
	int64_t number;	      /* 0: any */
	int64_t since, until; /* wall; 0: open */
};

/* 1 if the record is wanted. */
int logs_match(const struct logs_filter *filter, const struct json *record);

/*
 * A moment as operators write it: RFC 3339, a day ("2026-11-22", UTC), or an
 * age ("90s", "15m", "2h", "3d": that long before now). 0, or -1.
 */
int logs_time(int64_t *out, const char *text, int64_t now);

/* One line a record; with `steps` one more for each step. */
void logs_print(const struct screen *s, const struct json *record, int steps);

#endif
