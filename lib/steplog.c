/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "fsio.h"
#include "json.h"
#include "log.h"
#include "spool.h"
#include "steplog.h"

#define LINE_SIZE     65536 /* bytes of a line; readers count on an end */
#define NOTE_MAX      4096
#define TORN_LOOKS    10 /* times, so many ms apart */
#define TORN_PAUSE_MS 2
#define DATA_MAX      32768 /* bytes of a step's data */

/*
 * 1 if the writer before us died in the middle of a line. One that lives may
 * be seen in the middle of its write too, so the question is repeated a few
 * times; if it is unlucky all the same there will be an empty line.
 */
static int
is_torn(int fd)
{
	for (int i = 0; i < TORN_LOOKS; i++) {
		struct stat st;
		char last;

		if (i > 0)
			poll(NULL, 0, TORN_PAUSE_MS);
		if (fstat(fd, &st) == -1 || st.st_size == 0 ||
		    pread(fd, &last, 1, st.st_size - 1) != 1 || last == '\n')
			return 0;
	}
	return 1;
}

/* For reading too, to see how it ends: ours begins on a line of its own. */
static int
open_log(int *fd, struct spool *s, const char *name, struct err *err)
{
	struct stat st;
	int new_fd = openat(spool_fd(s, SPOOL_LOG_JOBS), name,
	    O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    0640);

	if (new_fd == -1)
		return err_sys(err, "log/jobs/%s", name);
	if (fstat(new_fd, &st) == -1) {
		err_sys(err, "log/jobs/%s", name);
		close(new_fd);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		close(new_fd);
		return err_set(
		    err, ERR_PERM, 0, "log/jobs/%s: not a regular file", name);
	}
	if (is_torn(new_fd) && write(new_fd, "\n", 1) != 1) {
		err_sys(err, "log/jobs/%s", name);
		close(new_fd);
		return -1;
	}
	*fd = new_fd;
	return 0;
}

int
steplog_open(struct steplog *log, struct spool *s, const struct job_head *head,
    unsigned attempt, struct err *err)
{
	char name[JOB_ID_MAX + 8];
	int fd = -1;

	if (!head_job_id_valid(head->id))
		return err_set(err, ERR_BAD, 0, "step log: not a job's ID");
	snprintf(name, sizeof name, "%s.jsonl", head->id);
	if (open_log(&fd, s, name, err) == -1)
		return -1;
	*log = (struct steplog){ .fd = fd, .attempt = attempt, .head = head };
	return 0;
}

void
steplog_close(struct steplog *log)
{
	fs_close(&log->fd);
}

static void
put_line(struct buf *b, const struct steplog *log, const char *level,
    const char *event, const char *step, const char *members)
{
	char now[CLOCK_TEXT];

	clock_text(now, clock_wall());
	buf_addc(b, '{');
	json_put_member(b, "ts", now);
	json_put_member(b, "level", level);
	json_put_member(b, "event", event);
	json_put_member(b, "request_id", log->head->request_id);
	json_put_member(b, "delivery_id", log->head->delivery);
	json_put_member(b, "job_id", log->head->id);
	json_put_int(b, "attempt", log->attempt);
	json_put_member(b, "step", step);
	if (members != NULL && *members != '\0')
		buf_addf(b, ",%s", members);
	buf_adds(b, "}\n");
}

/* One write a line: lines of several writers never mix. */
static int
write_line(const struct steplog *log, struct buf *b)
{
	size_t len = b->len;
	ssize_t n;

	/* A mark may be longer than the secret that it hides. */
	if (buf_room(b, len) == NULL)
		return -1;
	len = redact_json(b->data, len, 2 * len);
	do {
		n = write(log->fd, b->data, len);
	} while (n == -1 && errno == EINTR);
	return n == (ssize_t)len ? 0 : -1;
}

void
steplog_line(struct steplog *log, const char *level, const char *event,
    const char *step, const char *members)
{
	struct buf b;

	buf_init(&b, 2 * LINE_SIZE);
	put_line(&b, log, level, event, step, members);
	if (b.state != BUF_OK || b.len > LINE_SIZE) {
		/* The event is worth more than what it carries. */
		buf_reset(&b);
		put_line(&b, log, level, event, step, "\"truncated\":true");
	}
	if (b.state != BUF_OK || write_line(log, &b) == -1)
		log->lost++;
	buf_release(&b);
}

void
steplog_note(struct steplog *log, const char *fmt, ...)
{
	char text[NOTE_MAX];
	struct buf members;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_init(&members, LINE_SIZE);
	json_put_member(&members, "msg", text);
	steplog_line(log, "info", "note", "", members.data);
	buf_release(&members);
}

/* ---- steps ---- */

/* NULL only where there is no memory; the other calls then do nothing. */
struct step *
step_start(struct steplog *log, const char *name)
{
	struct step *step = malloc(sizeof *step);
	struct buf *data = malloc(sizeof *data);

	steplog_line(log, "info", "step_started", name, NULL);
	if (step == NULL || data == NULL) {
		free(step);
		free(data);
		log->lost++;
		return NULL;
	}
	buf_init(data, DATA_MAX);
	*step = (struct step){
		.log = log, .name = name, .started = clock_mono(), .data = data
	};
	return step;
}

/* A member that does not fit is left out whole. */
static void
keep_if_whole(struct buf *b, size_t before)
{
	if (b->state == BUF_OK)
		return;
	b->len = before;
	b->data[before] = '\0';
	b->state = BUF_OK;
}

/* json_put_key() writes a comma unless the text ends in '{'; the data is
 * members without braces, so the very first must not have one. */
static void
begin_member(struct step *step, const char *key)
{
	if (step->data->len > 0)
		buf_addc(step->data, ',');
	json_put_string(step->data, key);
	buf_addc(step->data, ':');
}

void
step_data(struct step *step, const char *key, const char *value)
{
	size_t before;

	if (step == NULL)
		return;
	before = step->data->len;
	begin_member(step, key);
	if (value != NULL)
		json_put_string(step->data, value);
	else
		buf_adds(step->data, "null");
	keep_if_whole(step->data, before);
}

void
step_data_int(struct step *step, const char *key, int64_t value)
{
	size_t before;

	if (step == NULL)
		return;
	before = step->data->len;
	begin_member(step, key);
	buf_addf(step->data, "%" PRId64, value);
	keep_if_whole(step->data, before);
}

void
step_data_bool(struct step *step, const char *key, int value)
{
	size_t before;

	if (step == NULL)
		return;
	before = step->data->len;
	begin_member(step, key);
	buf_adds(step->data, value ? "true" : "false");
	keep_if_whole(step->data, before);
}

static void
end_step(struct step *step, const char *level, const char *event,
    const struct err *err)
{
	/* In the words of the exit codes, which operators know. */
	static const char *const types[] = {
		[ERR_NONE] = "failed",
		[ERR_TEMP] = "temporary",
		[ERR_PERM] = "permanent",
		[ERR_BAD] = "bad_input",
		[ERR_CONF] = "configuration",
	};
	struct buf b;

	buf_init(&b, DATA_MAX + 2048);
	buf_addf(&b, "\"duration_ms\":%" PRId64,
	    (clock_mono() - step->started) / CLOCK_MSEC);
	if (err != NULL) {
		buf_addf(&b, ",\"error\":{\"type\":\"%s\",\"message\":",
		    types[err->class]);
		json_put_string(&b, err->text);
		buf_addc(&b, '}');
	}
	if (step->data->len > 0)
		buf_addf(&b, ",%s", step->data->data);
	steplog_line(step->log, level, event, step->name, b.data);
	buf_release(&b);
	buf_release(step->data);
	free(step->data);
	free(step);
}

void
step_complete(struct step *step)
{
	if (step != NULL)
		end_step(step, "info", "step_completed", NULL);
}

void
step_fail(struct step *step, const struct err *err)
{
	if (step != NULL)
		end_step(step, "error", "step_failed", err);
}
