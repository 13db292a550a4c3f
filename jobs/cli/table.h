/* SPDX-License-Identifier: MIT */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "cli/screen.h"

struct buf;

/*
 * Tables on the screen: text cells in columns as wide as they must be.
 *
 * Calling sequence: table_init() with the columns' titles, table_cell() and
 * its friends for each cell from left to right, row by row, table_print(),
 * table_release(). Widths are found when printing. A column whose title
 * begins with '>' is set right. The table owns the cells' texts; the titles
 * are borrowed. Memory that runs out is reported by table_print().
 */
#define TABLE_COLUMNS 12

struct table_cell;
struct table {
	const char *const *titles; /* NULL-terminated, borrowed */
	size_t columns;
	struct table_cell *cells;
	size_t ncells, room;
	struct buf *text; /* all cells' texts, one behind the other */
	int failed;	  /* memory ran out: table_print() says so */
};

void table_init(struct table *t, const char *const *titles);
void table_release(struct table *t);

/* A cell of a stranger's text, or of ours. */
void table_cell(struct table *t, enum style style, const char *text);
void table_cellf(struct table *t, enum style style, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void table_when(struct table *t, const struct screen *s, int64_t then);
void table_duration(struct table *t, int64_t ns);
void table_size(struct table *t, uint64_t bytes);

/* The exit code: 0, or that of an error that was reported. */
int table_print(const struct table *t, const struct screen *s);

#endif
