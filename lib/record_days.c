/* SPDX-License-Identifier: MIT */
/*
 * The files in log/ that hold records: one a day, webhooks_DAY.json.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "record_parts.h"
#include "spool_inside.h"

#define DAYS_MAX 4096 /* files; more than ten years */

int
record_day_valid(const char *name)
{
	static const char like[] = RECORD_PREFIX "dddd-dd-dd" RECORD_SUFFIX;

	if (strlen(name) != strlen(like))
		return 0;
	for (size_t i = 0; like[i] != '\0'; i++) {
		int is_digit = name[i] >= '0' && name[i] <= '9';
		int in_date = i >= strlen(RECORD_PREFIX) && like[i] == 'd';

		if (in_date ? !is_digit : name[i] != like[i])
			return 0;
	}
	return 1;
}

/* The days that the filter's times leave, by name. A record is in the file
 * of the day it was completed. */
static int
is_asked(const struct record_filter *f, const char *name)
{
	const char *day = name + strlen(RECORD_PREFIX);
	char first[CLOCK_DAY], last[CLOCK_DAY];

	if (f->since != 0) {
		clock_day(first, f->since);
		if (strncmp(day, first, CLOCK_DAY - 1) < 0)
			return 0;
	}
	if (f->until != 0) {
		clock_day(last, f->until);
		if (strncmp(day, last, CLOCK_DAY - 1) > 0)
			return 0;
	}
	return 1;
}

static int
add_day(struct record_days *days, const char *name)
{
	if (days->count == days->cap) {
		size_t cap = days->cap > 0 ? 2 * days->cap : 64;
		void *more = realloc(days->names, cap * sizeof *days->names);

		if (more == NULL)
			return -1;
		days->names = more;
		days->cap = cap;
	}
	/* record_day_valid() has seen its length. */
	memcpy(days->names[days->count++], name, strlen(name) + 1);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

int
record_days_list(struct record_days *days, struct spool *s,
    const struct record_filter *f, struct err *err)
{
	void *d;
	struct dirent *e;

	if (spool_open_names(s, SPOOL_LOG, &d, err) == -1)
		return -1;
	while ((e = readdir(d)) != NULL && days->count < DAYS_MAX) {
		if (!record_day_valid(e->d_name) || !is_asked(f, e->d_name))
			continue;
		if (add_day(days, e->d_name) == -1) {
			closedir(d);
			return err_set(
			    err, ERR_TEMP, 0, "records: out of memory");
		}
	}
	closedir(d);
	if (days->count > 0)
		qsort(days->names, days->count, RECORD_NAME, by_name);
	return 0;
}

void
record_days_release(struct record_days *days)
{
	free(days->names);
	*days = (struct record_days){ 0 };
}
