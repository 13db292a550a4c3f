/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agent/comment.h"
#include "agent/message.h"
#include "agent/work.h"
#include "git/publish.h"
#include "json.h"
#include "utf8.h"
#include "worker/job.h"

#define SCOPE_MAX   32	  /* bytes of a folder's name */
#define ROWS_MAX    300	  /* changed files that are listed */
#define OUTPUT_MAX  12000 /* bytes of a test's output */
#define JOB_TRAILER "Hookspool-Job: "

/* conventionalcommits.org; labels as GitHub makes them in a new repository,
 * and what people call the same. */
static const struct {
	const char *label, *type;
} types[] = {
	{ "bug", "fix" },
	{ "fix", "fix" },
	{ "regression", "fix" },
	{ "security", "fix" },
	{ "documentation", "docs" },
	{ "docs", "docs" },
	{ "test", "test" },
	{ "tests", "test" },
	{ "refactor", "refactor" },
	{ "refactoring", "refactor" },
	{ "performance", "perf" },
	{ "chore", "chore" },
	{ "dependencies", "chore" },
	{ "build", "build" },
	{ "ci", "ci" },
};

static const char *
type_of(const struct work *w)
{
	JSON_EACH (label, json_path(w->job->payload, "issue.labels")) {
		const char *name = json_str(json_get(label, "name"), "");

		for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
			if (strcasecmp(name, types[i].label) == 0)
				return types[i].type;
		}
	}
	return "feat";
}

/* The folder of the top that all changes are in. */
static void
put_scope(struct buf *out, const struct work *w)
{
	const char *first = w->count > 0 ? w->changes[0].path : "";
	size_t len = strcspn(first, "/");
	int shared = first[len] == '/' && len > 0 && len < SCOPE_MAX &&
		     strspn(first, "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789._-") >= len;

	for (size_t i = 1; shared && i < w->count; i++)
		shared = strncmp(w->changes[i].path, first, len + 1) == 0;
	if (shared)
		buf_add(out, first, len);
	else
		buf_addf(out, "issue-%lld", (long long)w->job->head.number);
}

/* "fix(parser)!: words": the shape, whatever the words. */
static int
is_conventional(const char *line, size_t len)
{
	size_t at = strspn(line, "abcdefghijklmnopqrstuvwxyz");

	if (at == 0)
		return 0;
	if (line[at] == '(') {
		at += strcspn(line + at, ")\n");
		if (line[at] == ')')
			at++;
	}
	if (line[at] == '!')
		at++;
	return at + 2 < len && line[at] == ':' && line[at + 1] == ' ';
}

/* One line of text: control characters become spaces, cut to so many
 * characters. */
static void
put_line(struct buf *out, const char *text, size_t len, size_t most)
{
	size_t chars = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c & 0xc0) != 0x80 && ++chars > most)
			break;
		buf_addc(out, c < ' ' || c == 0x7f ? ' ' : text[i]);
	}
}

static void
put_subject(struct buf *out, const struct work *w, const char *own, size_t len)
{
	const char *words = len > 0 ? own : work_title(w);
	size_t used;

	if (len > 0 && is_conventional(own, len)) {
		put_line(out, own, len, MESSAGE_SUBJECT * 2);
		return;
	}
	buf_adds(out, type_of(w));
	buf_addc(out, '(');
	put_scope(out, w);
	buf_adds(out, "): ");
	used = out->len;
	if (len == 0)
		len = strlen(words);
	if (len == 0)
		buf_addf(out, "work on #%lld", (long long)w->job->head.number);
	put_line(out, words, len,
	    used + 20 < MESSAGE_SUBJECT ? MESSAGE_SUBJECT - used : 20);
}

/* The command's text must not look as if we had written it: a trailer that
 * is ours to write is taken out. */
static void
put_body(struct buf *out, const char *body)
{
	size_t len;

	for (; *body != '\0'; body += len + (body[len] == '\n')) {
		len = strcspn(body, "\n");
		if (strncasecmp(body, "Hookspool-", 10) == 0)
			continue;
		buf_add(out, body, len);
		buf_addc(out, '\n');
	}
}

int
message_write(
    struct buf *out, const struct work *w, const char *own, struct err *err)
{
	long long number = (long long)w->job->head.number;
	char resolves[40];
	const char *body;
	size_t len;

	own += strspn(own, " \t\r\n");
	len = strcspn(own, "\r\n");
	put_subject(out, w, own, len);
	body = own + len;
	body += strspn(body, "\r\n");
	buf_adds(out, "\n\n");
	if (*body != '\0') {
		put_body(out, body);
		buf_addc(out, '\n');
	}
	snprintf(resolves, sizeof resolves, "Resolves #%lld\n", number);
	if (strstr(body, resolves) == NULL)
		buf_addf(out, "%s\n", resolves);
	buf_addf(out, JOB_TRAILER "%s\nHookspool-Request: %s\n",
	    w->job->head.id, w->job->head.request_id);
	return buf_check(out, "the commit's message", err);
}

int
message_is_of_job(const char *message, const char *job_id)
{
	char line[200];
	const char *at;

	snprintf(line, sizeof line, "\n" JOB_TRAILER "%s\n", job_id);
	at = strstr(message, line);
	return at != NULL;
}

/* ---- the pull request ---- */

static const char *
word_of(char kind)
{
	switch (kind) {
	case 'A':
		return "added";
	case 'D':
		return "deleted";
	case 'T':
		return "type changed";
	default:
		return "changed";
	}
}

/* A path is a stranger's text inside a table's cell. */
static void
put_path(struct buf *out, const char *path)
{
	buf_adds(out, "<code>");
	for (; *path != '\0'; path++) {
		if (strchr("&<>|`\\", *path) != NULL ||
		    (unsigned char)*path < ' ')
			buf_addf(out, "&#%d;", (unsigned char)*path);
		else
			buf_addc(out, *path);
	}
	buf_adds(out, "</code>");
}

static void
put_table(struct buf *out, const struct work *w)
{
	buf_adds(out, "| file | operation | lines |\n|---|---|---|\n");
	for (size_t i = 0; i < w->count && i < ROWS_MAX; i++) {
		const struct change *c = &w->changes[i];

		buf_adds(out, "| ");
		put_path(out, c->path);
		buf_addf(out, " | %s | ", word_of(c->kind));
		if (c->is_binary)
			buf_adds(out, "binary |\n");
		else
			buf_addf(out, "+%zu -%zu |\n", c->added, c->removed);
	}
	if (w->count > ROWS_MAX)
		buf_addf(out, "\nand %zu more files.\n", w->count - ROWS_MAX);
}

static void
put_test(struct buf *out, const struct work *w)
{
	const char *output = w->test.output.data;
	size_t len = w->test.output.len;

	buf_adds(out, "\n### Tests\n\n");
	if (w->options.test == NULL) {
		buf_adds(out, "No test command is configured.\n");
	} else if (!w->test.ran) {
		buf_adds(out, "Ran in an earlier attempt of the job; its log "
			      "has the result.\n");
	} else if (w->test.passed) {
		buf_addf(out, "Passed in round %u.\n", w->round);
	} else {
		buf_addf(out, "**Failed** after %u rounds: %s.\n\n", w->round,
		    w->test.how);
		if (len > OUTPUT_MAX)
			output += len - OUTPUT_MAX;
		work_put_block(out, output);
	}
}

/* The message without its first line and without our trailers. */
static void
put_summary(struct buf *out, const struct work *w)
{
	const char *body = strstr(w->message.data, "\n\n");
	const char *end = body != NULL ? strstr(body, "\nResolves #") : NULL;

	if (end != NULL && end > body + 2)
		buf_add(out, body + 2, (size_t)(end - body - 2));
	else
		buf_addf(out, "Work on #%lld.", (long long)w->job->head.number);
	buf_adds(out, "\n\n");
}

int
message_pull(struct buf *out, const struct work *w, struct err *err)
{
	buf_adds(out, "### Summary\n\n");
	put_summary(out, w);
	buf_adds(out, "### Changed files\n\n");
	put_table(out, w);
	put_test(out, w);
	buf_addf(out,
	    "\nFixes #%lld\n\n---\nMade by hookspool, job `%s`, commit %s.\n",
	    (long long)w->job->head.number, w->job->head.id, w->commit);
	comment_mark(out, w);
	return buf_check(out, "the pull request's description", err);
}
