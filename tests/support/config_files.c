/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "config.h"
#include "config_files.h"
#include "err.h"
#include "filetree.h"

void
config_dir_make(struct config_dir *d)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(d->path, sizeof d->path, "%.100s/config-XXXXXX",
	    tmp != NULL && tmp[0] != '\0' ? tmp : "/tmp");
	assert_non_null(mkdtemp(d->path));
	snprintf(d->file, sizeof d->file, "%s/config.yaml", d->path);
}

void
config_dir_remove(struct config_dir *d)
{
	struct err err;

	assert_int_equal(filetree_remove(AT_FDCWD, d->path, &err), 0);
}

void
config_dir_write(
    const struct config_dir *d, const char *name, const char *text, size_t len)
{
	char path[512];
	int fd;

	snprintf(path, sizeof path, "%s/%s", d->path,
	    name != NULL ? name : "config.yaml");
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	assert_int_equal(close(fd), 0);
}

struct config *
config_of(const struct config_dir *d, const char *text)
{
	struct config *c = NULL;
	struct err err = { 0 };

	config_dir_write(d, NULL, text, strlen(text));
	if (config_load(&c, d->file, NULL, &err) == -1)
		fail_msg("%s\n%s", err.text, text);
	return c;
}

/* Exactly one error, with exactly this text, in the report and in err. */
static void
check_report(const struct wrong_file *row, int r, struct config_report *report,
    const struct err *err)
{
	if (r != -1)
		fail_msg("%s: was taken:\n%s", row->rule, row->text);
	if (report->errors == 0)
		fail_msg("%s: no line, but %s", row->rule, err->text);
	if (strcmp(report->lines[0], row->want) != 0)
		fail_msg("%s:\n  got  %s\n  want %s", row->rule,
		    report->lines[0], row->want);
	if (report->errors != 1)
		fail_msg("%s: also %s", row->rule, report->lines[1]);
	assert_int_equal(err->class, ERR_CONF);
	assert_int_equal(
	    strncmp(err->text, row->want, sizeof err->text - 1), 0);
	config_report_free(report);
}

void
check_wrong_files(const struct wrong_file *rows, size_t n)
{
	struct config_dir d;

	config_dir_make(&d);
	for (size_t i = 0; i < n; i++) {
		struct config_report report = { 0 };
		struct config *c = NULL;
		struct err err = { 0 };
		int r;

		config_dir_write(&d, NULL, rows[i].text, strlen(rows[i].text));
		r = config_load(&c, d.file, &report, &err);
		check_report(&rows[i], r, &report, &err);
		assert_null(c); /* left as it was */
	}
	config_dir_remove(&d);
}

void
check_wrong_local(const struct wrong_file *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct config_report report = { 0 };
		struct config *c = NULL;
		struct err err = { 0 };
		int r = config_overlay(&c, NULL, "org/api", rows[i].text,
		    strlen(rows[i].text), &report, &err);

		check_report(&rows[i], r, &report, &err);
		assert_null(c);
	}
}
