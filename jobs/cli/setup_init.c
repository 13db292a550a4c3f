/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "cli/cli.h"
#include "config.h"
#include "config_form.h"
#include "fsio.h"

/*
 * hookspool setup init: a first config.yaml for one repository, with a
 * secret that nobody had to think up. The file is made exclusively and
 * readable by its owner alone before the secret is in it.
 */

#define SECRET_BYTES 32 /* as many as SHA-256 gives; twice that in hex */
#define ANSWER_MAX   4096
#define FILE_MAX     16384

struct answers {
	char repository[ANSWER_MAX];
	char data_directory[ANSWER_MAX];
	char output[ANSWER_MAX];
};

static const struct cli_option init_options[] = {
	{ "repository", "OWNER/NAME", "the first repository" },
	{ "data-directory", "DIR", "for spool, logs and workspaces" },
	{ "output", "FILE", "the file to write" },
	{ "force", NULL, "replace the file if it is there" },
	{ NULL, NULL, NULL },
};

static int run_init(struct cli *cli);

const struct cli_command cli_setup_commands[] = {
	{ .name = "init",
	    .args = "",
	    .help = "write a first configuration with a new secret",
	    .options = init_options,
	    .run = run_init },
	{ .name = NULL },
};

/* ---- asking ---- */

/* A question, its default and the shape of a good answer. */
struct question {
	const char *option, *text, *usual;
	const struct config_form *form;
};

/* 1 with an answer in `out`; 0 at the end of input. */
static int
ask(char out[ANSWER_MAX], const struct question *q)
{
	for (;;) {
		if (q->usual[0] != '\0')
			fprintf(stderr, "%s [%s]: ", q->text, q->usual);
		else
			fprintf(stderr, "%s: ", q->text);
		if (fgets(out, ANSWER_MAX, stdin) == NULL)
			return 0;
		out[strcspn(out, "\r\n")] = '\0';
		if (out[0] == '\0')
			snprintf(out, ANSWER_MAX, "%s", q->usual);
		if (q->form->matches(out))
			return 1;
		fprintf(stderr, "expected %s\n", q->form->words);
	}
}

/* From the options, else by asking, else the default. 0 or exit code. */
static int
find_answer(
    char out[ANSWER_MAX], const struct cli *cli, const struct question *q)
{
	const char *given = cli_value(cli, q->option);

	if (given == NULL && isatty(STDIN_FILENO))
		return ask(out, q) ? 0 : cli_usage("no answer, nothing done");
	if (given == NULL && q->usual[0] == '\0')
		return cli_usage(
		    "setup init needs --%s where it cannot ask", q->option);
	snprintf(out, ANSWER_MAX, "%s", given != NULL ? given : q->usual);
	if (!q->form->matches(out))
		return cli_usage(
		    "--%s: expected %s", q->option, q->form->words);
	return 0;
}

static int
find_answers(struct answers *a, const struct cli *cli)
{
	const struct question questions[] = {
		{ "repository", "Repository (owner/name)", "",
		    &form_repository },
		{ "data-directory", "Directory for spool and logs",
		    "/var/lib/hookspool", &form_path },
		{ "output", "Write to",
		    config_default_path(cli_value(cli, "config")), &form_text },
	};
	char *const answers[] = { a->repository, a->data_directory, a->output };

	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
		int code = find_answer(answers[i], cli, &questions[i]);

		if (code != 0)
			return code;
	}
	return 0;
}

/* ---- writing ---- */

static int
make_secret(char hex[2 * SECRET_BYTES + 1], struct err *err)
{
	unsigned char bytes[SECRET_BYTES];

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return err_sys(err, "random bytes");
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	explicit_bzero(bytes, sizeof bytes);
	return 0;
}

static void
write_text(struct buf *out, const struct answers *a, const char *secret)
{
	const char *name = strchr(a->repository, '/') + 1;

	buf_addf(out,
	    "# hookspool's configuration; config(5) lists all "
	    "keys.\n"
	    "# Check it with `hookspool config check %s`.\n"
	    "# Changes take effect by themselves, without a restart.\n"
	    "\n"
	    "# Spool, logs, mirrors and workspaces are kept here.\n"
	    "data-directory: %s\n"
	    "\n"
	    "# The same secret stands in the webhook's settings on GitHub.\n"
	    "webhook-secret: %s\n"
	    "\n"
	    "repositories:\n"
	    "  # Any unique word, by habit the repository's short name.\n"
	    "  %s:\n"
	    "    name: %s\n"
	    "\n"
	    "# Commands to run for events. This one only shows that an event\n"
	    "# arrived; see it with `hookspool logs`.\n"
	    "hooks:\n"
	    "  - name: hello\n"
	    "    events: [push]\n"
	    "    command: [/bin/echo, \"{{repository.full_name}} {{ref}}\"]\n",
	    a->output, a->data_directory, secret, name, a->repository);
}

/*
 * The running programs must be able to read it: root hands it to the owner
 * of the data directory.
 */
static int
hand_over(int fd, const char *data_directory, struct err *err)
{
	struct stat st;

	if (geteuid() != 0 || stat(data_directory, &st) == -1)
		return 0;
	if (fchown(fd, st.st_uid, (gid_t)-1) == -1)
		return err_sys(err, "chown");
	return 0;
}

static int
write_file(
    const struct answers *a, int force, const struct buf *text, struct err *err)
{
	char draft[ANSWER_MAX + 16];
	int fd, r = -1;

	/* Replacing: a new file takes the old one's name when complete. */
	snprintf(draft, sizeof draft, "%s%s", a->output, force ? ".draft" : "");
	if (force)
		(void)unlink(draft);
	fd = open(
	    draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1 && errno == EEXIST)
		return err_set(err, ERR_CONF, EEXIST,
		    "%.150s is there already; --force replaces it", a->output);
	if (fd == -1)
		return err_sys(err, "%.150s", draft);
	if (fchmod(fd, 0600) == -1) {
		err_sys(err, "%.150s", draft);
		goto out;
	}
	if (hand_over(fd, a->data_directory, err) == -1 ||
	    fs_write_all(fd, text->data, text->len, err) == -1 ||
	    fs_sync(fd, draft, err) == -1)
		goto out;
	if (force && rename(draft, a->output) == -1) {
		err_sys(err, "%.150s", a->output);
		goto out;
	}
	r = 0;
out:
	if (r == -1)
		(void)unlink(draft);
	fs_close(&fd);
	return r;
}

static void
say_next(const struct answers *a)
{
	printf("wrote %s\n"
	       "next:\n"
	       "  1. hookspool config check %s\n"
	       "  2. on GitHub, in the settings of %s: add a webhook with\n"
	       "     content type application/json, the URL of your server\n"
	       "     (https://HOST/webhook_server) and the webhook-secret of\n"
	       "     that file\n"
	       "  3. hookspool doctor\n",
	    a->output, a->output, a->repository);
}

static int
run_init(struct cli *cli)
{
	struct answers a;
	char secret[2 * SECRET_BYTES + 1];
	struct err err = { 0 };
	struct buf text;
	int code = find_answers(&a, cli);

	if (code != 0)
		return code;
	buf_init(&text, FILE_MAX);
	if (make_secret(secret, &err) == 0)
		write_text(&text, &a, secret);
	if (err.class != ERR_NONE ||
	    buf_check(&text, "configuration", &err) == -1 ||
	    write_file(&a, cli_value(cli, "force") != NULL, &text, &err) == -1)
		code = cli_error(&err);
	else
		say_next(&a);
	explicit_bzero(secret, sizeof secret);
	explicit_bzero(text.data, text.len);
	buf_release(&text);
	return code;
}
