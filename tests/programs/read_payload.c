/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "event.h"
#include "json.h"

/*
 * How our code reads a payload, for tests that compare it with another
 * reader. On standard input any number of
 *
 *   QUESTION LENGTH\n followed by LENGTH bytes
 *
 * and on standard output one line for each: "ok ANSWER" or "bad REASON".
 *
 *   tree     the value, parsed into a tree and written again
 *   scan     nothing: json_scan() alone
 *   NAME     an event's name: is the body one? its number and its commit
 */

#define BODY_MAX (64u << 20)

static int
read_tree(struct buf *out, const char *body, size_t len, struct err *err)
{
	struct json *doc;

	if (json_parse(&doc, body, len, err) == -1)
		return -1;
	json_put_value(out, doc);
	json_free(doc);
	return 0;
}

static int
check_members(const struct event_kind *kind, const struct json_pick *picks,
    struct err *err)
{
	for (size_t i = 0; i < 3; i++) {
		if (kind->subject[i] != NULL && picks[i].type == JSON_NONE)
			return err_set(
			    err, ERR_BAD, 0, "lacks %s", kind->subject[i]);
		if (kind->foreign[i] != NULL && picks[3 + i].type != JSON_NONE)
			return err_set(
			    err, ERR_BAD, 0, "has %s", kind->foreign[i]);
	}
	return 0;
}

static int
read_event(struct buf *out, const char *name, const char *body, size_t len,
    struct err *err)
{
	const struct event_kind *kind = event_find(name);
	struct json_pick picks[8] = { 0 };
	int64_t number = 0;

	if (kind == NULL)
		return err_set(err, ERR_BAD, 0, "no such event");
	for (size_t i = 0; i < 3; i++) {
		picks[i].path = kind->subject[i];
		picks[3 + i].path = kind->foreign[i];
	}
	picks[6].path = kind->number_path;
	picks[7].path = kind->sha_path;
	for (size_t i = 0; i < 8; i++) {
		if (picks[i].path == NULL)
			picks[i].path = "";
	}
	if (json_scan(body, len, picks, 8, err) == -1 ||
	    check_members(kind, picks, err) == -1)
		return -1;
	if (picks[6].type != JSON_NONE &&
	    json_pick_int(&number, &picks[6]) == -1)
		return err_set(err, ERR_BAD, 0, "number is none");
	buf_addf(out, "%" PRId64 " ", number);
	json_pick_string(&picks[7], out);
	return 0;
}

static int
answer(struct buf *out, const char *question, const char *body, size_t len,
    struct err *err)
{
	if (strcmp(question, "tree") == 0)
		return read_tree(out, body, len, err);
	if (strcmp(question, "scan") == 0)
		return json_scan(body, len, NULL, 0, err);
	return read_event(out, question, body, len, err);
}

/* The body stands at the end of its memory, so that a sanitizer sees a read
 * behind it. */
static char *
read_body(size_t len)
{
	char *body = malloc(len > 0 ? len : 1);

	if (body == NULL || fread(body, 1, len, stdin) != len)
		fatal("standard input ends too early");
	return body;
}

int
main(void)
{
	char question[80];
	size_t len;

	while (scanf("%79s %zu", question, &len) == 2) {
		struct err err = { 0 };
		struct buf out;
		char *body;

		if (getchar() != '\n' || len > BODY_MAX)
			fatal("what is asked?");
		body = read_body(len);
		buf_init(&out, 2 * BODY_MAX);
		if (answer(&out, question, body, len, &err) == -1 ||
		    buf_check(&out, "answer", &err) == -1)
			printf("bad %s\n", err.text);
		else
			printf("ok %s\n", out.data);
		buf_release(&out);
		free(body);
	}
	return 0;
}
