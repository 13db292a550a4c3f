/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * CLOCK_SECOND + ts.tv_nsec;
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

/* ".123" and the like; returns what follows, NULL if no digit does. */
static const char *
parse_fraction(int64_t *ns, const char *p)
{
	int64_t unit = CLOCK_SECOND / 10;

	*ns = 0;
	if (*p != '.')
		return p;
	if (!isdigit((unsigned char)*++p))
		return NULL;
	for (; isdigit((unsigned char)*p); p++, unit /= 10)
		*ns += (*p - '0') * unit;
	return p;
}

/* "Z" or "+02:00", to the end of the text; -1 if it is neither. */
static int
parse_offset(int64_t *seconds, const char *p)
{
	int hours, minutes, used = 0;
	char sign = *p;

	*seconds = 0;
	if (strcmp(p, "Z") == 0)
		return 0;
	if (sign != '+' && sign != '-')
		return -1;
	if (sscanf(p + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 ||
	    p[1 + used] != '\0' || used != 5)
		return -1;
	*seconds = (hours * 60 + minutes) * 60;
	if (sign == '-')
		*seconds = -*seconds;
	return 0;
}

int
clock_parse(int64_t *wall, const char *text)
{
	struct tm tm = { 0 };
	int64_t fraction, offset, seconds;
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (rest == NULL || (rest = parse_fraction(&fraction, rest)) == NULL ||
	    parse_offset(&offset, rest) == -1)
		return -1;
	/* Nanoseconds in 64 bits end in the year 2262. */
	if (__builtin_mul_overflow(
		(int64_t)timegm(&tm) - offset, CLOCK_SECOND, &seconds) ||
	    __builtin_add_overflow(seconds, fraction, &seconds))
		return -1;
	*wall = seconds;
	return 0;
}
