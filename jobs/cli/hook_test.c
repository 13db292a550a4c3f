/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "cli/cli.h"
#include "cli/job_find.h"
#include "cli/screen.h"
#include "cli/table.h"
#include "config.h"
#include "event.h"
#include "form.h"
#include "fsio.h"
#include "hook.h"
#include "json.h"
#include "spool.h"

/*
 * `hookspool hook test`: which hooks an event would run, and why not the
 * others. Nothing is run and nothing is written. The event is a job of the
 * spool, a copy of its file, or, with --event, a bare JSON payload as GitHub
 * shows it under "Recent deliveries".
 */

struct trial {
	struct cli *cli;
	struct screen screen;
	struct job_head head;
	struct buf body;
	struct json *payload;
	struct hooks *hooks;
};

static int read_event(struct trial *t);
static int read_file(struct trial *t, int fd, struct err *err);
static int read_payload(struct trial *t, int fd, struct err *err);
static void fill_head(struct trial *t, const char *event);
static int parse_body(struct trial *t, struct err *err);
static int decode_form(struct trial *t, struct err *err);
static int judge(struct trial *t);
static int want(struct trial *t, const struct hook *hook, struct buf *why);
static int print_text(struct trial *t);
static int print_json(struct trial *t);

int
cli_hook_test(struct cli *cli)
{
	struct trial t = { .cli = cli };
	struct err err = { 0 };
	int code;

	screen_init(&t.screen);
	buf_init(&t.body, SPOOL_BODY_MAX);
	code = read_event(&t);
	if (code == CLI_YES) {
		if (parse_body(&t, &err) == -1 ||
		    hooks_compile(&t.hooks, cli->config, &err) == -1)
			code = cli_error(&err);
		else
			code = judge(&t);
	}
	hooks_free(t.hooks);
	json_free(t.payload);
	buf_release(&t.body);
	return code;
}

static int
read_event(struct trial *t)
{
	const char *what = t->cli->argv[0];
	int fd = -1, dir = AT_FDCWD, code, rc;
	char name[SPOOL_NAME_MAX];
	struct job_ref job;
	struct err err = { 0 };

	if (strchr(what, '/') == NULL && access(what, F_OK) == -1) {
		code = job_find(t->cli, what, &job);
		if (code != 0)
			return code;
		spool_name_format(name, job.state, &job.name);
		dir = spool_fd(t->cli->spool, job.state);
		what = name;
	}
	if (fs_open_read(&fd, dir, what, &err) == -1)
		return cli_error(&err);
	rc = cli_value(t->cli, "event") != NULL ? read_payload(t, fd, &err)
						: read_file(t, fd, &err);
	if (rc == -1) {
		err_prefix(&err, "%.80s", t->cli->argv[0]);
		cli_error(&err);
	}
	fs_close(&fd);
	return rc == -1 ? err_exit_code(err.class) : CLI_YES;
}

static int
read_bytes(struct buf *out, int fd, off_t at, uint64_t len, struct err *err)
{
	char *room = len > SPOOL_BODY_MAX ? NULL : buf_room(out, len);
	size_t got;

	if (room == NULL)
		return err_set(err, ERR_BAD, 0, "too large for an event");
	if (fs_pread_full(fd, room, len, at, &got, err) == -1)
		return -1;
	out->len += got;
	out->data[out->len] = '\0';
	return 0;
}

static int
read_file(struct trial *t, int fd, struct err *err)
{
	size_t body_at;

	if (head_verify(&t->head, &body_at, fd, err) == -1)
		return -1;
	return read_bytes(&t->body, fd, (off_t)body_at, t->head.length, err);
}

static int
read_payload(struct trial *t, int fd, struct err *err)
{
	const char *event = cli_value(t->cli, "event");
	struct stat st;

	if (!event_name_valid(event))
		return err_set(err, ERR_BAD, 0,
		    "--event %.40s: not an event's name", event);
	if (fstat(fd, &st) == -1)
		return err_sys(err, "stat");
	if (read_bytes(&t->body, fd, 0, (uint64_t)st.st_size, err) == -1)
		return -1;
	fill_head(t, event);
	return 0;
}

/* What the responder would have put into the head. */
static void
fill_head(struct trial *t, const char *event)
{
	struct json_pick picks[] = {
		{ .path = "action" },
		{ .path = "repository.full_name" },
		{ .path = "sender.login" },
		{ .path = "number" },
	};
	struct job_head *h = &t->head;
	const struct event_kind *kind = event_find(event);
	struct {
		char *to;
		size_t size;
	} into[] = {
		{ h->action, sizeof h->action },
		{ h->repository, sizeof h->repository },
		{ h->sender, sizeof h->sender },
	};
	struct err ignored; /* parse_body() says it */
	struct buf text;

	memset(h, 0, sizeof *h);
	snprintf(h->event, sizeof h->event, "%s", event);
	snprintf(h->type, sizeof h->type, "%s", HEAD_TYPE_JSON);
	h->length = t->body.len;
	if (kind != NULL && kind->number_path != NULL)
		picks[3].path = kind->number_path;
	if (json_scan(t->body.data, t->body.len, picks, 4, &ignored) == -1)
		return;
	buf_init(&text, t->body.len + 1);
	for (size_t i = 0; i < sizeof into / sizeof *into; i++) {
		buf_reset(&text);
		json_pick_string(&picks[i], &text);
		head_clean(into[i].to, into[i].size, text.data, text.len);
	}
	if (json_pick_int(&h->number, &picks[3]) == -1)
		h->number = 0;
	buf_release(&text);
}

static int
parse_body(struct trial *t, struct err *err)
{
	if (strcmp(t->head.type, HEAD_TYPE_FORM) == 0 &&
	    decode_form(t, err) == -1)
		return -1;
	if (json_parse(&t->payload, t->body.data, t->body.len, err) == -1)
		return err_prefix(err, "payload");
	return 0;
}

static int
decode_form(struct trial *t, struct err *err)
{
	struct buf json;

	buf_init(&json, SPOOL_BODY_MAX);
	if (form_field(&json, t->body.data, t->body.len, "payload", err) ==
		-1 ||
	    buf_check(&json, "payload", err) == -1) {
		buf_release(&json);
		return -1;
	}
	buf_release(&t->body);
	t->body = json;
	return 0;
}

/* No hook for the event is an answer that a script can ask for. */
static int
judge(struct trial *t)
{
	int matches = 0, code;

	for (size_t i = 0; i < hooks_count(t->hooks); i++)
		matches += want(t, hooks_at(t->hooks, i), NULL);
	code = t->cli->json ? print_json(t) : print_text(t);
	return code == CLI_YES && matches == 0 ? CLI_NO : code;
}

static int
want(struct trial *t, const struct hook *hook, struct buf *why)
{
	return hook_match(hook, &t->head, t->payload, why);
}

static int
print_text(struct trial *t)
{
	static const char *const titles[] = { "HOOK", "OF", "RUNS", "WHY NOT",
		NULL };
	struct table table;
	struct buf why;
	int code;

	if (hooks_count(t->hooks) == 0) {
		puts("the configuration has no hooks");
		return CLI_YES;
	}
	buf_init(&why, 4096);
	table_init(&table, titles);
	for (size_t i = 0; i < hooks_count(t->hooks); i++) {
		const struct hook *hook = hooks_at(t->hooks, i);
		int yes;

		buf_reset(&why);
		yes = want(t, hook, &why);
		table_cell(&table, STYLE_PLAIN, hook->name);
		table_cell(&table, STYLE_PLAIN,
		    hook->repository != NULL ? hook->repository : "all");
		table_cell(
		    &table, yes ? STYLE_GOOD : STYLE_DIM, yes ? "yes" : "no");
		table_cell(&table, STYLE_PLAIN, yes ? "" : why.data);
	}
	code = table_print(&table, &t->screen);
	table_release(&table);
	buf_release(&why);
	return code;
}

static int
print_json(struct trial *t)
{
	struct buf out, why;
	int code;

	buf_init(&out, SIZE_MAX / 2);
	buf_init(&why, 4096);
	buf_addc(&out, '{');
	json_put_member(&out, "event", t->head.event);
	json_put_member(&out, "action", t->head.action);
	json_put_member(&out, "repository", t->head.repository);
	json_put_key(&out, "hooks");
	buf_addc(&out, '[');
	for (size_t i = 0; i < hooks_count(t->hooks); i++) {
		const struct hook *hook = hooks_at(t->hooks, i);
		int yes;

		buf_reset(&why);
		yes = want(t, hook, &why);
		buf_adds(&out, i > 0 ? ",{" : "{");
		json_put_member(&out, "name", hook->name);
		if (hook->repository != NULL)
			json_put_member(&out, "repository", hook->repository);
		json_put_bool(&out, "runs", yes);
		if (!yes)
			json_put_member(&out, "why_not", why.data);
		buf_addc(&out, '}');
	}
	buf_adds(&out, "]}");
	code = screen_document(&out);
	buf_release(&why);
	buf_release(&out);
	return code;
}
