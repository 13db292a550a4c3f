/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "runner/report.h"

#define TIME_DIGITS 11 /* the year 5138: enough, and no overflow in ns */

/* ---- the worker's side ---- */

static void
send_line(const char *kind, const char *text)
{
	char line[ERR_TEXT_MAX + 32];
	const char *fd = getenv(REPORT_ENV);
	ssize_t ignored;
	int len;

	if (fd == NULL || !isdigit((unsigned char)*fd))
		return;
	len = snprintf(line, sizeof line, "%s %.*s", kind, ERR_TEXT_MAX, text);
	for (int i = 0; i < len; i++) {
		if (line[i] == '\n')
			line[i] = ' ';
	}
	line[len++] = '\n';
	ignored = write(atoi(fd), line, (size_t)len);
	(void)ignored;
}

void
report_reason(const char *text)
{
	send_line("reason", text);
}

void
report_unreadable(const char *text)
{
	send_line("unreadable", text);
}

void
report_retry_at(int64_t wall)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, wall / CLOCK_SECOND);
	send_line("retry-at", text);
}

/* ---- the runner's side ---- */

static void
take_reason(struct report *out, const char *text, size_t len)
{
	if (len >= sizeof out->reason)
		len = sizeof out->reason - 1;
	memcpy(out->reason, text, len);
	out->reason[len] = '\0';
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			out->reason[i] = ' ';
	}
}

static void
take_unreadable(struct report *out, const char *text, size_t len)
{
	out->unreadable = 1;
	take_reason(out, text, len);
}

static void
take_retry_at(struct report *out, const char *text, size_t len)
{
	int64_t seconds = 0;

	if (len == 0 || len > TIME_DIGITS)
		return;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i]))
			return;
		seconds = seconds * 10 + (text[i] - '0');
	}
	out->retry_at = seconds * CLOCK_SECOND;
}

static const struct {
	const char *kind;
	void (*take)(struct report *out, const char *text, size_t len);
} kinds[] = {
	{ "reason ", take_reason },
	{ "retry-at ", take_retry_at },
	{ "unreadable ", take_unreadable },
};

static void
parse_line(struct report *out, const char *line, size_t len)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		size_t word = strlen(kinds[i].kind);

		if (len < word || memcmp(line, kinds[i].kind, word) != 0)
			continue;
		kinds[i].take(out, line + word, len - word);
		return;
	}
}

void
report_parse(struct report *out, const char *text, size_t len)
{
	const char *end = text + len, *newline;

	memset(out, 0, sizeof *out);
	/* A line without its newline was torn by the worker's death. */
	while ((newline = memchr(text, '\n', (size_t)(end - text))) != NULL) {
		parse_line(out, text, (size_t)(newline - text));
		text = newline + 1;
	}
}

void
report_read(struct report *out, int fd)
{
	char text[REPORT_MAX];
	size_t len = 0;

	while (len < sizeof text) {
		ssize_t n = read(fd, text + len, sizeof text - len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	report_parse(out, text, len);
}
