/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "cli/follow.h"
#include "fsio.h"
#include "spool.h"

static int open_day(struct follow *f, struct err *err);
static int read_day(struct follow *f,
    void (*visit)(void *arg, const char *text, size_t len), void *arg,
    struct err *err);
static int64_t day_end(const struct follow *f);
static int add_byte(struct follow *f, char c);

int
follow_open(struct follow *f, struct spool *s, int64_t now, struct err *err)
{
	struct buf *part = malloc(sizeof *part);
	struct stat st;

	if (part == NULL)
		return err_set(err, ERR_TEMP, ENOMEM, "records: no memory");
	memset(f, 0, sizeof *f);
	buf_init(part, FOLLOW_RECORD_MAX);
	f->part = part;
	f->fd = -1;
	f->line_start = 1;
	f->dir = spool_fd(s, SPOOL_LOG);
	f->notify = follow_watch(f->dir);
	clock_day(f->day, now);
	if (open_day(f, err) == -1) {
		follow_close(f);
		return -1;
	}
	if (f->fd != -1 && fstat(f->fd, &st) == 0)
		f->at = st.st_size;
	return 0;
}

void
follow_close(struct follow *f)
{
	fs_close(&f->fd);
	fs_close(&f->notify);
	if (f->part != NULL)
		buf_release(f->part);
	free(f->part);
	f->part = NULL;
}

/* Days without a record have no file: each is passed in turn. */
int
follow_read(struct follow *f, int64_t now,
    void (*visit)(void *arg, const char *text, size_t len), void *arg,
    struct err *err)
{
	int total = 0, n;

	for (;;) {
		int64_t end = day_end(f);

		if (f->fd == -1 && open_day(f, err) == -1)
			return -1;
		n = f->fd == -1 ? 0 : read_day(f, visit, arg, err);
		if (n == -1)
			return -1;
		total += n;
		if (now < end + FOLLOW_LATE)
			return total;
		clock_day(f->day, end);
		fs_close(&f->fd);
		f->at = 0;
		f->depth = 0;
		f->line_start = 1;
		buf_reset(f->part);
	}
}

static int64_t
day_end(const struct follow *f)
{
	char text[CLOCK_TEXT];
	int64_t midnight;

	snprintf(text, sizeof text, "%sT00:00:00Z", f->day);
	if (clock_parse(&midnight, text) == -1)
		BUG("a day that is none");
	return midnight + 86400 * CLOCK_SECOND;
}

static int
open_day(struct follow *f, struct err *err)
{
	char name[32];

	snprintf(name, sizeof name, "webhooks_%s.json", f->day);
	if (fs_open_read(&f->fd, f->dir, name, err) == -1)
		return err->sys == ENOENT ? 0 : -1;
	return 0;
}

static int
read_day(struct follow *f,
    void (*visit)(void *arg, const char *text, size_t len), void *arg,
    struct err *err)
{
	char chunk[32768];
	size_t got;
	int n = 0;

	do {
		if (fs_pread_full(
			f->fd, chunk, sizeof chunk, f->at, &got, err) == -1)
			return -1;
		f->at += (off_t)got;
		for (size_t i = 0; i < got; i++) {
			if (!add_byte(f, chunk[i]))
				continue;
			if (f->part->state == BUF_OK) {
				visit(arg, f->part->data, f->part->len);
				n++;
			}
			buf_reset(f->part);
		}
	} while (got == sizeof chunk);
	return n;
}

/* 1 where the byte ends a record. */
static int
add_byte(struct follow *f, char c)
{
	int line_start = f->line_start;

	f->line_start = c == '\n';
	if (line_start && c == '{') { /* whatever was before is torn */
		buf_reset(f->part);
		f->depth = 0;
		f->in_string = f->escaped = 0;
	} else if (f->depth == 0) {
		return 0;
	}
	buf_addc(f->part, c);
	if (f->in_string) {
		if (f->escaped)
			f->escaped = 0;
		else if (c == '\\')
			f->escaped = 1;
		else if (c == '"')
			f->in_string = 0;
		return 0;
	}
	if (c == '"')
		f->in_string = 1;
	else if (c == '{')
		f->depth++;
	else if (c == '}')
		return --f->depth == 0;
	return 0;
}

int
follow_watch(int dir)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char path[64];

	if (fd == -1)
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", dir);
	if (inotify_add_watch(fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) ==
	    -1)
		fs_close(&fd);
	return fd;
}

/* Without inotify, or on a change it does not see, the timeout serves. */
void
follow_wait(int notify, int timeout_ms)
{
	struct pollfd p = { .fd = notify, .events = POLLIN };
	char events[4096];

	if (poll(&p, 1, timeout_ms) != 1)
		return;
	while (read(notify, events, sizeof events) > 0)
		;
}
