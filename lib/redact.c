/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>

#include "buf.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "nodump.h"
#include "redact.h"

/*
 * One pass over the text. At each byte it is asked what begins there, a known
 * value or what looks like a secret; spans that overlap are joined. A long
 * hostile text costs time in proportion to its length. A mark that stands in
 * the text already is a wall to all matchers: redacting twice changes nothing.
 *
 * In JSON only strings are looked at, each for itself, and no span begins or
 * ends inside an escape: what comes out is JSON again.
 */

#define SHORTEST   6  /* bytes; below that a value is an ordinary word */
#define SHORT_LINE 16 /* bytes; a key's lines are longer */

/* A registered value, in pages of its own; never removed. */
struct known {
	struct known *next; /* shorter or equal, with the same first byte */
	size_t len;
	int escaped; /* in JSON it stands otherwise, as a value of its own */
	char bytes[];
};

static struct known *by_first[256];
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

struct scan {
	const char *text;
	size_t len, at;
	int json;
	size_t limit;		  /* where a match must end at the latest */
	struct redact_span ahead; /* found, but begins behind `at` */
};

/* ---- what secrets are known ---- */

static int
add_form(const char *value, size_t len, int escaped)
{
	struct known **place = &by_first[(unsigned char)value[0]], *k;

	/* The longest first, so that none hides behind its own beginning. */
	while (*place != NULL && (*place)->len > len)
		place = &(*place)->next;
	for (k = *place; k != NULL && k->len == len; k = k->next) {
		if (memcmp(k->bytes, value, len) == 0)
			return 0;
	}
	if ((k = nodump_alloc(sizeof *k + len)) == NULL)
		return -1;
	k->len = len;
	k->escaped = escaped;
	memcpy(k->bytes, value, len);
	k->next = *place;
	*place = k;
	return 0;
}

/* As it is, and as it stands in JSON if that differs. */
static int
add_value(const char *value, size_t len)
{
	struct buf b;
	int rc, differs;

	buf_init(&b, 6 * len + 2);
	(void)buf_room(&b, 6 * len + 2); /* it must not move and leave a copy */
	json_put_string_len(&b, value, len);
	differs = b.len != len + 2;
	rc = b.state == BUF_OK ? add_form(value, len, differs) : -1;
	if (rc == 0 && differs)
		rc = add_form(b.data + 1, b.len - 2, 0);
	if (b.cap > 0)
		explicit_bzero(b.data, b.cap);
	buf_release(&b);
	return rc;
}

/* A key's lines one by one: output is logged line by line. */
static int
add_lines(const char *value, size_t len)
{
	const char *end = value + len, *line, *stop;

	if (memchr(value, '\n', len) == NULL)
		return 0;
	for (line = value; line < end; line = stop + 1) {
		stop = memchr(line, '\n', (size_t)(end - line));
		if (stop == NULL)
			stop = end;
		if (stop - line < SHORT_LINE || *line == '-')
			continue;
		if (add_value(line, (size_t)(stop - line)) == -1)
			return -1;
	}
	return 0;
}

int
redact_register(const char *value, size_t len)
{
	int rc;

	if (len < SHORTEST)
		return 0;
	pthread_rwlock_wrlock(&lock);
	rc =
	    add_value(value, len) == -1 || add_lines(value, len) == -1 ? -1 : 0;
	pthread_rwlock_unlock(&lock);
	return rc;
}

void
log_secret(const char *value, size_t len)
{
	if (redact_register(value, len) == -1)
		fatal("no memory to remember what must not be logged");
}

static size_t
match_known(const struct scan *s, size_t at)
{
	const char *p = s->text + at;
	const struct known *k = by_first[(unsigned char)*p];

	for (; k != NULL; k = k->next) {
		if (k->len <= s->limit - at && !(s->json && k->escaped) &&
		    memcmp(k->bytes, p, k->len) == 0)
			return k->len;
	}
	return 0;
}

/* ---- the pass ---- */

static int
is_empty(struct redact_span s)
{
	return s.to <= s.from;
}

static struct redact_span
join(struct redact_span a, struct redact_span b)
{
	if (is_empty(a) || is_empty(b))
		return is_empty(a) ? b : a;
	return (struct redact_span){ a.from < b.from ? a.from : b.from,
		a.to > b.to ? a.to : b.to };
}

/* What begins at `at`; what lies ahead of it is kept for later. */
static struct redact_span
look(struct scan *s, size_t at)
{
	struct redact_span now = { at, at + match_known(s, at) };
	struct redact_span found = redact_pattern(s->text + at, s->limit - at);
	int here = found.from == 0;

	found.from += at;
	found.to += at;
	if (here)
		now = join(now, found);
	else if (s->ahead.to > at)
		s->ahead = join(s->ahead, found);
	else
		s->ahead = found;
	return s->ahead.from == at ? join(now, s->ahead) : now;
}

/* What begins inside may end behind it. */
static struct redact_span
extend(const struct scan *s, struct redact_span span)
{
	if (s->ahead.from > span.from && s->ahead.from < span.to)
		span = join(span, s->ahead);
	/*
	 * The patterns are not asked again: that is where a hostile text could
	 * make this quadratic, and none of what they find outlasts what it
	 * stands in.
	 */
	for (size_t i = span.from + 1; i < span.to; i++) {
		size_t known = match_known(s, i);

		if (known > span.to - i)
			span.to = i + known;
	}
	return span;
}

/* Bytes of the escape or the character at `at`. */
static size_t
step(const struct scan *s, size_t at)
{
	size_t left = s->limit - at, len = 1;

	if (s->json && s->text[at] == '\\' && left > 1)
		len = s->text[at + 1] == 'u' ? 6 : 2;
	return len < left ? len : left;
}

/* From the end of one string of JSON into the next; 0 if there is none. */
static int
enter_string(struct scan *s)
{
	size_t from = s->limit > 0 ? s->limit + 1 : 0;
	const char *quote =
	    from < s->len ? memchr(s->text + from, '"', s->len - from) : NULL;

	if (!s->json || quote == NULL)
		return 0;
	s->at = (size_t)(quote - s->text) + 1;
	s->limit = s->len;
	for (size_t i = s->at; i < s->len; i += step(s, i)) {
		if (s->text[i] == '"')
			s->limit = i;
		if (i == s->limit)
			break;
	}
	return 1;
}

/* From `at` to a byte that is more than a letter. */
static size_t
skip_plain(const struct scan *s, size_t at)
{
	for (; at < s->limit && at != s->ahead.from; at++) {
		unsigned char c = (unsigned char)s->text[at];

		if (redact_begins[c] || by_first[c] != NULL ||
		    c == REDACT_MARK[0] || c == '\\')
			break;
	}
	return at;
}

/* 1 with the next span that must go, 0 if there is none. */
static int
next_span(struct scan *s, struct redact_span *out)
{
	while (s->at < s->limit || enter_string(s)) {
		struct redact_span now;

		s->at = skip_plain(s, s->at);
		if (s->at == s->limit)
			continue;
		if (redact_is_mark(s->text + s->at, s->limit - s->at)) {
			s->at += REDACT_MARK_LEN;
			continue;
		}
		now = look(s, s->at);
		if (!is_empty(now)) {
			*out = extend(s, now);
			s->at = out->to;
			return 1;
		}
		s->at += step(s, s->at);
	}
	return 0;
}

/*
 * Writes the text anew from the first span on. What is still to be read has
 * been moved to the end of the room, so that the longer marks do not run into
 * it. Where they would, the text ends: cut is better than shown.
 */
static size_t
rewrite(char *text, size_t size, struct scan *s, struct redact_span span)
{
	size_t shift = size - s->len, done = span.from, read;
	int more;

	do {
		if (done + REDACT_MARK_LEN > shift + span.to) {
			size_t room = size - done;

			if (room > REDACT_MARK_LEN)
				room = REDACT_MARK_LEN;
			memcpy(text + done, REDACT_MARK, room);
			return done + room;
		}
		memcpy(text + done, REDACT_MARK, REDACT_MARK_LEN);
		done += REDACT_MARK_LEN;
		read = span.to;
		more = next_span(s, &span);
		if (!more)
			span.from = s->len;
		memmove(text + done, s->text + read, span.from - read);
		done += span.from - read;
	} while (more);
	return done;
}

/* What is behind the new end is wiped: it was a part of the old text. */
static size_t
run(char *text, size_t size, struct scan *s)
{
	size_t shift = size - s->len, len = s->len;
	struct redact_span first;

	pthread_rwlock_rdlock(&lock);
	if (next_span(s, &first)) {
		s->text = text + shift;
		memmove(
		    text + shift + first.to, text + first.to, len - first.to);
		len = rewrite(text, size, s, first);
		memset(text + len, 0, size - len);
	}
	pthread_rwlock_unlock(&lock);
	return len;
}

size_t
redact(char *text, size_t len, size_t size)
{
	struct scan s = { .text = text, .len = len, .limit = len };

	return run(text, size, &s);
}

size_t
redact_json(char *text, size_t len, size_t size)
{
	struct scan s = { .text = text, .len = len, .json = 1 };

	return run(text, size, &s);
}
