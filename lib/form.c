/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "buf.h"
#include "err.h"
#include "form.h"

/* A part of the body, still encoded. */
struct span {
	const char *at;
	size_t len;
};

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes one decoded byte off the front; -1 if its escape is broken. */
static int
next_byte(struct span *s)
{
	int c = (unsigned char)*s->at, high, low;

	s->at++;
	s->len--;
	if (c != '%')
		return c == '+' ? ' ' : c;
	if (s->len < 2 || (high = hex_value(s->at[0])) == -1 ||
	    (low = hex_value(s->at[1])) == -1)
		return -1;
	s->at += 2;
	s->len -= 2;
	return high << 4 | low;
}

/* Names are compared decoded: another reader would find "p%61yload" too. */
static int
name_is(int *same, struct span s, const char *name)
{
	*same = 1;
	while (s.len > 0) {
		int c = next_byte(&s);

		if (c == -1)
			return -1;
		if (*same && c != 0 && c == (unsigned char)*name)
			name++;
		else
			*same = 0;
	}
	if (*name != '\0')
		*same = 0;
	return 0;
}

static int
decode(struct buf *out, struct span s)
{
	while (s.len > 0) {
		size_t plain = 0;
		int c;

		while (
		    plain < s.len && s.at[plain] != '%' && s.at[plain] != '+')
			plain++;
		buf_add(out, s.at, plain);
		s.at += plain;
		s.len -= plain;
		if (s.len == 0)
			break;
		if ((c = next_byte(&s)) == -1)
			return -1;
		buf_addc(out, (char)c);
	}
	return 0;
}

/* Cuts the next "name=value" off the front of *body. */
static void
next_field(struct span *name, struct span *value, struct span *body)
{
	const char *end = memchr(body->at, '&', body->len), *equals;
	size_t len = end != NULL ? (size_t)(end - body->at) : body->len;
	size_t used = end != NULL ? len + 1 : len;

	*name = (struct span){ body->at, len };
	*value = (struct span){ body->at + len, 0 };
	equals = memchr(body->at, '=', len);
	if (equals != NULL) {
		name->len = (size_t)(equals - body->at);
		value->at = equals + 1;
		value->len = len - name->len - 1;
	}
	body->at += used;
	body->len -= used;
}

static int
find_field(
    struct span *found, struct span body, const char *wanted, struct err *err)
{
	int seen = 0;

	while (body.len > 0) {
		struct span name, value;
		int same;

		next_field(&name, &value, &body);
		if (name_is(&same, name, wanted) == -1)
			return err_set(err, ERR_BAD, 0,
			    "form: broken escape in a field's name");
		if (!same)
			continue;
		if (seen++)
			return err_set(err, ERR_BAD, 0,
			    "form: field %.60s stands twice", wanted);
		*found = value;
	}
	if (!seen)
		return err_set(
		    err, ERR_BAD, 0, "form: field %.60s is missing", wanted);
	return 0;
}

int
form_field(struct buf *out, const char *body, size_t len, const char *name,
    struct err *err)
{
	struct span value;
	size_t before = out->len;

	if (find_field(&value, (struct span){ body, len }, name, err) == -1)
		return -1;
	if (decode(out, value) == -1)
		err_set(err, ERR_BAD, 0, "form: broken escape in field %.60s",
		    name);
	else if (buf_check(out, "form field", err) == 0)
		return 0;
	/* What was added goes again; a full buffer stays marked. */
	out->len = before;
	if (out->cap > 0)
		out->data[before] = '\0';
	return -1;
}
