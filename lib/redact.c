/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "err.h"
#include "log.h"
#include "nodump.h"
#include "redact.h"

/*
 * One pass over the text. At each byte that can begin a secret the matchers
 * say which span is one; spans that overlap are joined. No matcher looks at
 * a byte more often than a few times, so that a long hostile text costs time
 * in proportion to its length. A mark that stands in the text already is a
 * wall to all matchers: redacting twice changes nothing.
 */

#define MARK	   "[redacted]"
#define MARK_LEN   (sizeof MARK - 1)
#define SHORTEST   6  /* bytes; below that a value is an ordinary word */
#define SHORT_LINE 16 /* bytes; a key's lines are longer */
#define TOKEN_MIN  20 /* characters of a token behind its prefix */

/* A registered value, in pages of its own; never removed. */
struct known {
	struct known *next; /* shorter or equal, with the same first byte */
	size_t len;
	char bytes[];
};

static struct known *by_first[256];
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

/* A part of the text that must go: offsets, empty if to <= from. */
struct span {
	size_t from, to;
};

struct scan {
	const char *text;
	size_t len, at;
	struct span ahead; /* found, but begins behind `at` */
};

/* ---- what secrets look like ---- */

/* Each looks at the n bytes at p; a span relative to p, or an empty one. */
typedef struct span matcher(const char *p, size_t n);

static const struct span nothing;

static int
starts_with(const char *p, size_t n, const char *word)
{
	size_t len = strlen(word);

	return n >= len && strncasecmp(p, word, len) == 0;
}

static int
is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.';
}

/* Token characters at p, without the dots and dashes that end a sentence. */
static size_t
token_length(const char *p, size_t n)
{
	size_t len = 0;

	while (len < n && is_token_char(p[len]))
		len++;
	while (len > 0 && (p[len - 1] == '.' || p[len - 1] == '-'))
		len--;
	return len;
}

static int
is_mark(const char *p, size_t n)
{
	return n >= MARK_LEN && memcmp(p, MARK, MARK_LEN) == 0;
}

/* Bytes at p up to a blank, a control character, a quote, a mark or one of
 * `stop`. */
static size_t
word_length(const char *p, size_t n, const char *stop)
{
	size_t len = 0;

	while (len < n && (unsigned char)p[len] > ' ' && p[len] != '"' &&
	       p[len] != '\'' && strchr(stop, p[len]) == NULL &&
	       !is_mark(p + len, n - len))
		len++;
	return len;
}

/* docs.github.com, "GitHub's token formats" */
static struct span
match_token(const char *p, size_t n)
{
	size_t prefix, len;

	if (n > 4 && p[1] == 'h' && strchr("pousr", p[2]) && p[3] == '_')
		prefix = 4;
	else if (n > 11 && memcmp(p, "github_pat_", 11) == 0)
		prefix = 11;
	else
		return nothing;
	len = token_length(p + prefix, n - prefix);
	return len >= TOKEN_MIN ? (struct span){ 0, prefix + len } : nothing;
}

static const char *
find(const char *p, size_t n, const char *word)
{
	return memmem(p, n, word, strlen(word));
}

/* A whole PEM private key, to its END line or to the end of the text. */
static struct span
match_pem(const char *p, size_t n)
{
	static const char begin[] = "-----BEGIN ", last[] = "-----END ";
	static const char key[] = "PRIVATE KEY-----";
	size_t at = sizeof begin - 1;
	const char *end;

	if (!starts_with(p, n, begin))
		return nothing;
	/* "RSA ", "ENCRYPTED " and so on */
	while (at < n && at < 40 && !starts_with(p + at, n - at, key) &&
	       (p[at] == ' ' || (p[at] >= 'A' && p[at] <= 'Z')))
		at++;
	if (!starts_with(p + at, n - at, key))
		return nothing;
	at += sizeof key - 1;
	if ((end = find(p + at, n - at, last)) == NULL)
		return (struct span){ 0, n };
	at = (size_t)(end - p) + sizeof last - 1;
	end = find(p + at, n - at, "-----");
	return (struct span){ 0, end != NULL ? (size_t)(end - p) + 5 : n };
}

/* The password of "://user:password@"; a long user alone is a token. */
static struct span
match_url(const char *p, size_t n)
{
	const char *colon, *at;
	size_t len, from = 3;

	if (!starts_with(p, n, "://"))
		return nothing;
	len = word_length(p + 3, n - 3, "/?#<>");
	at = memrchr(p + 3, '@', len);
	/* One with a mark has been here before. */
	if (at == NULL || is_mark(p + 3 + len, n - 3 - len))
		return nothing;
	len = (size_t)(at - p);
	if ((colon = memchr(p + 3, ':', len - 3)) != NULL)
		from = (size_t)(colon - p) + 1;
	else if (len - 3 < TOKEN_MIN)
		return nothing;
	return (struct span){ from, len };
}

static struct span
match_access_token(const char *p, size_t n)
{
	static const char user[] = "x-access-token:";
	size_t from = sizeof user - 1;

	if (!starts_with(p, n, user))
		return nothing;
	return (
	    struct span){ from, from + word_length(p + from, n - from, "@/") };
}

/* Skips blanks, and the quotes and equals signs of other notations. */
static size_t
skip(const char *p, size_t n, size_t at, const char *chars)
{
	while (at < n && p[at] != '\0' && strchr(chars, p[at]) != NULL)
		at++;
	return at;
}

/* The value of an Authorization header, behind its scheme, to the line's end
 * or the closing quote. */
static struct span
match_header(const char *p, size_t n)
{
	static const char *const schemes[] = { "bearer ", "token ", "basic " };
	size_t at = sizeof "authorization" - 1, from, to;

	if (!starts_with(p, n, "authorization"))
		return nothing;
	at = skip(p, n, at, "\"'\\ ");
	if (at >= n || (p[at] != ':' && p[at] != '='))
		return nothing;
	from = skip(p, n, at + 1, "\"'\\ \t");
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		if (starts_with(p + from, n - from, schemes[i])) {
			from += strlen(schemes[i]);
			from = skip(p, n, from, " \t");
			break;
		}
	}
	for (to = from; to < n && strchr("\"'\\\r\n", p[to]) == NULL &&
			!is_mark(p + to, n - to);)
		to++;
	return (struct span){ from, to };
}

/* "Bearer ..." without its header's name */
static struct span
match_bearer(const char *p, size_t n)
{
	size_t len;

	if (!starts_with(p, n, "bearer "))
		return nothing;
	len = word_length(p + 7, n - 7, "\\,;()");
	return len >= TOKEN_MIN ? (struct span){ 7, 7 + len } : nothing;
}

static matcher *const by_look[256] = {
	['g'] = match_token,
	['-'] = match_pem,
	[':'] = match_url,
	['x'] = match_access_token,
	['X'] = match_access_token,
	['a'] = match_header,
	['A'] = match_header,
	['b'] = match_bearer,
	['B'] = match_bearer,
};

/* ---- what secrets are known ---- */

static int
add_value(const char *value, size_t len)
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
	memcpy(k->bytes, value, len);
	k->next = *place;
	*place = k;
	return 0;
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
match_known(const char *p, size_t n)
{
	const struct known *k = by_first[(unsigned char)*p];

	for (; k != NULL; k = k->next) {
		if (k->len <= n && memcmp(k->bytes, p, k->len) == 0)
			return k->len;
	}
	return 0;
}

/* ---- the pass ---- */

static int
is_empty(struct span s)
{
	return s.to <= s.from;
}

static struct span
join(struct span a, struct span b)
{
	if (is_empty(a) || is_empty(b))
		return is_empty(a) ? b : a;
	return (struct span){ a.from < b.from ? a.from : b.from,
		a.to > b.to ? a.to : b.to };
}

/* What begins at `at`; what lies ahead of it is kept for later. */
static struct span
look(struct scan *s, size_t at)
{
	const char *p = s->text + at;
	size_t n = s->len - at;
	matcher *match = by_look[(unsigned char)*p];
	struct span now = { at, at + match_known(p, n) };

	if (match != NULL) {
		struct span found = match(p, n);
		int here = found.from == 0;

		found.from += at;
		found.to += at;
		if (here)
			now = join(now, found);
		else if (s->ahead.to > at)
			s->ahead = join(s->ahead, found);
		else
			s->ahead = found;
	}
	if (s->ahead.from == at)
		now = join(now, s->ahead);
	return now;
}

/* What begins inside may end behind it. */
static struct span
extend(const struct scan *s, struct span span)
{
	if (s->ahead.from > span.from && s->ahead.from < span.to)
		span = join(span, s->ahead);
	/*
	 * The matchers are not asked again: that is where a hostile text could
	 * make this quadratic, and none of what they find outlasts what it
	 * stands in.
	 */
	for (size_t i = span.from + 1; i < span.to; i++) {
		size_t known = match_known(s->text + i, s->len - i);

		if (known > span.to - i)
			span.to = i + known;
	}
	return span;
}

/* 1 with the next span that must go, 0 if there is none. */
static int
next_span(struct scan *s, struct span *out)
{
	while (s->at < s->len) {
		struct span now;

		if (is_mark(s->text + s->at, s->len - s->at)) {
			s->at += MARK_LEN;
			continue;
		}
		now = look(s, s->at);
		if (!is_empty(now)) {
			*out = extend(s, now);
			s->at = out->to;
			return 1;
		}
		s->at++;
	}
	return 0;
}

/*
 * Writes the text anew from the first span on. What is still to be read has
 * been moved to the end of the room, so that the longer marks do not run into
 * it. Where they would, the text ends: cut is better than shown.
 */
static size_t
rewrite(char *text, size_t size, struct scan *s, struct span span)
{
	size_t shift = size - s->len, done = span.from, read;
	int more;

	do {
		if (done + MARK_LEN > shift + span.to) {
			size_t room = size - done;

			if (room > MARK_LEN)
				room = MARK_LEN;
			memcpy(text + done, MARK, room);
			return done + room;
		}
		memcpy(text + done, MARK, MARK_LEN);
		done += MARK_LEN;
		read = span.to;
		more = next_span(s, &span);
		if (!more)
			span.from = s->len;
		memmove(text + done, s->text + read, span.from - read);
		done += span.from - read;
	} while (more);
	return done;
}

size_t
redact(char *text, size_t len, size_t size)
{
	struct scan s = { .text = text, .len = len };
	struct span first;

	pthread_rwlock_rdlock(&lock);
	if (next_span(&s, &first)) {
		s.text = text + size - len;
		memmove(text + size - len + first.to, text + first.to,
		    len - first.to);
		len = rewrite(text, size, &s, first);
	}
	pthread_rwlock_unlock(&lock);
	return len;
}
