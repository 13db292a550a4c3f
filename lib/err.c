/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

/* One row a class: everything the outside sees of it. */
static const struct {
	int http_status, exit_code;
} outside[] = {
	[ERR_NONE] = { 200, EXIT_DONE },
	[ERR_TEMP] = { 503, EXIT_TRYAGAIN },
	[ERR_PERM] = { 500, EXIT_FAILED },
	[ERR_BAD] = { 400, EXIT_FAILED },
	[ERR_CONF] = { 503, EXIT_FAILED },
};

static const int passing_errnos[] = { EAGAIN, EBUSY, EDQUOT, EINTR, EIO, EMFILE,
	ENFILE, ENOBUFS, ENOLCK, ENOMEM, ENOSPC, EROFS, ESTALE, ETIMEDOUT };

static enum err_class
class_of(int sys)
{
	for (size_t i = 0; i < sizeof passing_errnos / sizeof *passing_errnos;
	     i++) {
		if (passing_errnos[i] == sys)
			return ERR_TEMP;
	}
	return ERR_PERM;
}

int(err_set)(
    struct err *err, enum err_class class, int sys, const char *fmt, ...)
{
	va_list ap;

	err->class = class;
	err->sys = sys;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	return -1;
}

int(err_sys)(struct err *err, const char *fmt, ...)
{
	int sys = errno;
	size_t len;
	va_list ap;

	err->class = class_of(sys);
	err->sys = sys;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(
	    err->text + len, sizeof err->text - len, ": %s", strerror(sys));
	return -1;
}

int(err_prefix)(struct err *err, const char *fmt, ...)
{
	char rest[ERR_TEXT_MAX];
	size_t len;
	va_list ap;

	memcpy(rest, err->text, sizeof rest);
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof err->text - len, ": %s", rest);
	return -1;
}

void
err_wait_for_permission(struct err *err)
{
	if (err->class == ERR_PERM && (err->sys == EACCES || err->sys == EPERM))
		err->class = ERR_TEMP;
}

int err_http_status(enum err_class class)
{
	return outside[class].http_status;
}

int err_exit_code(enum err_class class)
{
	return outside[class].exit_code;
}

void
fatal(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(EXIT_FAILED);
}

void
bug(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s: bug at %s:%d: %s\n", program_invocation_short_name,
	    file, line, what);
	abort();
}
