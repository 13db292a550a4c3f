/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cli/cli.h"
#include "cli/screen.h"
#include "cli/table.h"

/*
 * Tables on the screen. Every character counts as one column: wide ones
 * shift what stands behind them, which harms nobody.
 */

struct table_cell {
	size_t at, len; /* in the table's text */
	enum style style;
};

static void end_cell(struct table *t, enum style style, size_t at);
static size_t columns_of(const char *text, size_t len);
static void print_row(const struct table *t, const struct screen *s,
    const size_t *widths, size_t first);
static void print_titles(
    const struct table *t, const struct screen *s, const size_t *widths);
static void print_cell(const struct screen *s, enum style style,
    const char *text, size_t len, size_t width, int right, int last);

void
table_init(struct table *t, const char *const *titles)
{
	memset(t, 0, sizeof *t);
	t->titles = titles;
	while (titles[t->columns] != NULL)
		t->columns++;
	if (t->columns > TABLE_COLUMNS)
		BUG("more columns than a table has");
	t->text = malloc(sizeof *t->text);
	if (t->text == NULL)
		fatal("out of memory");
	buf_init(t->text, SIZE_MAX / 2);
}

void
table_release(struct table *t)
{
	if (t->text != NULL)
		buf_release(t->text);
	free(t->text);
	free(t->cells);
	memset(t, 0, sizeof *t);
}

void
table_cell(struct table *t, enum style style, const char *text)
{
	size_t at = t->text->len;

	screen_text(t->text, text, strlen(text));
	end_cell(t, style, at);
}

void
table_cellf(struct table *t, enum style style, const char *fmt, ...)
{
	size_t at = t->text->len;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(t->text, fmt, ap);
	va_end(ap);
	end_cell(t, style, at);
}

void
table_when(struct table *t, const struct screen *s, int64_t then)
{
	size_t at = t->text->len;

	screen_when(s, t->text, then);
	end_cell(t, STYLE_PLAIN, at);
}

void
table_duration(struct table *t, int64_t ns)
{
	size_t at = t->text->len;

	screen_duration(t->text, ns);
	end_cell(t, STYLE_PLAIN, at);
}

void
table_size(struct table *t, uint64_t bytes)
{
	size_t at = t->text->len;

	screen_size(t->text, bytes);
	end_cell(t, STYLE_PLAIN, at);
}

static void
end_cell(struct table *t, enum style style, size_t at)
{
	if (t->ncells == t->room) {
		size_t room = t->room == 0 ? 64 : 2 * t->room;
		struct table_cell *cells =
		    reallocarray(t->cells, room, sizeof *cells);

		if (cells == NULL) {
			t->failed = 1;
			return;
		}
		t->cells = cells;
		t->room = room;
	}
	t->cells[t->ncells].at = at;
	t->cells[t->ncells].len = t->text->len - at;
	t->cells[t->ncells].style = style;
	t->ncells++;
}

int
table_print(const struct table *t, const struct screen *s)
{
	size_t widths[TABLE_COLUMNS];
	struct err err = { 0 };

	if (t->columns == 0)
		BUG("a table without columns");
	if (t->failed)
		err_set(&err, ERR_TEMP, 0, "out of memory");
	if (t->failed || buf_check(t->text, "the table", &err) == -1)
		return cli_error(&err);
	for (size_t i = 0; i < t->columns; i++) {
		const char *title = t->titles[i];

		widths[i] = strlen(title) - (title[0] == '>');
	}
	for (size_t i = 0; i < t->ncells; i++) {
		size_t width =
		    columns_of(t->text->data + t->cells[i].at, t->cells[i].len);

		if (width > widths[i % t->columns])
			widths[i % t->columns] = width;
	}
	print_titles(t, s, widths);
	for (size_t i = 0; i + t->columns <= t->ncells; i += t->columns)
		print_row(t, s, widths, i);
	return CLI_YES;
}

static void
print_titles(
    const struct table *t, const struct screen *s, const size_t *widths)
{
	for (size_t i = 0; i < t->columns; i++) {
		const char *title = t->titles[i];
		int right = title[0] == '>';

		print_cell(s, STYLE_HEAD, title + right, strlen(title + right),
		    widths[i], right, i + 1 == t->columns);
	}
}

static void
print_row(const struct table *t, const struct screen *s, const size_t *widths,
    size_t first)
{
	size_t columns = t->columns;

	/* No blanks at the end of a line. */
	while (columns > 1 && t->cells[first + columns - 1].len == 0)
		columns--;
	for (size_t i = 0; i < columns; i++) {
		const struct table_cell *c = &t->cells[first + i];

		print_cell(s, c->style, t->text->data + c->at, c->len,
		    widths[i], t->titles[i][0] == '>', i + 1 == columns);
	}
}

static void
print_cell(const struct screen *s, enum style style, const char *text,
    size_t len, size_t width, int right, int last)
{
	int pad = (int)(width - columns_of(text, len));

	if (right)
		printf("%*s", pad, "");
	if (style != STYLE_PLAIN)
		fputs(screen_style(s, style), stdout);
	fwrite(text, 1, len, stdout);
	if (style != STYLE_PLAIN)
		fputs(screen_plain(s), stdout);
	if (last)
		putchar('\n');
	else
		printf("%*s", (right ? 0 : pad) + 2, "");
}

/* Continuation bytes take no column: screen_text() left only valid UTF-8. */
static size_t
columns_of(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}
