/* SPDX-License-Identifier: MIT */
#ifndef SCREEN_H
#define SCREEN_H

#include <stddef.h>
#include <stdint.h>

struct buf;

/*
 * What the operator sees. On a terminal: columns, colours, ages ("3m").
 * Into a pipe: the same columns without colours and with whole times, so
 * that the output can be kept and compared. With --json: one document.
 *
 * Branch names, titles, logins and command output are a stranger's. All text
 * that goes to a terminal passes screen_text(), which shows what could steer
 * the terminal or reorder the line as \xNN or \u{NNNN}. JSON documents pass
 * screen_json() for the same reason.
 *
 * NO_COLOR (any value but the empty one, see no-color.org) and TERM=dumb
 * switch colours off.
 */

enum style {
	STYLE_PLAIN,
	STYLE_GOOD,
	STYLE_WARN,
	STYLE_BAD,
	STYLE_DIM,
	STYLE_HEAD,
	STYLES,
};

struct screen {
	int terminal; /* standard output is one */
	int colour;
	int64_t now; /* wall clock ns, the same for all ages of one output */
};

void screen_init(struct screen *s);

/* Adds a stranger's text made harmless; line feeds are shown as \n. */
void screen_text(struct buf *out, const char *text, size_t len);

/* Adds a JSON document with what could steer a terminal as \uNNNN. */
void screen_json(struct buf *out, const char *json, size_t len);

/* "now", "45s", "3m", "2h", "5d"; "in 3m" for times to come. */
void screen_age(struct buf *out, int64_t now, int64_t then);
/* The age on a terminal, else the time as RFC 3339; "-" for 0. */
void screen_when(const struct screen *s, struct buf *out, int64_t then);
/* "0.4ms", "12ms", "3.2s", "4m10s", "2h05m" */
void screen_duration(struct buf *out, int64_t ns);
/* "512", "4.0k", "25.0M" */
void screen_size(struct buf *out, uint64_t bytes);

/* Text in a style to standard output; no newline. */
void screen_print(const struct screen *s, enum style style, const char *text);
/* The escape sequence that begins a style, "" without colours. */
const char *screen_style(const struct screen *s, enum style style);
const char *screen_plain(const struct screen *s);

/* Prints a finished JSON document and a newline; the exit code. */
int screen_document(const struct buf *json);

#endif
