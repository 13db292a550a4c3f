/* SPDX-License-Identifier: MIT */
/*
 * Whether a record is one of those that are looked for.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "clock.h"
#include "json.h"
#include "record_parts.h"

enum pick {
	PICK_TYPE,
	PICK_DELIVERY,
	PICK_DELIVERY_ID,
	PICK_REPOSITORY,
	PICK_SHORT,
	PICK_EVENT,
	PICK_STATUS,
	PICK_JOB,
	PICK_NUMBER,
	PICK_COMPLETED,
	PICKS,
};

static const char *const pick_paths[PICKS] = {
	[PICK_TYPE] = "type",
	[PICK_DELIVERY] = "hook_id",
	[PICK_DELIVERY_ID] = "delivery_id",
	[PICK_REPOSITORY] = "repository_full_name",
	[PICK_SHORT] = "repository",
	[PICK_EVENT] = "event_type",
	[PICK_STATUS] = "status",
	[PICK_JOB] = "job_id",
	[PICK_NUMBER] = "pr.number",
	[PICK_COMPLETED] = "timing.completed_at",
};

static int
compare(const struct json_pick *pick, const char *wanted,
    int (*differ)(const char *, const char *))
{
	struct buf b;
	int same;

	if (wanted == NULL)
		return 1;
	buf_init(&b, 4096);
	json_pick_string(pick, &b);
	same = b.state == BUF_OK && pick->type == JSON_STRING &&
	       differ(b.data, wanted) == 0;
	buf_release(&b);
	return same;
}

static int
is_text(const struct json_pick *pick, const char *wanted)
{
	return compare(pick, wanted, strcmp);
}

/* GitHub does not tell repositories by case; what others wrote may lack the
 * whole name. */
static int
is_repository(const struct json_pick *picks, const char *wanted)
{
	const struct json_pick *whole = &picks[PICK_REPOSITORY];

	return compare(whole->type == JSON_STRING ? whole : &picks[PICK_SHORT],
	    wanted, strcasecmp);
}

static int
is_in_time(const struct json_pick *pick, const struct record_filter *f)
{
	char text[64];
	int64_t wall;

	if (f->since == 0 && f->until == 0)
		return 1;
	if (pick->type != JSON_STRING || pick->len >= sizeof text)
		return 0;
	memcpy(text, pick->at, pick->len);
	text[pick->len] = '\0';
	if (clock_parse(&wall, text) == -1)
		return 0;
	return wall >= f->since && (f->until == 0 || wall < f->until);
}

/* A record without a type is some other program's of a job. */
static int
is_type(const struct json_pick *pick, const char *wanted)
{
	if (wanted == NULL)
		return !is_text(pick, RECORD_STATUS);
	return is_text(pick, wanted);
}

/* The job's ID begins with the number too, also of an issue. */
static int
is_number(const struct json_pick *picks, int64_t wanted)
{
	char start[32];
	int64_t n;
	size_t len;

	if (wanted == 0)
		return 1;
	if (json_pick_int(&n, &picks[PICK_NUMBER]) == 0)
		return n == wanted;
	len = (size_t)snprintf(start, sizeof start, "%jd-", (intmax_t)wanted);
	return picks[PICK_JOB].type == JSON_STRING &&
	       picks[PICK_JOB].len > len &&
	       memcmp(picks[PICK_JOB].at, start, len) == 0;
}

int
record_wanted(const struct record_filter *f, const char *text, size_t len)
{
	struct json_pick picks[PICKS] = { 0 };
	struct err ignored;

	for (size_t i = 0; i < PICKS; i++)
		picks[i].path = pick_paths[i];
	/* Also what is no JSON at all is passed over here. */
	if (json_scan(text, len, picks, PICKS, &ignored) == -1)
		return 0;
	return is_type(&picks[PICK_TYPE], f->type) &&
	       (is_text(&picks[PICK_DELIVERY], f->delivery) ||
		   is_text(&picks[PICK_DELIVERY_ID], f->delivery)) &&
	       is_repository(picks, f->repository) &&
	       is_text(&picks[PICK_EVENT], f->event) &&
	       is_text(&picks[PICK_STATUS], f->status) &&
	       is_text(&picks[PICK_JOB], f->job_id) &&
	       is_number(picks, f->number) &&
	       is_in_time(&picks[PICK_COMPLETED], f);
}
