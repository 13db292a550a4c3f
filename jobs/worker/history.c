/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "spool.h"
#include "worker/history.h"

#define HOOK_PREFIX "hook:"
#define AGENT_STEP  "agent_command"

/* The step's row, made if need be; NULL where there is no memory. */
static struct history_row *
row_of(struct history *h, const char *step)
{
	struct history_row *more;

	for (size_t i = 0; i < h->count; i++) {
		if (strcmp(h->rows[i].name, step) == 0)
			return &h->rows[i];
	}
	more = reallocarray(h->rows, h->count + 1, sizeof *more);
	if (more == NULL)
		return NULL;
	h->rows = more;
	more += h->count++;
	*more = (struct history_row){ .past = PAST_NONE };
	snprintf(more->name, sizeof more->name, "%s", step);
	return more;
}

static void
forgive_failures(struct history *h)
{
	for (size_t i = 0; i < h->count; i++) {
		if (h->rows[i].past == PAST_FAILED)
			h->rows[i].past = PAST_NONE;
		h->rows[i].tries = 0;
	}
}

static int
take_event(struct history *h, const struct json *line)
{
	const char *event = json_str(json_get(line, "event"), "");
	const char *step = json_str(json_get(line, "step"), "");
	int completed = strcmp(event, "step_completed") == 0;
	struct history_row *row;

	if (strcmp(event, "settled") == 0)
		forgive_failures(h);
	if (strcmp(event, "replayed") == 0)
		h->count = 0;
	if ((!completed && strcmp(event, "step_failed") != 0) ||
	    (strncmp(step, HOOK_PREFIX, strlen(HOOK_PREFIX)) != 0 &&
		strcmp(step, AGENT_STEP) != 0) ||
	    strlen(step) >= HISTORY_NAME_MAX)
		return 0;
	row = row_of(h, step);
	if (row == NULL)
		return -1;
	if (completed)
		row->past = PAST_COMPLETED;
	else if (json_true(json_get(line, "final")))
		row->past = PAST_FAILED;
	else if (json_get(line, "retries_left") != NULL)
		row->tries++;
	return 0;
}

/* Most lines are a command's output: only those that can matter are parsed,
 * and a line that a crash tore is none. */
static int
take_line(struct history *h, const char *text, size_t len)
{
	struct json *line;
	struct err torn;
	int rc;

	if (strstr(text, "\"settled\"") == NULL &&
	    strstr(text, "\"replayed\"") == NULL &&
	    strstr(text, "\"step_completed\"") == NULL &&
	    strstr(text, "\"step_failed\"") == NULL)
		return 0;
	if (json_parse(&line, text, len, &torn) == -1)
		return 0;
	rc = take_event(h, line);
	json_free(line);
	return rc;
}

int
history_read(
    struct history *out, struct spool *s, const char *job_id, struct err *err)
{
	struct history h = { 0 };
	char name[JOB_ID_MAX + 8], *text = NULL;
	size_t size = 0;
	ssize_t len;
	FILE *f;
	int fd, rc = 0;

	snprintf(name, sizeof name, "%s.jsonl", job_id);
	fd = openat(spool_fd(s, SPOOL_LOG_JOBS), name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : err_sys(err, "%s", name);
	f = fdopen(fd, "r");
	if (f == NULL) {
		close(fd);
		return err_sys(err, "%s", name);
	}
	while (rc == 0 && (len = getline(&text, &size, f)) > 0)
		rc = take_line(&h, text, (size_t)len);
	free(text);
	if (rc == -1 || ferror(f)) {
		fclose(f);
		history_release(&h);
		return err_set(err, ERR_TEMP, 0, "%s: cannot be read", name);
	}
	fclose(f);
	*out = h;
	return 0;
}

const struct history_row *
history_of(const struct history *h, const char *step)
{
	for (size_t i = 0; i < h->count; i++) {
		if (strcmp(h->rows[i].name, step) == 0)
			return &h->rows[i];
	}
	return NULL;
}

void
history_release(struct history *h)
{
	free(h->rows);
	*h = (struct history){ 0 };
}
