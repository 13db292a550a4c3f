/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>

#include "buf.h"
#include "cli/screen.h"
#include "clock.h"

static const struct {
	const char *why, *text, *want;
} text_cases[] = {
	{ "plain text stays", "feature/login v1.2 ok",
	    "feature/login v1.2 ok" },
	{ "so do letters of other scripts", "caf\xc3\xa9 \xe6\x97\xa5",
	    "caf\xc3\xa9 \xe6\x97\xa5" },
	{ "an escape sequence is shown", "\033[2J", "\\x1b[2J" },
	{ "a line stays one line", "a\nb\tc\rd", "a\\nb\\tc\\rd" },
	{ "DEL is shown", "\x7f", "\\x7f" },
	{ "C1's CSI is shown",
	    "\xc2\x9b"
	    "2J",
	    "\\u{9b}2J" },
	{ "a lone byte is shown",
	    "\x9b"
	    "2J",
	    "\\x9b2J" },
	{ "an overlong form is two bytes", "\xc0\xaf", "\\xc0\\xaf" },
	{ "a cut character is bytes", "\xe6\x97", "\\xe6\\x97" },
	{ "a surrogate is bytes", "\xed\xa0\x80", "\\xed\\xa0\\x80" },
	{ "right-to-left override is shown", "\xe2\x80\xae", "\\u{202e}" },
	{ "an isolate is shown", "\xe2\x81\xa6", "\\u{2066}" },
	{ "a byte order mark is shown", "\xef\xbb\xbf", "\\u{feff}" },
	{ "a tag is shown", "\xf3\xa0\x81\x81", "\\u{e0041}" },
	{ "an emoji stays", "\xf0\x9f\x9a\x80", "\xf0\x9f\x9a\x80" },
};

static const struct {
	const char *why, *json, *want;
} json_cases[] = {
	{ "ordinary JSON stays", "{\"a\":\"\xc3\xa9\"}\n",
	    "{\"a\":\"\xc3\xa9\"}\n" },
	{ "C1 becomes an escape", "\"\xc2\x9b\"", "\"\\u009b\"" },
	{ "DEL becomes an escape", "\"\x7f\"", "\"\\u007f\"" },
	{ "a high one becomes a pair", "\"\xf3\xa0\x81\x81\"",
	    "\"\\udb40\\udc41\"" },
};

static const struct {
	const char *why;
	int64_t seconds;
	const char *want;
} age_cases[] = {
	{ "no time at all", 0, "now" },
	{ "seconds up to two minutes", 119, "119s" },
	{ "minutes up to two hours", 120, "2m" },
	{ "hours up to two days", 7200, "2h" },
	{ "then days", 172800, "2d" },
	{ "times to come", -300, "in 5m" },
};

static const struct {
	int64_t ns;
	const char *want;
} duration_cases[] = {
	{ 400000, "0.4ms" },
	{ 12 * CLOCK_MSEC, "12ms" },
	{ 3250 * CLOCK_MSEC, "3.2s" },
	{ 250 * CLOCK_SECOND, "4m10s" },
	{ 7500 * CLOCK_SECOND, "2h05m" },
};

static const struct {
	uint64_t bytes;
	const char *want;
} size_cases[] = {
	{ 0, "0" },
	{ 1023, "1023" },
	{ 1024, "1.0k" },
	{ 26214400, "25.0M" },
	{ 1048575, "1.0M" },
	{ UINT64_MAX, "16.0E" },
};

static void
expect(struct buf *b, const char *want, const char *why)
{
	if (strcmp(b->data, want) != 0)
		fail_msg("%s: \"%s\", want \"%s\"", why, b->data, want);
	buf_reset(b);
}

static void
text_cannot_steer_a_terminal(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (size_t i = 0; i < sizeof text_cases / sizeof *text_cases; i++) {
		screen_text(&b, text_cases[i].text, strlen(text_cases[i].text));
		expect(&b, text_cases[i].want, text_cases[i].why);
	}
	screen_text(&b, "a\0b", 3);
	expect(&b, "a\\x00b", "a NUL is shown");
	for (size_t i = 0; i < sizeof json_cases / sizeof *json_cases; i++) {
		screen_json(&b, json_cases[i].json, strlen(json_cases[i].json));
		expect(&b, json_cases[i].want, json_cases[i].why);
	}
	buf_release(&b);
}

static void
figures_are_short(void **state)
{
	int64_t now = 1800000000 * CLOCK_SECOND;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (size_t i = 0; i < sizeof age_cases / sizeof *age_cases; i++) {
		screen_age(&b, now, now - age_cases[i].seconds * CLOCK_SECOND);
		expect(&b, age_cases[i].want, age_cases[i].why);
	}
	for (size_t i = 0; i < sizeof duration_cases / sizeof *duration_cases;
	     i++) {
		screen_duration(&b, duration_cases[i].ns);
		expect(&b, duration_cases[i].want, "duration");
	}
	for (size_t i = 0; i < sizeof size_cases / sizeof *size_cases; i++) {
		screen_size(&b, size_cases[i].bytes);
		expect(&b, size_cases[i].want, "size");
	}
	buf_release(&b);
}

static void
a_pipe_gets_whole_times(void **state)
{
	struct screen pipe = { 0 },
		      terminal = { .terminal = 1, .now = 61 * CLOCK_SECOND };
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	screen_when(&pipe, &b, CLOCK_SECOND);
	expect(&b, "1970-01-01T00:00:01.000000Z", "pipe");
	screen_when(&terminal, &b, CLOCK_SECOND);
	expect(&b, "60s", "terminal");
	screen_when(&pipe, &b, 0);
	expect(&b, "-", "no time");
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_cannot_steer_a_terminal),
		cmocka_unit_test(figures_are_short),
		cmocka_unit_test(a_pipe_gets_whole_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
