/* SPDX-License-Identifier: MIT */
#include "runner/order.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "fsio.h"
#include "runner/presence.h"
#include "spool.h"

#define FILE_NAME "waiting"
#define FILE_MAX  (ORDER_MOST * SPOOL_NAME_MAX + 64)
#define EVERY	  CLOCK_SECOND
#define SHARE	  100 /* it may take a hundredth of the time */

void
order_begin(struct order *o, struct spool *s)
{
	unlinkat(spool_fd(s, SPOOL_LOCK), FILE_NAME, 0);
	*o = (struct order){ 0 };
}

/* ---- writing ---- */

static void
put_names(struct buf *text, const struct backlog *b)
{
	const struct waiting *oldest[ORDER_MOST];
	size_t n = backlog_oldest(b, WAITS_NEW, oldest, ORDER_MOST);

	buf_addf(text, "%zu\n", backlog_count(b, WAITS_NEW));
	for (size_t i = 0; i < n; i++)
		buf_addf(text, "%s.%u\n", oldest[i]->id, oldest[i]->attempt);
}

/* As one step for readers; where it fails the old one is no worse. */
static void
replace(struct spool *s, const struct buf *text)
{
	int dir = spool_fd(s, SPOOL_LOCK), fd;
	char temp[32];
	struct err ignored;

	snprintf(temp, sizeof temp, FILE_NAME ".%ld", (long)getpid());
	fd = openat(dir, temp,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd == -1)
		return;
	if (fs_write_all(fd, text->data, text->len, &ignored) == -1 ||
	    renameat(dir, temp, dir, FILE_NAME) == -1)
		unlinkat(dir, temp, 0);
	close(fd);
}

void
order_round(
    struct order *o, struct spool *s, const struct backlog *b, int64_t now)
{
	struct buf text;
	int64_t took;

	if (order_wake(o, b) > now)
		return;
	if (backlog_count(b, WAITS_NEW) < ORDER_MIN) {
		order_begin(o, s);
		return;
	}
	buf_init(&text, FILE_MAX);
	put_names(&text, b);
	if (text.state == BUF_OK)
		replace(s, &text);
	buf_release(&text);
	o->written = 1;
	o->changes = backlog_changes(b);
	took = clock_boot() - now;
	o->next = now + (SHARE * took > EVERY ? SHARE * took : EVERY);
}

int64_t
order_wake(const struct order *o, const struct backlog *b)
{
	int many = backlog_count(b, WAITS_NEW) >= ORDER_MIN;

	if (!many && !o->written)
		return INT64_MAX;
	return many && o->written && o->changes == backlog_changes(b)
		   ? INT64_MAX
		   : o->next;
}

/* ---- reading ---- */

/* The line's end, or NULL where that is no name. */
static const char *
take_name(struct spool_name *out, const char *line)
{
	const char *end = strchr(line, '\n');
	char file[SPOOL_NAME_MAX];

	if (end == NULL || (size_t)(end - line) >= sizeof file)
		return NULL;
	memcpy(file, line, (size_t)(end - line));
	file[end - line] = '\0';
	return spool_name_parse(out, SPOOL_NEW, file) == 0 ? end : NULL;
}

static int
take_names(const char *at, int (*visit)(void *arg, const struct spool_name *),
    void *arg)
{
	struct spool_name name;

	while (*at++ == '\n' && *at != '\0') {
		at = take_name(&name, at);
		if (at == NULL)
			return 0;
		if (visit(arg, &name) != 0)
			break;
	}
	return 1;
}

int
order_each(struct spool *s, int (*visit)(void *arg, const struct spool_name *),
    void *arg, uint64_t *total)
{
	struct err ignored;
	struct buf text;
	char *end;
	int rc = 0;

	buf_init(&text, FILE_MAX);
	if (fs_read_file(&text, spool_fd(s, SPOOL_LOCK), FILE_NAME, &ignored) ==
		0 &&
	    presence_alive(s)) {
		*total = strtoull(text.data, &end, 10);
		if (end > text.data && *end == '\n')
			rc = take_names(end, visit, arg);
	}
	buf_release(&text);
	return rc;
}
