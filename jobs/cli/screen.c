/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cli/cli.h"
#include "cli/screen.h"
#include "clock.h"
#include "utf8.h"

static const char *const sequences[STYLES] = {
	[STYLE_PLAIN] = "",
	[STYLE_GOOD] = "\033[32m",
	[STYLE_WARN] = "\033[33m",
	[STYLE_BAD] = "\033[31m",
	[STYLE_DIM] = "\033[2m",
	[STYLE_HEAD] = "\033[1m",
};

/*
 * Code points that a terminal obeys or that reorder what stands around them
 * (UAX #9 explicit formatting, "Trojan Source"), or that show nothing.
 */
static const struct {
	unsigned first, last;
} unsafe[] = {
	{ 0x00, 0x1f },
	{ 0x7f, 0x9f },	    /* DEL and C1: U+009B begins a sequence */
	{ 0xad, 0xad },	    /* soft hyphen */
	{ 0x061c, 0x061c }, /* Arabic letter mark */
	{ 0x180e, 0x180e },
	{ 0x200b, 0x200f }, /* zero width, direction marks */
	{ 0x2028, 0x202e }, /* line separators, embeddings, overrides */
	{ 0x2060, 0x206f }, /* word joiner, isolates */
	{ 0xfe00, 0xfe0f }, /* variation selectors */
	{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
	{ 0xe0000, 0xe0fff }, /* tags, variation selectors */
};

static unsigned decode(const char *text, size_t len, size_t *used);
static int is_unsafe(unsigned point);

void
screen_init(struct screen *s)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

	s->terminal = isatty(STDOUT_FILENO);
	s->colour = s->terminal &&
		    (no_colour == NULL || no_colour[0] == '\0') &&
		    term != NULL && strcmp(term, "dumb") != 0;
	s->now = clock_wall();
}

void
screen_text(struct buf *out, const char *text, size_t len)
{
	size_t used;

	for (size_t at = 0; at < len; at += used) {
		unsigned point = decode(text + at, len - at, &used);

		if (used == 0) {
			buf_addf(out, "\\x%02x", (unsigned char)text[at]);
			used = 1;
		} else if (!is_unsafe(point)) {
			buf_add(out, text + at, used);
		} else if (point == '\n' || point == '\t' || point == '\r') {
			buf_adds(out, point == '\n'   ? "\\n"
				      : point == '\t' ? "\\t"
						      : "\\r");
		} else if (point < 0x80) {
			buf_addf(out, "\\x%02x", point);
		} else {
			buf_addf(out, "\\u{%x}", point);
		}
	}
}

/* Outside of strings valid JSON has none of these but white space. */
void
screen_json(struct buf *out, const char *json, size_t len)
{
	size_t used;

	for (size_t at = 0; at < len; at += used) {
		unsigned point = decode(json + at, len - at, &used);

		if (used == 0) {
			buf_adds(out, "\\ufffd");
			used = 1;
		} else if (point < 0x20 || !is_unsafe(point)) {
			buf_add(out, json + at, used);
		} else if (point < 0x10000) {
			buf_addf(out, "\\u%04x", point);
		} else {
			buf_addf(out, "\\u%04x\\u%04x",
			    0xd800 + ((point - 0x10000) >> 10),
			    0xdc00 + ((point - 0x10000) & 0x3ff));
		}
	}
}

/* *used is 0 where the bytes are no character. */
static unsigned
decode(const char *text, size_t len, size_t *used)
{
	unsigned char c = (unsigned char)text[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	unsigned point;

	*used = 0;
	if (n > len || utf8_valid(text, n) != n)
		return 0;
	*used = n;
	if (n == 1)
		return c;
	point = c & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		point = point << 6 | ((unsigned char)text[i] & 0x3fu);
	return point;
}

static int
is_unsafe(unsigned point)
{
	for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++) {
		if (point >= unsafe[i].first && point <= unsafe[i].last)
			return 1;
	}
	return 0;
}

void
screen_age(struct buf *out, int64_t now, int64_t then)
{
	int64_t s = (now - then) / CLOCK_SECOND;

	if (s < 0) {
		buf_adds(out, "in ");
		s = -s;
	}
	if (s == 0 && then <= now)
		buf_adds(out, "now");
	else if (s < 120)
		buf_addf(out, "%" PRId64 "s", s);
	else if (s < 120 * 60)
		buf_addf(out, "%" PRId64 "m", s / 60);
	else if (s < INT64_C(48) * 3600)
		buf_addf(out, "%" PRId64 "h", s / 3600);
	else
		buf_addf(out, "%" PRId64 "d", s / 86400);
}

void
screen_when(const struct screen *s, struct buf *out, int64_t then)
{
	char text[CLOCK_TEXT];

	if (then == 0) {
		buf_adds(out, "-");
	} else if (s->terminal) {
		screen_age(out, s->now, then);
	} else {
		clock_text(text, then);
		buf_adds(out, text);
	}
}

void
screen_duration(struct buf *out, int64_t ns)
{
	int64_t s = ns / CLOCK_SECOND;

	if (ns < 10 * CLOCK_MSEC)
		buf_addf(out, "%.1fms", (double)ns / 1e6);
	else if (s < 1)
		buf_addf(out, "%" PRId64 "ms", ns / CLOCK_MSEC);
	else if (s < 60)
		buf_addf(out, "%" PRId64 ".%" PRId64 "s", s,
		    ns / (100 * CLOCK_MSEC) % 10);
	else if (s < 3600)
		buf_addf(out, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
	else
		buf_addf(
		    out, "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
}

void
screen_size(struct buf *out, uint64_t bytes)
{
	static const char units[] = "kMGTPE";
	double n = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024) {
		buf_addf(out, "%" PRIu64, bytes);
		return;
	}
	for (n /= 1024; n >= 1023.95 && units[unit + 1] != '\0'; n /= 1024)
		unit++;
	buf_addf(out, "%.1f%c", n, units[unit]);
}

const char *
screen_style(const struct screen *s, enum style style)
{
	return s->colour ? sequences[style] : "";
}

const char *
screen_plain(const struct screen *s)
{
	return s->colour ? "\033[0m" : "";
}

void
screen_print(const struct screen *s, enum style style, const char *text)
{
	if (style == STYLE_PLAIN)
		fputs(text, stdout);
	else
		printf("%s%s%s", screen_style(s, style), text, screen_plain(s));
}

int
screen_document(const struct buf *json)
{
	struct err err = { 0 };
	struct buf out;
	int code = CLI_YES;

	buf_init(&out, SIZE_MAX / 2);
	if (buf_check(json, "the document", &err) == 0) {
		screen_json(&out, json->data, json->len);
		buf_addc(&out, '\n');
	}
	if (err.class != ERR_NONE || buf_check(&out, "output", &err) == -1)
		code = cli_error(&err);
	else
		fwrite(out.data, 1, out.len, stdout);
	buf_release(&out);
	return code;
}
