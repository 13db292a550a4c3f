/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"

int64_t
clock_ns(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * CLOCK_SECOND + ts->tv_nsec;
}

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return clock_ns(&ts);
}

int64_t
clock_wall(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
clock_mono(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_boot(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

/* Splits so that the fraction is never negative, also before 1970. */
static long
split(struct tm *tm, int64_t wall)
{
	int64_t fraction = wall % CLOCK_SECOND;
	time_t seconds = (time_t)(wall / CLOCK_SECOND);

	if (fraction < 0) {
		fraction += CLOCK_SECOND;
		seconds--;
	}
	gmtime_r(&seconds, tm);
	return (long)fraction;
}

static void
format(char out[CLOCK_TEXT], int64_t wall, long unit, int digits)
{
	struct tm tm;
	long fraction = split(&tm, wall);
	size_t len = strftime(out, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);

	snprintf(
	    out + len, CLOCK_TEXT - len, ".%0*ldZ", digits, fraction / unit);
}

void
clock_text(char out[CLOCK_TEXT], int64_t wall)
{
	format(out, wall, 1000, 6);
}

void
clock_text_ns(char out[CLOCK_TEXT], int64_t wall)
{
	format(out, wall, 1, 9);
}

void
clock_day(char out[CLOCK_DAY], int64_t wall)
{
	struct tm tm;

	split(&tm, wall);
	strftime(out, CLOCK_DAY, "%Y-%m-%d", &tm);
}

/* Exactly `count` digits at *p, which moves behind them. */
static int
read_digits(int *out, const char **p, int count)
{
	int n = 0;

	for (; count > 0; count--, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		n = n * 10 + (**p - '0');
	}
	*out = n;
	return 0;
}

/* ".123" and the like, or nothing. Digits behind the ninth are dropped. */
static int
read_fraction(int64_t *ns, const char **p)
{
	int64_t unit = CLOCK_SECOND;
	int digit;

	*ns = 0;
	if (**p != '.')
		return 0;
	++*p;
	while (read_digits(&digit, p, 1) == 0) {
		unit /= 10;
		*ns += digit * unit;
	}
	return unit < CLOCK_SECOND ? 0 : -1;
}

/* "Z" or "+02:00", to the end of the text. */
static int
read_offset(int *seconds, const char *p)
{
	int hours, minutes;
	char sign = *p++;

	*seconds = 0;
	if (sign == 'Z')
		return *p == '\0' ? 0 : -1;
	if ((sign != '+' && sign != '-') || read_digits(&hours, &p, 2) == -1 ||
	    *p++ != ':' || read_digits(&minutes, &p, 2) == -1 || *p != '\0' ||
	    hours > 23 || minutes > 59)
		return -1;
	*seconds = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
	return 0;
}

/* "2026-11-22T01:02:03". Each part is followed by its separator. */
static int
read_date(struct tm *tm, const char **p)
{
	const struct {
		int *field, digits, least, most;
		char behind;
	} parts[] = {
		{ &tm->tm_year, 4, 0, 9999, '-' },
		{ &tm->tm_mon, 2, 1, 12, '-' },
		{ &tm->tm_mday, 2, 1, 31, 'T' },
		{ &tm->tm_hour, 2, 0, 23, ':' },
		{ &tm->tm_min, 2, 0, 59, ':' },
		{ &tm->tm_sec, 2, 0, 60, '\0' },
	};

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (read_digits(parts[i].field, p, parts[i].digits) == -1 ||
		    *parts[i].field < parts[i].least ||
		    *parts[i].field > parts[i].most)
			return -1;
		if (parts[i].behind != '\0' && *(*p)++ != parts[i].behind)
			return -1;
	}
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	return 0;
}

int
clock_parse(int64_t *wall, const char *text)
{
	struct tm tm = { 0 };
	int64_t fraction, seconds, ns;
	int offset, day;

	if (read_date(&tm, &text) == -1 ||
	    read_fraction(&fraction, &text) == -1 ||
	    read_offset(&offset, text) == -1)
		return -1;
	/* A leap second is the next minute's first; 31 April is nothing. */
	day = tm.tm_mday;
	if (tm.tm_sec == 60) {
		tm.tm_sec = 59;
		fraction = CLOCK_SECOND;
	}
	seconds = (int64_t)timegm(&tm) - offset;
	if (tm.tm_mday != day ||
	    __builtin_mul_overflow(seconds, CLOCK_SECOND, &ns) ||
	    __builtin_add_overflow(ns, fraction, &ns))
		return -1;
	*wall = ns;
	return 0;
}
