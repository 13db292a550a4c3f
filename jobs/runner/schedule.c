/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "runner/schedule.h"

#define JITTER_PERCENT 20
#define HOUR	       (3600 * CLOCK_SECOND)
#define DELAY_MAX      (7 * 24 * HOUR)

const struct schedule schedule_default = {
	{ 10 * CLOCK_SECOND, 30 * CLOCK_SECOND, 120 * CLOCK_SECOND,
	    600 * CLOCK_SECOND, 1800 * CLOCK_SECOND, HOUR },
	6,
};

static const struct {
	const char *name;
	int64_t ns;
} units[] = {
	{ "ms", CLOCK_MSEC },
	{ "s", CLOCK_SECOND },
	{ "m", 60 * CLOCK_SECOND },
	{ "h", HOUR },
	{ "", CLOCK_SECOND },
};

/* One delay, up to a comma or the end; returns what follows, or NULL. */
static const char *
parse_delay(int64_t *out, const char *text)
{
	size_t len = strcspn(text, ",");
	char *unit;
	unsigned long n;

	if (!isdigit((unsigned char)*text))
		return NULL;
	n = strtoul(text, &unit, 10);
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (strlen(units[i].name) != len - (size_t)(unit - text) ||
		    strncmp(unit, units[i].name, strlen(units[i].name)) != 0)
			continue;
		if (n > (unsigned long)(DELAY_MAX / units[i].ns))
			return NULL;
		*out = (int64_t)n * units[i].ns;
		return text + len;
	}
	return NULL;
}

int
schedule_parse(struct schedule *out, const char *text, struct err *err)
{
	struct schedule s = { .n = 0 };
	const char *p = text;

	for (;;) {
		if (s.n == SCHEDULE_MAX)
			return err_set(err, ERR_CONF, 0,
			    "%.80s: more than %d delays", text, SCHEDULE_MAX);
		p = parse_delay(&s.delays[s.n++], p);
		if (p == NULL)
			return err_set(err, ERR_CONF, 0,
			    "%.80s: not a list of delays such as 10s,2m,1h",
			    text);
		if (*p == '\0')
			break;
		p++;
	}
	*out = s;
	return 0;
}

static int64_t
nominal(const struct schedule *s, unsigned attempts)
{
	unsigned i = attempts == 0 ? 0 : attempts - 1;

	return s->delays[i < s->n ? i : s->n - 1];
}

int64_t
schedule_delay(const struct schedule *s, unsigned attempts, uint32_t random)
{
	int64_t delay = nominal(s, attempts);
	int64_t spread = delay / 100 * JITTER_PERCENT;

	/* In thousandths, so that nothing overflows. */
	return delay - spread + 2 * spread / 1000 * (int64_t)(random % 1001);
}

int64_t
schedule_clamp(const struct schedule *s, int64_t delay)
{
	int64_t longest = HOUR;

	for (unsigned i = 0; i < s->n; i++) {
		if (s->delays[i] > longest)
			longest = s->delays[i];
	}
	longest += longest / 100 * JITTER_PERCENT;
	if (delay < 0)
		return 0;
	return delay < longest ? delay : longest;
}

int
schedule_spent(const struct schedule *s, unsigned attempts,
    int64_t since_received, int64_t retry_for)
{
	int64_t given = 0;

	for (unsigned i = 1; i <= attempts && given < retry_for; i++)
		given += nominal(s, i);
	/* A clock set back says less than nothing. */
	if (since_received < 0)
		since_received = given;
	return given >= retry_for && since_received >= retry_for;
}
