/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "config_value.h"

/* What a number may be followed by. A bare number has the first unit. */
struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = {
	{ "s", CLOCK_SECOND },
	{ "ms", CLOCK_MSEC },
	{ "m", 60 * CLOCK_SECOND },
	{ "h", 3600 * CLOCK_SECOND },
	{ "d", 86400 * CLOCK_SECOND },
};

static const struct unit sizes[] = {
	{ "", 1 },
	{ "k", INT64_C(1) << 10 },
	{ "M", INT64_C(1) << 20 },
	{ "G", INT64_C(1) << 30 },
	{ "T", INT64_C(1) << 40 },
};

/* Decimal digits only: strtoll() alone would take blanks and a plus. */
static int
read_digits(int64_t *out, const char *text, const char **rest)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	*out = strtoll(text, &end, 10);
	*rest = end;
	return errno == 0 ? 0 : -1;
}

int
text_int(int64_t *out, const char *text)
{
	const char *rest;
	int64_t n;

	if (read_digits(&n, text + (*text == '-'), &rest) == -1 ||
	    *rest != '\0')
		return -1;
	*out = *text == '-' ? -n : n;
	return 0;
}

static int
read_amount(int64_t *out, const char *text, const struct unit *units, size_t n)
{
	const char *rest;
	int64_t amount;

	if (read_digits(&amount, text, &rest) == -1)
		return -1;
	if (*rest == '\0')
		rest = units[0].name;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rest, units[i].name) == 0)
			return __builtin_mul_overflow(
				   amount, units[i].factor, out)
				   ? -1
				   : 0;
	}
	return -1;
}

int
text_duration(int64_t *ns, const char *text)
{
	return read_amount(
	    ns, text, durations, sizeof durations / sizeof *durations);
}

int
text_size(uint64_t *bytes, const char *text)
{
	int64_t n;

	if (read_amount(&n, text, sizes, sizeof sizes / sizeof *sizes) == -1)
		return -1;
	*bytes = (uint64_t)n;
	return 0;
}

/* The words of YAML 1.1, which the files of our users are written in. */
int
text_bool(int *out, const char *text)
{
	static const char *const words[][2] = { { "true", "false" },
		{ "yes", "no" }, { "on", "off" } };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		for (int no = 0; no < 2; no++) {
			if (strcasecmp(text, words[i][no]) == 0) {
				*out = !no;
				return 0;
			}
		}
	}
	return -1;
}
