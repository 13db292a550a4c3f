/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "cli/doctor.h"
#include "cli/screen.h"
#include "json.h"
#include "spool.h"

#define NEEDS_CONFIG 1u
#define NEEDS_SPOOL  2u

/* In the order in which one explains the next. */
static const struct {
	const char *name;
	unsigned needs;
	void (*run)(struct doctor *d, struct finding *f);
} checks[] = {
	{ "configuration", 0, doctor_configuration },
	{ "webhook secret", NEEDS_CONFIG, doctor_secrets },
	{ "secret files", NEEDS_CONFIG, doctor_secret_files },
	{ "separation", NEEDS_CONFIG, doctor_separation },
	{ "hooks", NEEDS_CONFIG, doctor_hooks },
	{ "spool", 0, doctor_spool },
	{ "directories", NEEDS_SPOOL, doctor_directories },
	{ "file system", NEEDS_SPOOL, doctor_file_system },
	{ "fsync", NEEDS_SPOOL, doctor_fsync },
	{ "space", NEEDS_SPOOL, doctor_space },
	{ "clock", 0, doctor_clock },
	{ "runner", NEEDS_SPOOL, doctor_runner },
	{ "orphans", NEEDS_SPOOL, doctor_orphans },
	{ "queue", NEEDS_SPOOL, doctor_queue },
	{ "dead letters", NEEDS_SPOOL, doctor_dead },
	{ "sandbox", 0, doctor_sandbox },
	{ "proxy", NEEDS_CONFIG, doctor_proxy },
};

#define CHECKS (sizeof checks / sizeof *checks)

static const struct {
	const char *word;
	enum style style;
} verdicts[] = {
	[VERDICT_OK] = { "OK", STYLE_GOOD },
	[VERDICT_SKIP] = { "SKIP", STYLE_DIM },
	[VERDICT_WARN] = { "WARN", STYLE_WARN },
	[VERDICT_FAIL] = { "FAIL", STYLE_BAD },
};

static void open_all(struct doctor *d);
static void examine(struct doctor *d, size_t i, struct finding *f);
static void print_finding(
    const struct screen *s, size_t i, const struct finding *f);
static void add_finding(struct buf *out, size_t i, const struct finding *f);
static int conclude(const struct doctor *d, const struct screen *s,
    const unsigned counts[4], struct buf *out);

int
cli_doctor(struct cli *cli)
{
	struct doctor d = { .cli = cli };
	unsigned counts[4] = { 0 };
	struct screen s;
	struct buf out;
	int code;

	screen_init(&s);
	buf_init(&out, 1024 * 1024);
	d.now = s.now;
	d.url = cli_value(cli, "url");
	open_all(&d);
	buf_adds(&out, "{\"checks\":[");
	for (size_t i = 0; i < CHECKS; i++) {
		struct finding f = { 0 };

		examine(&d, i, &f);
		counts[f.verdict]++;
		if (cli->json)
			add_finding(&out, i, &f);
		else
			print_finding(&s, i, &f);
	}
	code = conclude(&d, &s, counts, &out);
	config_report_free(&d.report);
	buf_release(&out);
	return code;
}

/* What does not open is a finding, and the checks that need it are left. */
static void
open_all(struct doctor *d)
{
	struct cli *cli = d->cli;

	if (config_load(&cli->config,
		config_default_path(cli_value(cli, "config")), &d->report,
		&d->config_err) == -1)
		cli->config = NULL;
	if (cli->config == NULL && cli_value(cli, "spool") == NULL)
		return;
	if (cli_open_spool(cli, &d->spool_err) == -1)
		cli->spool = NULL;
}

static void
examine(struct doctor *d, size_t i, struct finding *f)
{
	if ((checks[i].needs & NEEDS_CONFIG) && d->cli->config == NULL)
		finding_skip(f, "the configuration does not load");
	else if ((checks[i].needs & NEEDS_SPOOL) && d->cli->spool == NULL)
		finding_skip(f, "the spool does not open");
	else
		checks[i].run(d, f);
}

static void
print_finding(const struct screen *s, size_t i, const struct finding *f)
{
	const char *word = verdicts[f->verdict].word;
	struct buf text;

	buf_init(&text, 4096);
	screen_text(&text, f->text, strlen(f->text));
	printf("%s%-4s%s  %-14s  %s\n",
	    screen_style(s, verdicts[f->verdict].style), word, screen_plain(s),
	    checks[i].name, text.data);
	if (f->remedy[0] != '\0') {
		buf_reset(&text);
		screen_text(&text, f->remedy, strlen(f->remedy));
		printf("      %-14s  -> %s\n", "", text.data);
	}
	fflush(stdout);
	buf_release(&text);
}

static void
add_finding(struct buf *out, size_t i, const struct finding *f)
{
	buf_adds(out, i > 0 ? ",{" : "{");
	json_put_member(out, "name", checks[i].name);
	json_put_member(out, "verdict", verdicts[f->verdict].word);
	json_put_member(out, "text", f->text);
	if (f->remedy[0] != '\0')
		json_put_member(out, "remedy", f->remedy);
	buf_addc(out, '}');
}

static int
conclude(const struct doctor *d, const struct screen *s,
    const unsigned counts[4], struct buf *out)
{
	int healthy = counts[VERDICT_FAIL] == 0, code = CLI_YES;

	if (d->cli->json) {
		buf_addc(out, ']');
		json_put_bool(out, "healthy", healthy);
		json_put_int(out, "warnings", counts[VERDICT_WARN]);
		json_put_int(out, "failures", counts[VERDICT_FAIL]);
		buf_addc(out, '}');
		code = screen_document(out);
	} else {
		char line[120];

		snprintf(line, sizeof line,
		    "\n%u fine, %u to look at, %u wrong\n", counts[VERDICT_OK],
		    counts[VERDICT_WARN], counts[VERDICT_FAIL]);
		screen_print(s, STYLE_HEAD, line);
	}
	return code != CLI_YES ? code : healthy ? CLI_YES : CLI_NO;
}

/* ---- findings ---- */

__attribute__((format(printf, 3, 0))) static void
fill(struct finding *f, enum verdict verdict, const char *fmt, va_list ap)
{
	char both[sizeof f->text + sizeof f->remedy], *cut;

	vsnprintf(both, sizeof both, fmt, ap);
	cut = strchr(both, '\n');
	if (cut != NULL)
		*cut++ = '\0';
	f->verdict = verdict;
	snprintf(
	    f->text, sizeof f->text, "%.*s", (int)sizeof f->text - 1, both);
	snprintf(f->remedy, sizeof f->remedy, "%.*s", (int)sizeof f->remedy - 1,
	    cut != NULL ? cut : "");
}

void
finding_ok(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(f, VERDICT_OK, fmt, ap);
	va_end(ap);
}

void
finding_skip(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(f, VERDICT_SKIP, fmt, ap);
	va_end(ap);
}

void
finding_warn(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(f, VERDICT_WARN, fmt, ap);
	va_end(ap);
}

void
finding_fail(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(f, VERDICT_FAIL, fmt, ap);
	va_end(ap);
}
