/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "redact.h"

/*
 * What secrets look like. No matcher looks at a byte more often than a few
 * times, also where its beginning stands again and again; none ends inside an
 * escape of JSON.
 */

#define TOKEN_MIN 20 /* characters of a token behind its prefix */

typedef struct redact_span matcher(const char *p, size_t n);

static const struct redact_span nothing;

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

int
redact_is_mark(const char *p, size_t n)
{
	return n >= REDACT_MARK_LEN &&
	       memcmp(p, REDACT_MARK, REDACT_MARK_LEN) == 0;
}

/* Bytes at p up to a blank, a control character, a quote, a mark or one of
 * `stop`. */
static size_t
word_length(const char *p, size_t n, const char *stop)
{
	size_t len = 0;

	while (len < n && (unsigned char)p[len] > ' ' && p[len] != '"' &&
	       p[len] != '\'' && strchr(stop, p[len]) == NULL &&
	       !redact_is_mark(p + len, n - len))
		len++;
	return len;
}

/* docs.github.com, "GitHub's token formats" */
static struct redact_span
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
	return len >= TOKEN_MIN ? (struct redact_span){ 0, prefix + len }
				: nothing;
}

static const char *
find(const char *p, size_t n, const char *word)
{
	return memmem(p, n, word, strlen(word));
}

/* A whole PEM private key, to its END line or to the end of the text. */
static struct redact_span
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
		return (struct redact_span){ 0, n };
	at = (size_t)(end - p) + sizeof last - 1;
	end = find(p + at, n - at, "-----");
	return (
	    struct redact_span){ 0, end != NULL ? (size_t)(end - p) + 5 : n };
}

/* The password of "://user:password@"; a long user alone is a token. */
static struct redact_span
match_url(const char *p, size_t n)
{
	const char *colon, *at;
	size_t len, from = 3;

	if (!starts_with(p, n, "://"))
		return nothing;
	len = word_length(p + 3, n - 3, "/?#<>");
	at = memrchr(p + 3, '@', len);
	/* One with a mark has been here before. */
	if (at == NULL || redact_is_mark(p + 3 + len, n - 3 - len))
		return nothing;
	len = (size_t)(at - p);
	if ((colon = memchr(p + 3, ':', len - 3)) != NULL)
		from = (size_t)(colon - p) + 1;
	else if (len - 3 < TOKEN_MIN)
		return nothing;
	return (struct redact_span){ from, len };
}

static struct redact_span
match_access_token(const char *p, size_t n)
{
	static const char user[] = "x-access-token:";
	size_t from = sizeof user - 1;

	if (!starts_with(p, n, user))
		return nothing;
	return (struct redact_span){ from,
		from + word_length(p + from, n - from, "@/\\") };
}

/* Blanks at p. */
static size_t
blanks(const char *p, size_t n)
{
	size_t len = 0;

	while (len < n && (p[len] == ' ' || p[len] == '\t'))
		len++;
	return len;
}

/* A quote at p, with the backslashes before it; 0 if there is none. */
static size_t
quote_length(const char *p, size_t n)
{
	size_t len = 0;

	while (len < n && p[len] == '\\')
		len++;
	return len < n && (p[len] == '"' || p[len] == '\'') ? len + 1 : 0;
}

static size_t
scheme_length(const char *p, size_t n)
{
	static const char *const schemes[] = { "bearer ", "token ", "basic " };

	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		size_t len = strlen(schemes[i]);

		if (starts_with(p, n, schemes[i]))
			return len + blanks(p + len, n - len);
	}
	return 0;
}

/*
 * The value of an Authorization header, behind its scheme, to the line's end
 * or the next quote. Where the name is quoted the value must be, too.
 */
static struct redact_span
match_header(const char *p, size_t n)
{
	size_t at = sizeof "authorization" - 1, quote, to;
	const char *opening;

	if (!starts_with(p, n, "authorization"))
		return nothing;
	opening = p + at;
	quote = quote_length(opening, n - at);
	at += quote;
	at += blanks(p + at, n - at);
	if (at >= n || (p[at] != ':' && p[at] != '='))
		return nothing;
	at++;
	at += blanks(p + at, n - at);
	if (n - at < quote || memcmp(p + at, opening, quote) != 0)
		return nothing;
	at += quote;
	at += scheme_length(p + at, n - at);
	for (to = at; to < n && strchr("\"'\\\r\n", p[to]) == NULL &&
		      !redact_is_mark(p + to, n - to);)
		to++;
	return (struct redact_span){ at, to };
}

/* "Bearer ..." without its header's name */
static struct redact_span
match_bearer(const char *p, size_t n)
{
	size_t len;

	if (!starts_with(p, n, "bearer "))
		return nothing;
	len = word_length(p + 7, n - 7, "\\,;()");
	return len >= TOKEN_MIN ? (struct redact_span){ 7, 7 + len } : nothing;
}

const unsigned char redact_begins[256] = {
	['g'] = 1,
	['-'] = 1,
	[':'] = 1,
	['x'] = 1,
	['X'] = 1,
	['a'] = 1,
	['A'] = 1,
	['b'] = 1,
	['B'] = 1,
};

/* The same bytes, and what they begin. */
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

struct redact_span
redact_pattern(const char *p, size_t n)
{
	matcher *match = by_look[(unsigned char)*p];

	return match != NULL ? match(p, n) : nothing;
}
