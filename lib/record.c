/* SPDX-License-Identifier: MIT */
/*
 * Appending records. The day's file is written by all runners of the spool:
 * each takes the lock of lock/log, a file that is never replaced, looks
 * whether the one before it died in the middle of a record, and writes its
 * own in one call. A write that the disk had no room for is taken back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "fsio.h"
#include "log.h"
#include "record_parts.h"
#include "spool_inside.h"

static int
lock_log(struct spool *s, int *fd, struct err *err)
{
	int new_fd = openat(s->dirs[SPOOL_LOCK], "log",
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    s->file_mode);

	if (new_fd == -1)
		return err_sys(err, "lock/log");
	while (flock(new_fd, LOCK_EX) == -1) {
		if (errno == EINTR)
			continue;
		err_sys(err, "lock/log");
		close(new_fd);
		return -1;
	}
	*fd = new_fd;
	return 0;
}

/* The day's file stays open; a new day's name is made durable at once. */
static int
open_day(struct spool *s, const char *day, struct err *err)
{
	char name[40];
	struct stat st;
	int fd;

	if (s->record.fd != -1 && strcmp(s->record.day, day) == 0 &&
	    fstat(s->record.fd, &st) == 0 && st.st_nlink > 0)
		return 0;
	if (record_sync(s, err) == -1)
		return -1;
	snprintf(name, sizeof name, RECORD_PREFIX "%s" RECORD_SUFFIX, day);
	fd = openat(s->dirs[SPOOL_LOG], name,
	    O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    s->file_mode);
	if (fd == -1)
		return err_sys(err, "log/%s", name);
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(
		    err, ERR_PERM, 0, "log/%s: not a regular file", name);
	}
	fs_close(&s->record.fd);
	s->record.fd = fd;
	snprintf(s->record.day, sizeof s->record.day, "%s", day);
	return fs_sync(s->dirs[SPOOL_LOG], "log", err);
}

/* Called with the log's lock held. */
static int
append(int fd, const char *text, size_t len, struct err *err)
{
	struct stat st;
	char last = '\n';
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return err_sys(err, "log");
	if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) != 1)
		return err_sys(err, "log");
	/* text[0] is a newline, for the case that somebody died here. */
	if (last == '\n') {
		text++;
		len--;
	}
	do {
		n = write(fd, text, len);
	} while (n == -1 && errno == EINTR);
	if (n == (ssize_t)len)
		return 0;
	if (n >= 0)
		errno = ENOSPC;
	err_sys(err, "log");
	if (n > 0 && ftruncate(fd, st.st_size) == -1)
		return err_sys(err, "log: a torn record remains");
	return -1;
}

/* `b` is masked and, if asked for, spread over lines. */
static int
shape(struct buf *out, struct buf *b, enum record_form form, struct err *err)
{
	if (buf_room(b, b->len < 65536 ? b->len : 65536) != NULL)
		b->len = redact_json(b->data, b->len, b->cap - 1);
	buf_addc(out, '\n');
	if (form == RECORD_PRETTY)
		record_indent(out, b->data, b->len);
	else
		buf_add(out, b->data, b->len);
	buf_addc(out, '\n');
	return buf_check(out, "record", err);
}

int
record_append_text(struct spool *s, struct buf *json, int64_t when,
    enum record_form form, struct err *err)
{
	char day[CLOCK_DAY];
	struct buf text;
	int lock = -1, rc = -1;

	buf_init(&text, RECORD_MAX);
	if (shape(&text, json, form, err) == -1)
		goto out;
	clock_day(day, when);
	if (lock_log(s, &lock, err) == -1)
		goto out;
	pthread_mutex_lock(&s->lock);
	if (open_day(s, day, err) == 0)
		rc = append(s->record.fd, text.data, text.len, err);
	pthread_mutex_unlock(&s->lock);
out:
	fs_close(&lock);
	buf_release(&text);
	return rc;
}

int
record_append(struct spool *s, const struct record *record,
    enum record_form form, struct err *err)
{
	struct buf json;
	int rc;

	buf_init(&json, RECORD_MAX / 2);
	rc = record_build(&json, s, record, err);
	if (rc == 0)
		rc = record_append_text(s, &json, record->completed, form, err);
	buf_release(&json);
	return rc;
}

/* After a failure the descriptor is not asked again: it would be told that
 * all is well. */
int
record_sync(struct spool *s, struct err *err)
{
	if (s->record.fd == -1 || fs_sync(s->record.fd, "log", err) == 0)
		return 0;
	fs_close(&s->record.fd);
	atomic_store(&s->degraded, 1);
	return -1;
}
