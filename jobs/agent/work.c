/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "agent/work.h"
#include "json.h"
#include "worker/job.h"

static const char *
issue_text(const struct work *w, const char *path)
{
	return json_str(json_path(w->job->payload, path), "");
}

const char *
work_title(const struct work *w)
{
	return issue_text(w, "issue.title");
}

const char *
work_text(const struct work *w)
{
	return issue_text(w, "issue.body");
}

const char *
work_author(const struct work *w)
{
	return issue_text(w, "issue.user.login");
}

/* The longest run of backquotes decides the fence. */
void
work_put_block(struct buf *out, const char *text)
{
	size_t longest = 2, run = 0;

	for (const char *p = text; *p != '\0'; p++) {
		run = *p == '`' ? run + 1 : 0;
		if (run > longest)
			longest = run;
	}
	for (size_t i = 0; i <= longest; i++)
		buf_addc(out, '`');
	buf_adds(out, "text\n");
	buf_adds(out, text);
	if (*text == '\0' || text[strlen(text) - 1] != '\n')
		buf_addc(out, '\n');
	for (size_t i = 0; i <= longest; i++)
		buf_addc(out, '`');
	buf_addc(out, '\n');
}
