/* SPDX-License-Identifier: MIT */
/*
 * Reading records back. What the index of a day covers is looked up there; the
 * rest, often all, is read in large pieces that are cut into records.
 *
 * Where a job or a delivery is looked for, only pieces that hold its text are
 * cut at all, so that a search goes at the speed of memmem().
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fsio.h"
#include "record_cut.h"
#include "record_index.h"
#include "record_parts.h"
#include "spool_inside.h"

#define PIECE (1024 * 1024) /* bytes read at once */
#define ROOM  (PIECE + RECORD_MAX)

struct reader {
	const struct record_filter *filter;
	int (*visit)(void *arg, const char *text, size_t len);
	void *arg;
	struct spool *spool;
	const char *needle; /* text that a wanted record holds, or NULL */
	int indexed;	    /* there is a span to look up: */
	struct index_span span;
	struct index_hits hits;
	char *room; /* ROOM bytes */
};

static int
offer(void *arg, const char *text, size_t len)
{
	const struct reader *r = arg;

	if (!record_wanted(r->filter, text, len))
		return 0;
	return r->visit(r->arg, text, len);
}

/* ---- a stretch of one file, forward ---- */

/* To the file's end where that comes before `to`. */
static int
read_forward(struct reader *r, int fd, off_t at, off_t to, struct err *err)
{
	const struct record_cut each = { r->needle, offer, r };
	char *room = r->room;
	size_t held = 0, got;
	int rc = 0;

	do {
		const char *rest;
		size_t ask = ROOM - held < PIECE ? ROOM - held : PIECE;

		if (to - at < (off_t)ask)
			ask = (size_t)(to - at);
		if (fs_pread_full(fd, room + held, ask, at, &got, err) == -1)
			return -1;
		at += (off_t)got;
		held += got;
		/* The disk reads the next piece while we look through this. */
		if (got == ask && at < to)
			(void)posix_fadvise(fd, at,
			    to - at < PIECE ? to - at : PIECE,
			    POSIX_FADV_WILLNEED);
		/* The last record may lack its newline: nobody writes it so,
		 * but an editor may. */
		if (got == 0 && held > 0 && held < ROOM)
			room[held++] = '\n';
		rc = record_cut(&each, room, room + held, &rest);
		held -= (size_t)(rest - room);
		memmove(room, rest, held);
		/* Too long to be a record: begin anew behind it. */
		if (held == ROOM)
			held = 0;
	} while (rc == 0 && got > 0);
	return rc;
}

/* ---- backward ---- */

/* Wanted records of one piece, to be visited from the last to the first. */
struct found {
	const struct reader *reader;
	size_t (*at)[2]; /* offset in the room, length */
	size_t count, cap;
	int failed; /* no memory */
};

static int
note_place(void *arg, const char *text, size_t len)
{
	struct found *f = arg;

	if (!record_wanted(f->reader->filter, text, len))
		return 0;
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
	f->at[f->count][0] = (size_t)(text - f->reader->room);
	f->at[f->count++][1] = len;
	return 0;
}

static int
offer_reversed(
    struct found *f, const char *start, const char *end, struct err *err)
{
	const struct reader *r = f->reader;
	const struct record_cut each = { r->needle, note_place, f };
	const char *rest;
	int rc = 0;

	f->count = 0;
	if (record_cut(&each, start, end, &rest) != 0 && f->failed)
		return err_set(err, ERR_TEMP, 0, "records: out of memory");
	while (rc == 0 && f->count-- > 0)
		rc = r->visit(
		    r->arg, r->room + f->at[f->count][0], f->at[f->count][1]);
	return rc;
}

/*
 * From the end back to `low`, where a record may begin. Bytes at the beginning
 * of a piece belong to a record that begins in the piece before; they are
 * read again with it.
 */
static int
read_backward(struct reader *r, int fd, off_t low, off_t end, struct err *err)
{
	struct found found = { .reader = r };
	char *room = r->room;
	int rc = 0;

	while (rc == 0 && end > low) {
		off_t from = end - low > ROOM - 1 ? end - (ROOM - 1) : low;
		size_t len;
		const char *start = room;

		rc = fs_pread_full(
		    fd, room, (size_t)(end - from), from, &len, err);
		if (rc == -1)
			break;
		room[len] = '\n';
		if (from > low) { /* begin with a record's beginning */
			start = memmem(room, len, "\n{", 2);
			start = start != NULL ? start + 1 : room + len;
		}
		rc = offer_reversed(&found, start, room + len + 1, err);
		/* A piece without a beginning holds no record. */
		end = start < room + len ? from + (start - room) : from;
	}
	free(found.at);
	return rc;
}

/* ---- by the index ---- */

static int
read_stretch(struct reader *r, int fd, off_t from, off_t to, struct err *err)
{
	return r->filter->newest_first ? read_backward(r, fd, from, to, err)
				       : read_forward(r, fd, from, to, err);
}

/* With the bytes before and behind it, to see that it is a whole one. */
static int
is_record(struct reader *r, int fd, off_t at, size_t len)
{
	size_t before = at > 0, got;
	struct err ignored;

	return fs_pread_full(fd, r->room, before + len + 1, at - (off_t)before,
		   &got, &ignored) == 0 &&
	       got == before + len + 1 && (!before || r->room[0] == '\n') &&
	       record_cut_is_one(r->room + before, len);
}

/* Where the index points at what is no record it is wrong: then the rest of
 * the part is read through. */
static int
read_hits(
    struct reader *r, int fd, const struct index_part *part, struct err *err)
{
	off_t from = part->from, to = part->to;
	int rc = 0, back = r->filter->newest_first;

	for (size_t i = 0; rc == 0 && i < r->hits.count; i++) {
		const struct index_hit *hit =
		    &r->hits.hits[back ? r->hits.count - 1 - i : i];
		off_t at = part->from + hit->at;

		if (at < from || at + hit->len > to ||
		    !is_record(r, fd, at, hit->len))
			return read_stretch(r, fd, from, to, err);
		rc = offer(r, r->room + (at > 0), hit->len);
		if (back)
			to = at;
		else
			from = at + hit->len;
	}
	return rc;
}

static int
read_part(struct reader *r, int fd, const struct record_index *x, size_t i,
    struct err *err)
{
	const struct index_part *part = &x->parts[i];

	if (record_index_find(x, part, &r->span, &r->hits) == -1)
		return read_stretch(r, fd, part->from, part->to, err);
	return read_hits(r, fd, part, err);
}

/* ---- all days ---- */

static int
read_day(struct reader *r, const char *name, struct err *err)
{
	struct record_index x = { .fd = -1 };
	int fd, rc = 0, back = r->filter->newest_first;
	struct stat st;
	off_t covered;

	/* Swept meanwhile, or no file: not ours to complain about. */
	if (fs_open_read(&fd, r->spool->dirs[SPOOL_LOG], name, err) == -1)
		return err->class == ERR_TEMP ? -1 : 0;
	if (r->indexed)
		record_index_open(&x, r->spool, name, fd);
	if (fstat(fd, &st) == -1) {
		rc = err_sys(err, "log/%s", name);
		goto out;
	}
	covered = record_index_covers(&x);
	if (back)
		rc = read_backward(r, fd, covered, st.st_size, err);
	for (size_t i = 0; rc == 0 && i < x.count; i++)
		rc = read_part(r, fd, &x, back ? x.count - 1 - i : i, err);
	if (rc == 0 && !back)
		rc = read_forward(r, fd, covered, st.st_size, err);
out:
	record_index_release(&x);
	close(fd);
	return rc;
}

int
record_each(struct spool *s, const struct record_filter *filter,
    int (*visit)(void *arg, const char *text, size_t len), void *arg,
    struct err *err)
{
	struct reader r = { filter, visit, arg, .spool = s };
	struct record_days days = { 0 };
	int rc = -1;

	r.room = malloc(ROOM);
	r.needle = filter->job_id != NULL     ? filter->job_id
		   : filter->delivery != NULL ? filter->delivery
					      : filter->holds;
	r.indexed = index_span(&r.span, filter);
	if (r.room == NULL) {
		err_set(err, ERR_TEMP, 0, "records: out of memory");
		goto out;
	}
	rc = record_days_list(&days, s, filter, err);
	for (size_t i = 0; rc == 0 && i < days.count; i++) {
		size_t n = filter->newest_first ? days.count - 1 - i : i;

		rc = read_day(&r, days.names[n], err);
	}
out:
	record_days_release(&days);
	free(r.hits.hits);
	free(r.room);
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
