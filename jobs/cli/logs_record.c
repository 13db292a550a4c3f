/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "cli/cli.h"
#include "cli/job_find.h"
#include "cli/logs.h"
#include "cli/screen.h"
#include "clock.h"
#include "json.h"

static const char *repository_of(const struct json *record);
static int64_t number_of(const struct json *record);
static int64_t time_of(const struct json *record);
static int status_is(const struct json *record, const char *status);
static void print_steps(const struct screen *s, const struct json *record);
static void add_padded(struct buf *out, const char *text, size_t width);

int
logs_match(const struct logs_filter *f, const struct json *record)
{
	const char *delivery = json_str(json_get(record, "delivery_id"),
	    json_str(json_get(record, "hook_id"), ""));
	const char *job = json_str(json_get(record, "job_id"), "");
	int64_t when = time_of(record);

	/* What became of a commit status is `queue show`'s to tell. */
	if (strcmp(json_str(json_get(record, "type"), ""), RECORD_STATUS) == 0)
		return 0;
	if (f->delivery != NULL &&
	    strncasecmp(delivery, f->delivery, strlen(f->delivery)) != 0)
		return 0;
	if (f->job != NULL && !job_matches(job, f->job))
		return 0;
	if (f->repository != NULL &&
	    strcasecmp(repository_of(record), f->repository) != 0)
		return 0;
	if (f->event != NULL &&
	    strcmp(json_str(json_get(record, "event_type"), ""), f->event) != 0)
		return 0;
	if (f->status != NULL && !status_is(record, f->status))
		return 0;
	if (f->number != 0 && number_of(record) != f->number)
		return 0;
	if (f->since != 0 && when < f->since)
		return 0;
	return f->until == 0 || when <= f->until;
}

static int
status_is(const struct json *record, const char *status)
{
	return strcmp(json_str(json_get(record, "state"), ""), status) == 0 ||
	       strcmp(json_str(json_get(record, "status"), ""), status) == 0;
}

static const char *
repository_of(const struct json *record)
{
	return json_str(json_get(record, "repository_full_name"),
	    json_str(json_get(record, "repository"), ""));
}

static int64_t
number_of(const struct json *record)
{
	const char *job = json_str(json_get(record, "job_id"), "");

	return json_int(json_path(record, "pr.number"), strtoll(job, NULL, 10));
}

static int64_t
time_of(const struct json *record)
{
	int64_t when;

	if (clock_parse(&when,
		json_str(json_path(record, "timing.completed_at"), "")) == -1)
		return 0;
	return when;
}

int
logs_time(int64_t *out, const char *text, int64_t now)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char day[CLOCK_TEXT];
	int64_t n;
	char *end;

	if (clock_parse(out, text) == 0)
		return 0;
	if (strlen(text) == CLOCK_DAY - 1) {
		snprintf(day, sizeof day, "%sT00:00:00Z", text);
		if (clock_parse(out, day) == 0)
			return 0;
	}
	n = strtoll(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || n > 100000000 || end[0] == '\0' ||
	    end[1] != '\0')
		return -1;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (units[i].unit == end[0]) {
			*out = now - n * units[i].seconds * CLOCK_SECOND;
			return 0;
		}
	}
	return -1;
}

void
logs_print(const struct screen *s, const struct json *record, int steps)
{
	const char *state = json_str(json_get(record, "state"),
	    json_str(json_get(record, "status"), "?"));
	const char *reason = json_str(json_get(record, "reason"),
	    json_str(json_path(record, "error.message"), ""));
	int good = json_true(json_get(record, "success"));
	struct buf out, text;
	char time[CLOCK_TEXT];

	buf_init(&out, 65536);
	buf_init(&text, 4096);
	clock_text(time, time_of(record));
	buf_addf(&out, "%.19sZ  %s", time,
	    screen_style(s, good ? STYLE_GOOD : STYLE_BAD));
	add_padded(&out, state, 11);
	buf_addf(&out, "%s  ", screen_plain(s));
	job_event_text(&text, json_str(json_get(record, "event_type"), "?"),
	    json_str(json_get(record, "action"), ""));
	add_padded(&out, text.data, 24);
	buf_reset(&text);
	job_place_text(&text, repository_of(record), number_of(record));
	buf_adds(&out, "  ");
	add_padded(&out, text.data, 28);
	buf_reset(&text);
	screen_duration(&text,
	    json_int(json_path(record, "timing.duration_ms"), 0) * CLOCK_MSEC);
	buf_addf(&out, "  %7s  ", text.data);
	add_padded(&out, json_str(json_get(record, "job_id"), "?"), 0);
	if (reason[0] != '\0') {
		buf_adds(&out, "  ");
		add_padded(&out, reason, 0);
	}
	puts(out.data);
	if (steps)
		print_steps(s, record);
	buf_release(&text);
	buf_release(&out);
}

static void
print_steps(const struct screen *s, const struct json *record)
{
	JSON_EACH (step, json_get(record, "workflow_steps")) {
		const char *status = json_str(json_get(step, "status"), "?");
		const char *why = json_str(json_path(step, "error.message"),
		    json_str(json_get(step, "error"), ""));
		int failed = strncmp(status, "fail", 4) == 0;
		struct buf out;

		buf_init(&out, 65536);
		buf_adds(&out, "    ");
		add_padded(&out, json_name(step), 24);
		buf_addf(&out, "  %s",
		    screen_style(s, failed ? STYLE_BAD : STYLE_DIM));
		add_padded(&out, status, 10);
		buf_addf(&out, "%s  ", screen_plain(s));
		screen_duration(&out,
		    json_int(json_get(step, "duration_ms"), 0) * CLOCK_MSEC);
		if (why[0] != '\0') {
			buf_adds(&out, "  ");
			add_padded(&out, why, 0);
		}
		puts(out.data);
		buf_release(&out);
	}
}

static void
add_padded(struct buf *out, const char *text, size_t width)
{
	size_t at = out->len;

	screen_text(out, text, strlen(text));
	while (out->len - at < width && out->state == BUF_OK)
		buf_addc(out, ' ');
}
