/* SPDX-License-Identifier: MIT */
/*
 * A report as the text of its file in out/: one line a field, in the order
 * of the table below, each once.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "outbox_parts.h"

static const char *const state_names[] = { "none", "pending", "success",
	"failure", "error" };
static const char *const result_names[] = { "waiting", "reported", "refused",
	"expired", "superseded" };
static const char *const form_names[] = { "none", "status", "check" };

#define COUNT(array) (sizeof(array) / sizeof *(array))

const char *
commit_state_name(enum commit_state state)
{
	return state_names[state];
}

const char *
status_result_name(enum status_result result)
{
	return result_names[result];
}

const char *
report_form_name(enum report_form form)
{
	return form_names[form];
}

enum line_type {
	LINE_TEXT,
	LINE_STATE,
	LINE_FORM,
	LINE_RESULT,
	LINE_TIME,
	LINE_COUNT,
	LINE_NUMBER,
};

/* One row a line, in the order of the file. */
static const struct {
	const char *key;
	enum line_type type;
	size_t at, size;
} lines[] = {
#define LINE(key, type, field)                                                 \
	{                                                                      \
		key, type, offsetof(struct status_report, field),              \
		    sizeof(((struct status_report *)0)->field)                 \
	}
	LINE("Job", LINE_TEXT, job_id),
	LINE("Request", LINE_TEXT, request_id),
	LINE("Delivery", LINE_TEXT, delivery),
	LINE("Repository", LINE_TEXT, repository),
	LINE("Commit", LINE_TEXT, sha),
	LINE("Context", LINE_TEXT, context),
	LINE("Target", LINE_TEXT, target),
	LINE("Description", LINE_TEXT, description),
	LINE("State", LINE_STATE, state),
	LINE("Outcome", LINE_TEXT, outcome),
	LINE("Run", LINE_COUNT, run),
	LINE("Form", LINE_FORM, form),
	LINE("Check", LINE_NUMBER, check),
	LINE("Attempted", LINE_STATE, attempted),
	LINE("Posted", LINE_STATE, posted),
	LINE("Result", LINE_RESULT, result),
	LINE("Tries", LINE_COUNT, tries),
	LINE("Received", LINE_TIME, received),
	LINE("Wanted", LINE_TIME, wanted),
	LINE("Due", LINE_TIME, due),
	LINE("Words", LINE_TEXT, words),
};

static void
put_line(struct buf *b, size_t row, const struct status_report *report)
{
	const void *field = (const char *)report + lines[row].at;
	char time[CLOCK_TEXT];

	buf_addf(b, "%s: ", lines[row].key);
	switch (lines[row].type) {
	case LINE_TEXT:
		buf_adds(b, field);
		break;
	case LINE_STATE:
		buf_adds(b, state_names[*(const enum commit_state *)field]);
		break;
	case LINE_FORM:
		buf_adds(b, form_names[*(const enum report_form *)field]);
		break;
	case LINE_RESULT:
		buf_adds(b, result_names[*(const enum status_result *)field]);
		break;
	case LINE_TIME:
		clock_text_ns(time, *(const int64_t *)field);
		buf_adds(b, time);
		break;
	case LINE_COUNT:
		buf_addf(b, "%u", *(const unsigned *)field);
		break;
	case LINE_NUMBER:
		buf_addf(b, "%" PRId64, *(const int64_t *)field);
		break;
	}
	buf_addc(b, '\n');
}

static int
find_name(const char *const *names, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], text) == 0)
			return (int)i;
	}
	return -1;
}

/* 0, or -1 where the value is not one of the line's type. */
static int
take_value(struct status_report *report, size_t row, const char *value)
{
	void *field = (char *)report + lines[row].at;
	int index = 0;

	switch (lines[row].type) {
	case LINE_TEXT:
		if (strlen(value) >= lines[row].size)
			return -1;
		memcpy(field, value, strlen(value) + 1);
		break;
	case LINE_STATE:
		index = find_name(state_names, COUNT(state_names), value);
		*(enum commit_state *)field = (enum commit_state)index;
		break;
	case LINE_FORM:
		index = find_name(form_names, COUNT(form_names), value);
		*(enum report_form *)field = (enum report_form)index;
		break;
	case LINE_RESULT:
		index = find_name(result_names, COUNT(result_names), value);
		*(enum status_result *)field = (enum status_result)index;
		break;
	case LINE_TIME:
		return clock_parse(field, value);
	case LINE_COUNT:
		*(unsigned *)field = (unsigned)strtoul(value, NULL, 10);
		break;
	case LINE_NUMBER:
		*(int64_t *)field = strtoll(value, NULL, 10);
		break;
	}
	return index == -1 ? -1 : 0;
}

/* The lines stand in the table's order, each once; `text` is cut up. */
int
outbox_parse(
    struct status_report *report, char *text, const char *name, struct err *err)
{
	struct status_report r = { 0 };
	char *rest = text;

	for (size_t i = 0; i < COUNT(lines); i++) {
		char *line = strsep(&rest, "\n");
		size_t len = strlen(lines[i].key);

		if (line == NULL || rest == NULL ||
		    strncmp(line, lines[i].key, len) != 0 ||
		    strncmp(line + len, ": ", 2) != 0 ||
		    take_value(&r, i, line + len + 2) == -1)
			return err_set(err, ERR_BAD, 0,
			    "out/%.64s: line %zu is not \"%s: ...\"", name,
			    i + 1, lines[i].key);
	}
	if (strcmp(r.job_id, name) != 0)
		return err_set(err, ERR_BAD, 0,
		    "out/%.64s: is the report of another job", name);
	*report = r;
	return 0;
}

void
outbox_format(struct buf *b, const struct status_report *report)
{
	for (size_t i = 0; i < COUNT(lines); i++)
		put_line(b, i, report);
}
