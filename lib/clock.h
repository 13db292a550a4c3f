/* SPDX-License-Identifier: MIT */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

struct timespec;

/*
 * Time, in nanoseconds throughout. Three clocks, each for one purpose:
 *
 *   clock_wall()  what a person or another machine calls now. It jumps: use
 *                 it for display, for file names and for not-before times
 *                 only, never to measure.
 *   clock_mono()  durations of steps and time-outs. Stops while the machine
 *                 is suspended.
 *   clock_boot()  as clock_mono(), but counts suspended time: deadlines of
 *                 jobs and retry delays.
 *
 * None of them fails.
 */

#define CLOCK_SECOND INT64_C(1000000000)
#define CLOCK_MSEC   INT64_C(1000000)
#define CLOCK_TEXT   36 /* bytes for clock_text() with its NUL */
#define CLOCK_DAY    11 /* bytes for clock_day() with its NUL */

int64_t clock_wall(void);
int64_t clock_mono(void);
int64_t clock_boot(void);

/* A file's time, for one, in nanoseconds. */
int64_t clock_ns(const struct timespec *ts);

/* "2026-11-22T01:02:03.456789Z": RFC 3339, UTC, microseconds. */
void clock_text(char out[CLOCK_TEXT], int64_t wall);

/* The same with all nine digits, so that it orders and round-trips. */
void clock_text_ns(char out[CLOCK_TEXT], int64_t wall);

/* "2026-11-22", the UTC day that names a log file. */
void clock_day(char out[CLOCK_DAY], int64_t wall);

/*
 * Reads RFC 3339 with any number of fraction digits and "Z" or an offset.
 * 0, or -1 where the text is anything else (no error object: the caller
 * knows what the text was for).
 */
int clock_parse(int64_t *wall, const char *text)
    __attribute__((warn_unused_result));

#endif
