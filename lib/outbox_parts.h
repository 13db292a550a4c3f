/* SPDX-License-Identifier: MIT */
#ifndef OUTBOX_PARTS_H
#define OUTBOX_PARTS_H

#include "buf.h"
#include "outbox.h"

/*
 * What outbox.c (the files and their locks) takes from outbox_file.c (the
 * text of one). For no one else.
 *
 * outbox_format() adds the report's lines; outbox_parse() reads them from
 * `text`, which it cuts up, and fails with ERR_BAD where a line is not what
 * it should be or the report is another job's than `name`.
 */

void outbox_format(struct buf *b, const struct status_report *report);
int outbox_parse(struct status_report *report, char *text, const char *name,
    struct err *err) CHECKED;

#endif
