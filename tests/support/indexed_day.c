/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "fsio.h"
#include "indexed_day.h"
#include "record.h"
#include "record_index.h"
#include "record_indexer.h"

/* ---- records ---- */

void
day_put_record(struct buf *b, unsigned n)
{
	static char pad[PAD];
	const char *line = n % 3 == 0 ? "\n  " : "";

	memset(pad, 'x', sizeof pad - 1);
	buf_addf(b,
	    "{%s\"hook_id\":\"%08x-cc78-11e3-81ab-%012x\",%s"
	    "\"repository_full_name\":\"octo-org/R%u\",\"pad\":\"%s\","
	    "\"pr\":{\"%s\":%u},"
	    "\"job_id\":\"%u-%08x-cc78-11e3-81ab-%012x\"%s}\n",
	    line, n % 10, n, line, n % 50, pad, n % 2 ? "number" : "none",
	    n % 40, n % 40, n % 10, n, n % 3 == 0 ? "\n" : "");
}

void
day_write(const struct fixture *f, int flags, unsigned from, unsigned to)
{
	struct buf b;
	struct err err = { 0 };
	int fd = open(
	    fixture_path(f, SPOOL_LOG, DAY), O_WRONLY | O_CREAT | flags, 0640);

	assert_int_not_equal(fd, -1);
	buf_init(&b, SIZE_MAX / 2);
	for (unsigned n = from; n < to; n++)
		day_put_record(&b, n);
	assert_int_equal(b.state, BUF_OK);
	if (fs_write_all(fd, b.data, b.len, &err) == -1)
		fail_msg("%s", err.text);
	close(fd);
	buf_release(&b);
}

void
day_index(const struct fixture *f)
{
	struct record_indexer *ix;
	struct err err = { 0 };
	int rc;

	if (record_indexer_new(&ix, f->spool, &err) == -1)
		fail_msg("%s", err.text);
	while ((rc = record_indexer_step(ix, &err)) == 1)
		;
	assert_int_equal(rc, 0);
	record_indexer_free(ix);
}

/* The first longer than what comes behind it. */
void
day_in_two_parts(const struct fixture *f)
{
	size_t parts;

	day_write(f, O_APPEND, 0, MANY * 2 / 3);
	day_index(f);
	day_write(f, O_APPEND, MANY * 2 / 3, MANY);
	day_index(f);
	assert_int_equal(day_covered(f, &parts), day_size(f, DAY));
	assert_int_equal(parts, 2);
}

int64_t
day_covered(const struct fixture *f, size_t *parts)
{
	struct record_index x;
	int64_t covers;
	int fd = open(fixture_path(f, SPOOL_LOG, DAY), O_RDONLY);

	record_index_open(&x, f->spool, DAY, fd);
	covers = record_index_covers(&x);
	*parts = x.count;
	record_index_release(&x);
	close(fd);
	return covers;
}

off_t
day_size(const struct fixture *f, const char *name)
{
	struct stat st;

	if (stat(fixture_path(f, SPOOL_LOG, name), &st) == -1)
		return -1;
	return st.st_size;
}

/* ---- what is found ---- */

static int
take(void *arg, const char *text, size_t len)
{
	struct day_found *f = arg;
	char wanted[64];

	snprintf(wanted, sizeof wanted, "\"hook_id\":\"%s",
	    f->uuid != NULL ? f->uuid : "");
	if (f->uuid != NULL &&
	    memmem(text, len, wanted, strlen(wanted)) == NULL)
		return 0;
	for (size_t i = 0; i < len; i += i < 200 ? 1 : 997)
		f->order = (f->order ^ (unsigned char)text[i]) * 1099511628211U;
	f->count++;
	return 0;
}

#define UUID(first, n) #first "-cc78-11e3-81ab-" #n

static const struct {
	const char *why;
	struct record_filter filter;
} searches[] = {
	[DAY_DELIVERY] = { "a delivery",
	    { .delivery = UUID(00000007, 000000000011) } },
	[DAY_NUMBER] = { "a number", { .number = 7 } },
	[DAY_REPOSITORY] = { "a repository", { .repository = "OCTO-org/r7" } },
	{ "the last one", { .delivery = UUID(00000009, 000000000257) } },
	{ "one that is not there",
	    { .delivery = UUID(00000007, 000000000012) } },
	{ "a job", { .job_id = "17-" UUID(00000007, 000000000011) } },
	{ "a delivery's beginning",
	    { .uuid = "00000003", .holds = "00000003" } },
	{ "a shorter one", { .uuid = "000", .holds = "000" } },
	{ "a longer one",
	    { .uuid = "00000003-cc78-11e3-81ab-00000000000",
		.holds = "00000003-cc78-11e3-81ab-00000000000" } },
	{ "a number that only job IDs have", { .number = 8 } },
	{ "two conditions", { .repository = "octo-org/R7", .number = 7 } },
	{ "two that exclude each other",
	    { .repository = "octo-org/R7", .number = 8 } },
};

void
day_search(const struct fixture *f, size_t i, int back, struct day_found *found)
{
	struct record_filter filter = searches[i].filter;
	struct err err = { 0 };

	*found = (struct day_found){ .uuid = filter.uuid };
	filter.newest_first = back;
	if (record_each(f->spool, &filter, take, found, &err) != 0)
		fail_msg("%s: %s", searches[i].why, err.text);
}

const struct record_filter *
day_filter(size_t i)
{
	return &searches[i].filter;
}

/* Each search with the index as it is and without, in both directions. */
void
day_finds_the_same(const struct fixture *f, const char *why)
{
	const size_t n = sizeof searches / sizeof *searches;
	struct day_found with[2 * sizeof searches / sizeof *searches], without;
	const char *away = fixture_path(f, SPOOL_LOG, "away");
	const char *index = fixture_path(f, SPOOL_LOG, INDEX);

	for (size_t i = 0; i < 2 * n; i++)
		day_search(f, i / 2, i % 2, &with[i]);
	rename(index, away);
	for (size_t i = 0; i < 2 * n; i++) {
		day_search(f, i / 2, i % 2, &without);
		if (with[i].count != without.count ||
		    with[i].order != without.order)
			fail_msg("%s, %s%s: %u instead of %u", why,
			    searches[i / 2].why, i % 2 ? ", backward" : "",
			    with[i].count, without.count);
	}
	rename(away, index);
}
