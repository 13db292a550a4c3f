/* SPDX-License-Identifier: MIT */
#ifndef LOG_H
#define LOG_H

#include <stddef.h>

struct err;
struct job_head;

/*
 * The programs' own log: one JSON object a line on standard error (the
 * journal, a file, a terminal), written with one write(2) each:
 *
 *   {"ts":..., "level":"info", "program":"spool-runner", "event":"claimed",
 *    "request_id":..., "delivery_id":..., "job_id":..., "msg":...}
 *
 * For programs only: lib/ itself never logs. Threads may log at once.
 *
 * Secrets: every value registered with log_secret(), and whatever looks like
 * a GitHub token or a PEM key, is replaced by "[redacted]" in all that this
 * module and the step log write. redact() is that filter for other writers.
 */

enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_WARN_, LOG_ERROR_ };

void log_start(const char *program, enum log_level least);
void log_level_set(enum log_level least);

/* One line with an event name (a constant word) and a sentence. */
void log_event(enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with the job's IDs; `head` may be NULL. */
void log_job(enum log_level level, const struct job_head *head,
    unsigned attempt, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Registers a value that must never be shown; shorter than 6 bytes is
 * ignored, for it would blank out ordinary words. */
void log_secret(const char *value, size_t len);

/*
 * Replaces secrets in place; returns the new length (never longer than
 * len + 10 per secret; `size` is the room). Without room for a mark the text
 * is cut there. What is behind the new end is zero where anything changed.
 */
size_t redact(char *text, size_t len, size_t size);

/* The same inside the strings of JSON text, which stays JSON. */
size_t redact_json(char *text, size_t len, size_t size);

#endif
