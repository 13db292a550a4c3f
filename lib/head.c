/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "clock.h"
#include "digest.h"
#include "err.h"
#include "fsio.h"
#include "head.h"
#include "head_value.h"

/*
 * One row a line, in the order they are written, which is the order a person
 * wants to read them in. Reading takes any order, but each line exactly
 * once. Text lines have a place in the struct and a check; the others have
 * their own two functions.
 */
struct line {
	const char *name;
	size_t at, size;		 /* the text's place; size 0: none */
	int (*valid)(const char *value); /* of a text */
	void (*put)(struct buf *b, const struct job_head *head);
	int (*take)(struct job_head *head, const char *value);
};

static void put_number(struct buf *b, const struct job_head *head);
static void put_received(struct buf *b, const struct job_head *head);
static void put_length(struct buf *b, const struct job_head *head);
static void put_sha256(struct buf *b, const struct job_head *head);
static int take_number(struct job_head *head, const char *value);
static int take_received(struct job_head *head, const char *value);
static int take_length(struct job_head *head, const char *value);
static int take_sha256(struct job_head *head, const char *value);

#define TEXT(name, field, check)                                               \
	{                                                                      \
		name, offsetof(struct job_head, field),                        \
		    sizeof((struct job_head *)0)->field, check, NULL, NULL     \
	}
#define OTHER(name, what)                                                      \
	{                                                                      \
		name, 0, 0, NULL, put_##what, take_##what                      \
	}

static const struct line lines[] = {
	TEXT("Job", id, head_job_id_valid),
	TEXT("Request", request_id, value_is_uuid),
	TEXT("Delivery", delivery, value_is_uuid),
	TEXT("Hook", hook_id, value_is_hook),
	TEXT("Event", event, value_is_word),
	TEXT("Action", action, value_is_text),
	TEXT("Repository", repository, value_is_repository),
	OTHER("Number", number),
	TEXT("Key", key, value_is_text),
	TEXT("Sender", sender, value_is_text),
	TEXT("Commit", sha, value_is_commit),
	TEXT("Peer", peer, value_is_text),
	OTHER("Received", received),
	TEXT("Slot", slot, value_is_slot),
	TEXT("Content-Type", type, value_is_type),
	OTHER("Length", length),
	OTHER("SHA-256", sha256),
};

#define LINES	(sizeof lines / sizeof *lines)
#define PADDING "Padding: " /* the line that is no field; dots follow */

static void
put_number(struct buf *b, const struct job_head *head)
{
	buf_addf(b, "%" PRId64, head->number);
}

static void
put_received(struct buf *b, const struct job_head *head)
{
	char text[CLOCK_TEXT];

	clock_text_ns(text, head->received);
	buf_adds(b, text);
}

static void
put_length(struct buf *b, const struct job_head *head)
{
	buf_addf(b, "%" PRIu64, head->length);
}

static void
put_sha256(struct buf *b, const struct job_head *head)
{
	char hex[DIGEST_HEX];

	hex_encode(hex, head->sha256, DIGEST_LEN);
	buf_adds(b, hex);
}

static int
take_number(struct job_head *head, const char *value)
{
	uint64_t n;

	if (value_to_count(&n, value) == -1 || n > INT64_MAX)
		return -1;
	head->number = (int64_t)n;
	return 0;
}

/* Only what put_received() writes: one time has one text. */
static int
take_received(struct job_head *head, const char *value)
{
	char again[CLOCK_TEXT];
	int64_t wall;

	if (strlen(value) >= sizeof again || clock_parse(&wall, value) == -1)
		return -1;
	clock_text_ns(again, wall);
	if (strcmp(again, value) != 0)
		return -1;
	head->received = wall;
	return 0;
}

static int
take_length(struct job_head *head, const char *value)
{
	return value_to_count(&head->length, value);
}

static int
take_sha256(struct job_head *head, const char *value)
{
	return hex_decode(head->sha256, DIGEST_LEN, value);
}

void
head_job_id(char out[JOB_ID_MAX], int64_t number, const char *delivery)
{
	snprintf(out, JOB_ID_MAX, "%" PRId64 "-%.36s", number, delivery);
}

int
head_job_id_of_hook(
    char out[JOB_ID_MAX], const struct job_head *head, struct err *err)
{
	char text[sizeof head->hook_id + UUID_TEXT], hex[DIGEST_HEX];
	char uuid[UUID_TEXT];
	uint8_t sum[DIGEST_LEN];
	/* Neither holds a blank, so it divides the two. */
	int len =
	    snprintf(text, sizeof text, "%s %s", head->hook_id, head->delivery);

	if (digest_of(sum, text, (size_t)len, err) == -1)
		return -1;
	/* RFC 9562, version 8: custom contents, and the variant's two bits. */
	sum[6] = (uint8_t)((sum[6] & 0x0f) | 0x80);
	sum[8] = (uint8_t)((sum[8] & 0x3f) | 0x80);
	hex_encode(hex, sum, 16);
	snprintf(uuid, sizeof uuid, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
	    hex + 12, hex + 16, hex + 20);
	head_job_id(out, head->number, uuid);
	return 0;
}

int
head_job_id_valid(const char *id)
{
	char digits[JOB_ID_MAX];
	size_t len = strspn(id, "0123456789");
	uint64_t n;

	if (len == 0 || len >= 20 || id[len] != '-')
		return 0;
	memcpy(digits, id, len);
	digits[len] = '\0';
	return value_to_count(&n, digits) == 0 && value_is_uuid(id + len + 1);
}

void
head_clean(char *out, size_t size, const char *text, size_t len)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		int plain = c >= 0x20 && c <= 0x7e;

		if (used + (plain ? 1 : 3) >= size)
			break;
		if (plain)
			out[used++] = (char)c;
		else
			used += (size_t)snprintf(
			    out + used, size - used, "%%%02X", c);
	}
	out[used] = '\0';
}

/* The ID is made of other lines and must agree with them. */
static int
id_agrees(const struct job_head *head)
{
	char id[JOB_ID_MAX];
	struct err ignored;

	head_job_id(id, head->number, head->delivery);
	if (strcmp(id, head->id) == 0)
		return 1;
	return head_job_id_of_hook(id, head, &ignored) == 0 &&
	       strcmp(id, head->id) == 0;
}

static int
pad_to(struct buf *b, size_t start, size_t pad, struct err *err)
{
	/* The newline that ends the padding and the blank line's. */
	size_t used = b->len - start + strlen(PADDING) + 2;

	if (used >= pad)
		return err_set(
		    err, ERR_BAD, 0, "head: does not fit into %zu bytes", pad);
	buf_adds(b, PADDING);
	for (; used < pad; used++)
		buf_addc(b, '.');
	buf_addc(b, '\n');
	return 0;
}

int
head_format(
    struct buf *b, const struct job_head *head, size_t pad, struct err *err)
{
	size_t start = b->len;

	if (head->number < 0 || !id_agrees(head))
		return err_set(err, ERR_BAD, 0,
		    "head: the job's ID is not number and delivery");
	for (size_t i = 0; i < LINES; i++) {
		const struct line *l = &lines[i];
		const char *text = (const char *)head + l->at;

		buf_addf(b, "%s:", l->name);
		if (l->size == 0) {
			buf_addc(b, ' ');
			l->put(b, head);
		} else if (memchr(text, '\0', l->size) == NULL ||
			   !l->valid(text)) {
			return err_set(err, ERR_BAD, 0,
			    "head: value not allowed for %s", l->name);
		} else if (*text != '\0') {
			buf_addf(b, " %s", text);
		}
		buf_addc(b, '\n');
	}
	if (pad > 0 && pad_to(b, start, pad, err) == -1)
		return -1;
	buf_addc(b, '\n');
	return buf_check(b, "head", err);
}

/* What one call of head_parse() knows besides the head. */
struct parse {
	struct job_head head;
	unsigned long found; /* bit i: lines[i] was there */
	size_t next;	     /* lines[] has it here, if it is in order */
	int padded;
	unsigned number; /* of the line, from 1 */
};

static int
bad_line(const struct parse *p, const char *why, struct err *err)
{
	return err_set(err, ERR_BAD, 0, "head, line %u: %s", p->number, why);
}

static int
take_padding(struct parse *p, const char *value, struct err *err)
{
	if (p->padded || value[strspn(value, ".")] != '\0')
		return bad_line(p, "wrong padding", err);
	p->padded = 1;
	return 0;
}

static int
take_value(
    struct parse *p, const struct line *l, const char *value, struct err *err)
{
	size_t len = strlen(value);

	if (l->size == 0) {
		if (l->take(&p->head, value) == -1)
			return bad_line(p, "value not allowed", err);
		return 0;
	}
	if (len >= l->size || !l->valid(value))
		return bad_line(p, "value not allowed", err);
	memcpy((char *)&p->head + l->at, value, len + 1);
	return 0;
}

/* `text` is the line without its newline, as a string. */
static int
take_line(struct parse *p, char *text, struct err *err)
{
	char *value = strchr(text, ':');

	if (value == NULL)
		return bad_line(p, "no colon", err);
	*value++ = '\0';
	/* "Key: value" or "Key:"; nothing else, so that one head has one
	 * form. */
	if (*value != '\0' && (*value++ != ' ' || *value == '\0'))
		return bad_line(p, "not one space before the value", err);
	if (strcmp(text, "Padding") == 0)
		return take_padding(p, value, err);
	for (size_t n = 0; n < LINES; n++) {
		size_t i = (p->next + n) % LINES;

		if (strcmp(lines[i].name, text) != 0)
			continue;
		if (p->found & 1ul << i)
			return bad_line(p, "stands twice", err);
		p->found |= 1ul << i;
		p->next = i + 1;
		return take_value(p, &lines[i], value, err);
	}
	return bad_line(p, "unknown", err);
}

static int
check_whole(const struct parse *p, struct err *err)
{
	for (size_t i = 0; i < LINES; i++) {
		if (!(p->found & 1ul << i))
			return err_set(
			    err, ERR_BAD, 0, "head: no line %s", lines[i].name);
	}
	if (!id_agrees(&p->head))
		return err_set(err, ERR_BAD, 0,
		    "head: the job's ID is not number and delivery");
	return 0;
}

int
head_parse(struct job_head *head, size_t *body_at, const char *text, size_t len,
    struct err *err)
{
	struct parse p = { .number = 1 };
	char line[HEAD_MAX];
	size_t at = 0;

	if (len > HEAD_MAX)
		len = HEAD_MAX;
	for (;; p.number++) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n;

		if (end == NULL)
			return bad_line(&p, "does not end", err);
		n = (size_t)(end - (text + at));
		memcpy(line, text + at, n);
		line[n] = '\0';
		at += n + 1;
		if (n == 0)
			break;
		if (strlen(line) != n)
			return bad_line(&p, "holds a zero byte", err);
		if (take_line(&p, line, err) == -1)
			return -1;
	}
	if (check_whole(&p, err) == -1)
		return -1;
	*head = p.head;
	*body_at = at;
	return 0;
}

int
head_read(struct job_head *head, size_t *body_at, int fd, struct err *err)
{
	char text[HEAD_MAX];
	struct job_head h;
	struct stat st;
	size_t ask = sizeof text, len, at;

	if (fstat(fd, &st) == -1)
		return err_sys(err, "fstat");
	if (st.st_size < (off_t)sizeof text)
		ask = (size_t)st.st_size; /* its end is not asked for */
	if (fs_pread_full(fd, text, ask, 0, &len, err) == -1 ||
	    head_parse(&h, &at, text, len, err) == -1)
		return -1;
	if ((uint64_t)st.st_size < at || h.length > (uint64_t)st.st_size - at)
		return err_set(err, ERR_BAD, 0,
		    "body: %" PRIu64 " bytes declared, %jd there", h.length,
		    (intmax_t)st.st_size - (intmax_t)at);
	*head = h;
	*body_at = at;
	return 0;
}

/* Adds `left` bytes of the file from `at` on to the digest. */
static int
digest_body(struct digest *d, int fd, uint64_t left, size_t at, struct err *err)
{
	char piece[16384];
	off_t place = (off_t)at;

	while (left > 0) {
		size_t want = left < sizeof piece ? (size_t)left : sizeof piece;
		size_t got;

		if (fs_pread_full(fd, piece, want, place, &got, err) == -1)
			return -1;
		if (got < want)
			return err_set(err, ERR_BAD, 0, "body: cut short");
		if (digest_add(d, piece, got, err) == -1)
			return -1;
		place += (off_t)got;
		left -= got;
	}
	return 0;
}

int
head_verify(struct job_head *head, size_t *body_at, int fd, struct err *err)
{
	struct job_head h;
	struct digest *d = NULL;
	uint8_t sum[DIGEST_LEN];
	size_t at;
	int rc = -1;

	if (head_read(&h, &at, fd, err) == -1 || digest_new(&d, err) == -1)
		return -1;
	if (digest_body(d, fd, h.length, at, err) == -1 ||
	    digest_end(d, sum, err) == -1)
		goto out;
	if (!digest_equal(sum, h.sha256)) {
		err_set(err, ERR_BAD, 0, "body: the checksum does not match");
		goto out;
	}
	*head = h;
	*body_at = at;
	rc = 0;
out:
	digest_free(d);
	return rc;
}
