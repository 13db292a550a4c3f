/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "cli/config_command.h"
#include "config_form.h"
#include "config_table.h"

/*
 * The key reference, once as a table of docs/configuration.md and once as
 * the list of docs/config.5. scripts/config-docs puts them into the pages,
 * between their two marker lines.
 */

#define MAN_COLUMNS 70 /* of a line of the page; escapes come on top */

static const struct {
	unsigned type;
	const char *word;
} words[] = {
	{ CONFIG_BOOL, "true or false" },
	{ CONFIG_INT, "integer" },
	{ CONFIG_STR, "string" },
	{ CONFIG_DURATION, "duration" },
	{ CONFIG_SIZE, "size" },
	{ CONFIG_LIST, "list" },
	{ CONFIG_MAP, "mapping" },
};

static const struct {
	unsigned scope;
	const char *word;
} scopes[] = {
	{ SCOPE_ROOT, "top" },
	{ SCOPE_BLOCK, "repository" },
	{ SCOPE_LOCAL, "local file" },
	{ SCOPE_BRANCH, "by branch" },
};

static const char *const effects[] = {
	[NEXT_JOB] = "next job",
	[ON_RELOAD] = "on reload",
	[ON_RESTART] = "restart",
};

void
config_put_type(struct buf *out, const struct config_key *key)
{
	const char *between = "";

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!(key->types & words[i].type))
			continue;
		buf_addf(out, "%s%s", between, words[i].word);
		between = " or ";
	}
	if (key->range != NULL) {
		buf_adds(out, strchr(key->range, '|') ? ": " : ", ");
		for (const char *p = key->range; *p != '\0'; p++) {
			if (*p == '|')
				buf_adds(out, ", ");
			else
				buf_addc(out, *p);
		}
	}
	if (key->form != NULL && key->form != &form_text)
		buf_addf(out, "; %s", key->form->words);
}

static void
put_scopes(struct buf *out, const struct config_key *key)
{
	unsigned set = config_key_scopes(key);
	const char *between = "";

	for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
		if (!(set & scopes[i].scope))
			continue;
		buf_addf(out, "%s%s", between, scopes[i].word);
		between = ", ";
	}
}

/* What else there is to know, as sentences behind the text. */
static void
put_remarks(struct buf *out, const struct config_key *key)
{
	if (key->marks & MARK_REQUIRED)
		buf_adds(out, " Required.");
	if (key->marks & MARK_SECRET)
		buf_adds(out, " Secret; ${NAME} is read from the environment.");
	if (key->marks & MARK_MERGE)
		buf_adds(out, " Merged key by key over the levels.");
	if (config_key_scopes(key) & SCOPE_IGNORED)
		buf_adds(out, " In a repository's own file: not followed.");
	if (key->marks & MARK_DEPRECATED)
		buf_addf(out, " Deprecated: %s.", key->note);
	if (key->marks & MARK_OBSOLETE)
		buf_addf(out, " No effect: %s.", key->note);
	if (key->marks & MARK_PLANNED)
		buf_adds(out, " Not in effect yet.");
}

/* ---- Markdown ---- */

/* A table's cell: bars and backslashes are escaped. */
static void
put_cell(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("|\\*<>", *text) != NULL)
			buf_addc(out, '\\');
		buf_addc(out, *text);
	}
}

static void
put_row(struct buf *out, const struct config_key *key)
{
	struct buf text;

	buf_init(&text, 4096);
	buf_addf(out, "| `%s` | ", key->name);
	config_put_type(&text, key);
	put_cell(out, text.data);
	buf_adds(out, " | ");
	if (key->fallback != NULL)
		buf_addf(out, "`%s`", key->fallback);
	buf_adds(out, " | ");
	put_scopes(out, key);
	buf_addf(out, " | %s | ", effects[key->effect]);
	buf_reset(&text);
	buf_adds(&text, key->text);
	put_remarks(&text, key);
	put_cell(out, text.data);
	buf_adds(out, " |\n");
	buf_release(&text);
}

void
config_markdown(struct buf *out)
{
	for (size_t a = 0; config_areas[a] != NULL; a++) {
		const struct config_area *area = config_areas[a];

		buf_addf(out, "%s### %s\n\n", a > 0 ? "\n" : "", area->title);
		buf_adds(out, "| Key | Takes | Default | Where | Takes effect "
			      "| Meaning |\n|---|---|---|---|---|---|\n");
		for (size_t i = 0; i < area->count; i++)
			put_row(out, &area->keys[i]);
	}
}

/* ---- the manual page (mdoc) ---- */

/* One word; at the start of a line it must not look like a macro. */
static void
put_word(struct buf *out, const char *word, size_t len, int first)
{
	if (first && (*word == '.' || *word == '\''))
		buf_adds(out, "\\&");
	for (size_t i = 0; i < len; i++) {
		if (word[i] == '\\')
			buf_adds(out, "\\e");
		else if (word[i] == '"')
			buf_adds(out, "\\(dq");
		else
			buf_addc(out, word[i]);
	}
}

/* Lines of text: filled, and a new one for each sentence. */
static void
put_mdoc(struct buf *out, const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t n = strcspn(text, " ");
		int ends = n > 1 && text[n - 1] == '.' && text[n - 2] != '.';

		if (column > 0 && column + 1 + n > MAN_COLUMNS) {
			buf_addc(out, '\n');
			column = 0;
		} else if (column > 0) {
			buf_addc(out, ' ');
			column++;
		}
		put_word(out, text, n, column == 0);
		column += n;
		text += n + (text[n] == ' ');
		if (ends && *text != '\0') {
			buf_addc(out, '\n');
			column = 0;
		}
	}
}

static void
put_item(struct buf *out, const struct config_key *key)
{
	struct buf text;

	buf_init(&text, 4096);
	buf_addf(out, ".It Cm %s\n", key->name);
	buf_adds(&text, key->text);
	put_remarks(&text, key);
	put_mdoc(out, text.data);
	buf_reset(&text);
	buf_adds(&text, "Takes: ");
	config_put_type(&text, key);
	buf_adds(&text, ".");
	if (key->fallback != NULL)
		buf_addf(&text, " Default: %s.", key->fallback);
	buf_adds(&text, " Where: ");
	put_scopes(&text, key);
	buf_addf(&text, ". Takes effect: %s.", effects[key->effect]);
	buf_adds(out, "\n.Pp\n");
	put_mdoc(out, text.data);
	buf_addc(out, '\n');
	buf_release(&text);
}

void
config_man(struct buf *out)
{
	for (size_t a = 0; config_areas[a] != NULL; a++) {
		const struct config_area *area = config_areas[a];

		buf_addf(out, ".Ss %s\n.Bl -tag -width Ds\n", area->title);
		for (size_t i = 0; i < area->count; i++)
			put_item(out, &area->keys[i]);
		buf_adds(out, ".El\n");
	}
}
