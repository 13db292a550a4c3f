/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "head.h"
#include "json.h"
#include "log.h"
#include "utf8.h"

#define MESSAGE_STACK 2048    /* bytes formatted without allocating */
#define MESSAGE_MAX   1048576 /* bytes formatted at all */
#define MESSAGE_SHOWN 2000    /* characters of it that are written */
#define REDACT_ROOM   512     /* bytes by which redaction may lengthen it */
#define LINE_BYTES    32768

static const struct {
	const char *name, *colour;
} levels[] = {
	[LOG_DEBUG_] = { "debug", "\033[2m" },
	[LOG_INFO_] = { "info", "" },
	[LOG_WARN_] = { "warn", "\033[33m" },
	[LOG_ERROR_] = { "error", "\033[31m" },
};

static const char *program;
static _Atomic int threshold = LOG_INFO_;
static int human; /* standard error is a terminal */
static int colours;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
look_around(void)
{
	const char *no_color = getenv("NO_COLOR");

	if (program == NULL)
		program = program_invocation_short_name;
	human = isatty(STDERR_FILENO);
	colours = human && (no_color == NULL || *no_color == '\0');
}

void
log_start(const char *name, enum log_level least)
{
	program = name;
	atomic_store(&threshold, (int)least);
	pthread_once(&once, look_around);
}

void
log_level_set(enum log_level least)
{
	atomic_store(&threshold, (int)least);
}

struct line {
	enum log_level level;
	const struct job_head *head; /* NULL: about no job */
	unsigned attempt;
	const char *event;
	const char *msg;
	size_t len;
};

static void
format_json(struct buf *b, const struct line *l)
{
	char ts[CLOCK_TEXT];

	clock_text(ts, clock_wall());
	buf_addc(b, '{');
	json_put_member(b, "ts", ts);
	json_put_member(b, "level", levels[l->level].name);
	json_put_member(b, "program", program);
	json_put_member(b, "event", l->event);
	if (l->head != NULL) {
		json_put_member(b, "request_id", l->head->request_id);
		json_put_member(b, "delivery_id", l->head->delivery);
		json_put_member(b, "job_id", l->head->id);
		json_put_int(b, "attempt", l->attempt);
	}
	json_put_key(b, "msg");
	json_put_string_len(b, l->msg, l->len);
	buf_adds(b, "}\n");
}

/* What a stranger wrote must not steer the terminal. */
static void
add_printable(struct buf *b, const char *text, size_t len)
{
	for (size_t i = 0, step; i < len; i += step) {
		unsigned char c = (unsigned char)text[i];

		step = utf8_sequence(text + i, len - i);
		/* 0xc2 0x80 to 0xc2 0x9f are control characters too. */
		if (step == 0 || c < 0x20 || c == 0x7f ||
		    (c == 0xc2 && (unsigned char)text[i + 1] < 0xa0)) {
			buf_addf(b, "\\x%02x", c);
			step = 1;
		} else {
			buf_add(b, text + i, step);
		}
	}
}

static void
format_human(struct buf *b, const struct line *l)
{
	const char *colour = colours ? levels[l->level].colour : "";
	char ts[CLOCK_TEXT];

	clock_text(ts, clock_wall());
	buf_addf(b, "%.8s %s%-5s%s %s", ts + 11, colour, levels[l->level].name,
	    *colour != '\0' ? "\033[0m" : "", l->event);
	if (l->head != NULL)
		buf_addf(b, " %s", l->head->id);
	buf_adds(b, ": ");
	add_printable(b, l->msg, l->len);
	buf_addc(b, '\n');
}

/* One write, so that lines of several processes do not mix. */
static void
write_line(const struct line *l)
{
	static const char lost[] = "{\"level\":\"error\",\"event\":"
				   "\"log\",\"msg\":\"out of memory\"}\n";
	struct buf b;
	ssize_t n;

	buf_init(&b, LINE_BYTES);
	if (human)
		format_human(&b, l);
	else
		format_json(&b, l);
	do {
		/* Nobody can be told that logging failed. */
		if (b.state == BUF_OK)
			n = write(STDERR_FILENO, b.data, b.len);
		else
			n = write(STDERR_FILENO, lost, sizeof lost - 1);
	} while (n == -1 && errno == EINTR);
	buf_release(&b);
}

/* Secrets go before the text is cut: half a secret would not be known. */
static void
finish(struct line *l, char *msg, size_t len, size_t size)
{
	len = redact(msg, len, size);
	l->msg = msg;
	l->len = utf8_cut(msg, len, MESSAGE_SHOWN);
	write_line(l);
	l->msg = NULL; /* the caller's memory goes with the caller */
}

__attribute__((format(printf, 2, 0))) static void
put(struct line *l, const char *fmt, va_list ap)
{
	char stack[MESSAGE_STACK + REDACT_ROOM], *heap;
	int saved = errno, len;
	va_list again;
	size_t size;

	pthread_once(&once, look_around);
	va_copy(again, ap);
	len = vsnprintf(stack, MESSAGE_STACK, fmt, ap);
	size = len < 0 ? 0 : (size_t)len;
	if (size < MESSAGE_STACK) {
		finish(l, stack, size, sizeof stack);
	} else {
		if (size > MESSAGE_MAX)
			size = MESSAGE_MAX;
		heap = malloc(size + 1 + REDACT_ROOM);
		if (heap != NULL) {
			vsnprintf(heap, size + 1, fmt, again);
			finish(l, heap, size, size + 1 + REDACT_ROOM);
		}
		free(heap);
	}
	va_end(again);
	errno = saved;
}

void
log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	struct line l = { .level = level, .event = event };
	va_list ap;

	if ((int)level < atomic_load(&threshold))
		return;
	va_start(ap, fmt);
	put(&l, fmt, ap);
	va_end(ap);
}

void
log_job(enum log_level level, const struct job_head *head, unsigned attempt,
    const char *event, const char *fmt, ...)
{
	struct line l = {
		.level = level, .head = head, .attempt = attempt, .event = event
	};
	va_list ap;

	if ((int)level < atomic_load(&threshold))
		return;
	va_start(ap, fmt);
	put(&l, fmt, ap);
	va_end(ap);
}
