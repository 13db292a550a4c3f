/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_problems.h"

static void
keep(struct problems *p, unsigned line, int warning, const char *text)
{
	struct problem *list;
	size_t bytes;

	if ((warning ? p->warnings++ : p->errors++) >= PROBLEMS_MAX)
		return;
	bytes = (p->count + 1) * sizeof *list;
	list = realloc(p->list, bytes);
	if (list != NULL) {
		p->list = list;
		list[p->count].text = strdup(text);
	}
	if (list == NULL || list[p->count].text == NULL) {
		p->no_memory = 1;
		return;
	}
	list[p->count].line = line;
	list[p->count].warning = warning;
	list[p->count].found = p->count;
	p->count++;
}

void
problem_syntax(struct problems *p, const struct config_source *source,
    unsigned line, unsigned column, const char *fmt, ...)
{
	char text[PROBLEM_TEXT];
	int len;
	va_list ap;

	if (line == 0)
		len = snprintf(text, sizeof text, "%s: ", source->name);
	else
		len = snprintf(text, sizeof text, "%s:%u:%u: ", source->name,
		    line, column);
	if (len < 0 || (size_t)len >= sizeof text)
		len = 0;
	va_start(ap, fmt);
	vsnprintf(text + len, sizeof text - (size_t)len, fmt, ap);
	va_end(ap);
	keep(p, line, 0, text);
}

__attribute__((format(printf, 5, 0))) static void
add(struct problems *p, int warning, const struct config_value *v,
    const char *path, const char *fmt, va_list ap)
{
	char text[PROBLEM_TEXT], place[PROBLEM_TEXT / 2];
	int len;

	value_place(place, sizeof place, v);
	len = snprintf(text, sizeof text, "%s: %s%s%s", place, path,
	    path[0] != '\0' ? ": " : "", warning ? "warning: " : "");
	if (len >= 0 && (size_t)len < sizeof text)
		vsnprintf(text + len, sizeof text - (size_t)len, fmt, ap);
	keep(p, v->line, warning, text);
}

void
problem_error(struct problems *p, const struct config_value *v,
    const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(p, 0, v, path, fmt, ap);
	va_end(ap);
}

void
problem_warning(struct problems *p, const struct config_value *v,
    const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(p, 1, v, path, fmt, ap);
	va_end(ap);
}

/* Errors before warnings, by line, in the order they were found. */
static int
in_order(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;

	if (x->warning != y->warning)
		return x->warning - y->warning;
	if (x->line != y->line)
		return x->line > y->line ? 1 : -1;
	return x->found > y->found ? 1 : -1;
}

static int
fill_report(struct problems *p, struct config_report *report)
{
	char **lines = calloc(p->count + 1, sizeof *lines);

	if (lines == NULL)
		return -1;
	*report = (struct config_report){ .lines = lines };
	for (size_t i = 0; i < p->count; i++) {
		lines[i] = p->list[i].text;
		p->list[i].text = NULL;
		report->errors += !p->list[i].warning;
		report->warnings += (size_t)p->list[i].warning;
	}
	return 0;
}

int
problems_finish(
    struct problems *p, struct config_report *report, struct err *err)
{
	int r = 0;

	if (p->count > 1)
		qsort(p->list, p->count, sizeof *p->list, in_order);
	if (p->no_memory)
		r = err_set(err, ERR_TEMP, 0, "out of memory");
	else if (p->errors > 0)
		r = err_set(err, ERR_CONF, 0, "%s", p->list[0].text);
	if (report != NULL && fill_report(p, report) == -1)
		r = err_set(err, ERR_TEMP, 0, "out of memory");
	for (size_t i = 0; i < p->count; i++)
		free(p->list[i].text);
	free(p->list);
	*p = (struct problems){ 0 };
	return r;
}

void
config_report_free(struct config_report *report)
{
	for (size_t i = 0; i < report->errors + report->warnings; i++)
		free(report->lines[i]);
	free(report->lines);
	*report = (struct config_report){ 0 };
}
