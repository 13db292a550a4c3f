/* SPDX-License-Identifier: MIT */
/*
 * Reading records back. A file is read in large pieces and cut into records
 * by one rule that holds for both forms: a record begins with '{' at the
 * beginning of a line and ends with '}' at the end of one, and in the
 * indented form no line between begins with '{'. What does not end before the
 * next begins is torn, and passed over.
 *
 * Where a job or a delivery is looked for, only pieces that hold its text are
 * cut at all, so that a search goes at the speed of memmem().
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "fsio.h"
#include "json.h"
#include "record_parts.h"
#include "spool_inside.h"

#define PIECE (1024 * 1024) /* bytes read at once */
#define ROOM  (PIECE + RECORD_MAX)

struct reader {
	const struct record_filter *filter;
	const char *needle; /* text that a wanted record holds, or NULL */
	int (*visit)(void *arg, const char *text, size_t len);
	void *arg;
};

/* ---- is it wanted? ---- */

enum pick {
	PICK_TYPE,
	PICK_DELIVERY,
	PICK_DELIVERY_ID,
	PICK_REPOSITORY,
	PICK_EVENT,
	PICK_STATUS,
	PICK_JOB,
	PICK_NUMBER,
	PICK_COMPLETED,
	PICKS,
};

static const char *const pick_paths[PICKS] = {
	[PICK_TYPE] = "type",
	[PICK_DELIVERY] = "hook_id",
	[PICK_DELIVERY_ID] = "delivery_id",
	[PICK_REPOSITORY] = "repository_full_name",
	[PICK_EVENT] = "event_type",
	[PICK_STATUS] = "status",
	[PICK_JOB] = "job_id",
	[PICK_NUMBER] = "pr.number",
	[PICK_COMPLETED] = "timing.completed_at",
};

static int
is_text(const struct json_pick *pick, const char *wanted)
{
	struct buf b;
	int same;

	if (wanted == NULL)
		return 1;
	buf_init(&b, 4096);
	json_pick_string(pick, &b);
	same = b.state == BUF_OK && pick->type == JSON_STRING &&
	       strcmp(b.data, wanted) == 0;
	buf_release(&b);
	return same;
}

static int
is_in_time(const struct json_pick *pick, const struct record_filter *f)
{
	char text[64];
	int64_t wall;

	if (f->since == 0 && f->until == 0)
		return 1;
	if (pick->type != JSON_STRING || pick->len >= sizeof text)
		return 0;
	memcpy(text, pick->at, pick->len);
	text[pick->len] = '\0';
	if (clock_parse(&wall, text) == -1)
		return 0;
	return wall >= f->since && (f->until == 0 || wall < f->until);
}

/* A record without a type is some other program's of a job. */
static int
is_type(const struct json_pick *pick, const char *wanted)
{
	if (wanted == NULL)
		return !is_text(pick, RECORD_STATUS);
	return is_text(pick, wanted);
}

/* The job's ID begins with the number too, also of an issue. */
static int
is_number(const struct json_pick *picks, int64_t wanted)
{
	char start[32];
	int64_t n;
	size_t len;

	if (wanted == 0)
		return 1;
	if (json_pick_int(&n, &picks[PICK_NUMBER]) == 0)
		return n == wanted;
	len = (size_t)snprintf(start, sizeof start, "%jd-", (intmax_t)wanted);
	return picks[PICK_JOB].type == JSON_STRING &&
	       picks[PICK_JOB].len > len &&
	       memcmp(picks[PICK_JOB].at, start, len) == 0;
}

static int
is_wanted(const struct record_filter *f, const char *text, size_t len)
{
	struct json_pick picks[PICKS] = { 0 };
	struct err ignored;

	for (size_t i = 0; i < PICKS; i++)
		picks[i].path = pick_paths[i];
	/* Also what is no JSON at all is passed over here. */
	if (json_scan(text, len, picks, PICKS, &ignored) == -1)
		return 0;
	return is_type(&picks[PICK_TYPE], f->type) &&
	       (is_text(&picks[PICK_DELIVERY], f->delivery) ||
		   is_text(&picks[PICK_DELIVERY_ID], f->delivery)) &&
	       is_text(&picks[PICK_REPOSITORY], f->repository) &&
	       is_text(&picks[PICK_EVENT], f->event) &&
	       is_text(&picks[PICK_STATUS], f->status) &&
	       is_text(&picks[PICK_JOB], f->job_id) &&
	       is_number(picks, f->number) &&
	       is_in_time(&picks[PICK_COMPLETED], f);
}

static int
offer(const struct reader *r, const char *text, size_t len)
{
	if (!is_wanted(r->filter, text, len))
		return 0;
	return r->visit(r->arg, text, len);
}

/* ---- cutting ---- */

/* The first record's beginning at or behind `at`, a line's beginning. */
static const char *
find_start(const char *at, const char *end)
{
	while (at < end && *at != '{') {
		at = memchr(at, '\n', (size_t)(end - at));
		if (at == NULL)
			return end;
		at++;
	}
	return at;
}

/*
 * Where the record that begins at `start` ends (one past its last byte);
 * NULL if it does not before `end` or the next record begins first, and then
 * *next says where to go on.
 */
static const char *
find_end(const char *start, const char *end, const char **next)
{
	const char *line = start;

	for (;;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		if (stop == NULL) {
			*next = start; /* more of it may come */
			return NULL;
		}
		if (line != start && *line == '{') {
			*next = line;
			return NULL;
		}
		*next = stop + 1;
		/* A whole one on a line, or the last line of an indented. */
		if (line == start && stop - line > 1 && stop[-1] == '}')
			return stop;
		if (line != start && *line == '}')
			return line + 1;
		line = stop + 1;
	}
}

/* The record that `at` lies in begins here (or `from`). Nothing is behind
 * `end`, where `at` may stand and a newline before it. */
static const char *
start_before(const char *from, const char *at, const char *end)
{
	for (;;) {
		const char *stop = memrchr(from, '\n', (size_t)(at - from));

		if (stop == NULL)
			return from;
		if (stop + 1 < end && stop[1] == '{')
			return stop + 1;
		at = stop;
	}
}

/*
 * Offers all whole records of a piece, in order. *rest is where the first
 * that is not whole begins. What visit() says.
 */
static int
cut(const struct reader *r, const char *from, const char *end,
    const char **rest)
{
	int rc = 0;

	while (rc == 0) {
		const char *start, *stop, *next;

		if (r->needle != NULL) {
			const char *hit = memmem(from, (size_t)(end - from),
			    r->needle, strlen(r->needle));

			/* None: but the last record may go on in the next
			 * piece, and the needle may be there. */
			from = start_before(from, hit != NULL ? hit : end, end);
		}
		start = find_start(from, end);
		*rest = start;
		if (start == end)
			return 0;
		stop = find_end(start, end, &next);
		*rest = next;
		if (stop == NULL && next == start)
			return 0;
		if (stop != NULL)
			rc = offer(r, start, (size_t)(stop - start));
		from = next;
	}
	return rc;
}

/* ---- one file, forward ---- */

static int
read_forward(const struct reader *r, int fd, char *room, struct err *err)
{
	size_t held = 0, got;
	off_t at = 0;
	int rc = 0;

	do {
		const char *rest;
		size_t ask = ROOM - held < PIECE ? ROOM - held : PIECE;

		if (fs_pread_full(fd, room + held, ask, at, &got, err) == -1)
			return -1;
		at += (off_t)got;
		held += got;
		/* The last record may lack its newline: nobody writes it so,
		 * but an editor may. */
		if (got == 0 && held > 0 && held < ROOM)
			room[held++] = '\n';
		rc = cut(r, room, room + held, &rest);
		held -= (size_t)(rest - room);
		memmove(room, rest, held);
		/* Too long to be a record: begin anew behind it. */
		if (held == ROOM)
			held = 0;
	} while (rc == 0 && got > 0);
	return rc;
}

/* ---- one file, backward ---- */

/* Records of one piece, to be offered from the last to the first. */
struct found {
	size_t (*at)[2]; /* offset in the room, length */
	size_t count, cap;
	const char *room;
	int failed; /* no memory */
};

static int
note_place(void *arg, const char *text, size_t len)
{
	struct found *f = arg;

	if (f->count == f->cap) {
		size_t cap = f->cap > 0 ? 2 * f->cap : 256;
		void *more = realloc(f->at, cap * sizeof *f->at);

		if (more == NULL) {
			f->failed = 1;
			return 1;
		}
		f->at = more;
		f->cap = cap;
	}
	f->at[f->count][0] = (size_t)(text - f->room);
	f->at[f->count++][1] = len;
	return 0;
}

static int
offer_reversed(const struct reader *r, const char *room, size_t len,
    struct found *f, struct err *err)
{
	struct reader collect = *r;
	const char *rest;
	int rc = 0;

	f->count = 0;
	f->room = room;
	collect.visit = note_place;
	collect.arg = f;
	if (cut(&collect, room, room + len, &rest) != 0 && f->failed)
		return err_set(err, ERR_TEMP, 0, "records: out of memory");
	while (rc == 0 && f->count-- > 0)
		rc = r->visit(
		    r->arg, room + f->at[f->count][0], f->at[f->count][1]);
	return rc;
}

/*
 * The file's end first. `tail` bytes at the beginning of the piece above
 * belong to a record that begins in the piece before; they are read again
 * with it.
 */
static int
read_backward(const struct reader *r, int fd, char *room, struct err *err)
{
	struct found found = { 0 };
	struct stat st;
	off_t end;
	int rc = 0;

	if (fstat(fd, &st) == -1)
		return err_sys(err, "log");
	for (end = st.st_size; rc == 0 && end > 0;) {
		off_t from = end > ROOM - 1 ? end - (ROOM - 1) : 0;
		size_t len;
		const char *start = room;

		rc = fs_pread_full(
		    fd, room, (size_t)(end - from), from, &len, err);
		if (rc == -1)
			break;
		room[len] = '\n';
		if (from > 0) { /* begin with a record's beginning */
			start = memmem(room, len, "\n{", 2);
			start = start != NULL ? start + 1 : room + len;
		}
		rc = offer_reversed(
		    r, start, (size_t)(room + len + 1 - start), &found, err);
		/* A piece without a beginning holds no record. */
		end = start < room + len ? from + (start - room) : from;
	}
	free(found.at);
	return rc;
}

/* ---- all days ---- */

static int
read_day(const struct reader *r, struct spool *s, const char *name, char *room,
    struct err *err)
{
	int fd, rc;

	/* Swept meanwhile, or no file: not ours to complain about. */
	if (fs_open_read(&fd, s->dirs[SPOOL_LOG], name, err) == -1)
		return err->class == ERR_TEMP ? -1 : 0;
	rc = r->filter->newest_first ? read_backward(r, fd, room, err)
				     : read_forward(r, fd, room, err);
	close(fd);
	return rc;
}

int
record_each(struct spool *s, const struct record_filter *filter,
    int (*visit)(void *arg, const char *text, size_t len), void *arg,
    struct err *err)
{
	struct reader r = { filter, NULL, visit, arg };
	struct record_days days = { 0 };
	char *room = malloc(ROOM);
	int rc = -1;

	r.needle = filter->job_id != NULL     ? filter->job_id
		   : filter->delivery != NULL ? filter->delivery
					      : filter->holds;
	if (room == NULL) {
		err_set(err, ERR_TEMP, 0, "records: out of memory");
		goto out;
	}
	rc = record_days_list(&days, s, filter, err);
	for (size_t i = 0; rc == 0 && i < days.count; i++) {
		size_t n = filter->newest_first ? days.count - 1 - i : i;

		rc = read_day(&r, s, days.names[n], room, err);
	}
out:
	record_days_release(&days);
	free(room);
	return rc;
}

static int
stop_at_first(void *arg, const char *text, size_t len)
{
	(void)arg;
	(void)text;
	(void)len;
	return 1;
}

int
record_exists(
    struct spool *s, const char *job_id, int64_t since, struct err *err)
{
	/* Records tell microseconds; `since` knows nanoseconds, and may be the
	 * very moment that a record was to tell. */
	struct record_filter filter = { .job_id = job_id,
		.since = since - since % 1000,
		.newest_first = 1 };

	return record_each(s, &filter, stop_at_first, NULL, err);
}
