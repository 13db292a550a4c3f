/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cli/follow.h"
#include "spool.h"

#define NOON	 "2026-11-22T12:00:00Z"
#define TODAY	 "webhooks_2026-11-22.json"
#define TOMORROW "webhooks_2026-11-23.json"
#define LATER	 "webhooks_2026-11-25.json"

struct place {
	char path[64];
	struct spool *spool;
	struct follow follow;
	int64_t noon;
	struct buf seen; /* what was handed out, joined by '|' */
};

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static int
make_place(void **state)
{
	static struct place p;
	struct err err = { 0 };

	memset(&p, 0, sizeof p);
	snprintf(p.path, sizeof p.path, "/tmp/hookspool-follow-XXXXXX");
	assert_non_null(mkdtemp(p.path));
	if (spool_open(&p.spool, p.path, 1, &err) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(clock_parse(&p.noon, NOON), 0);
	buf_init(&p.seen, 65536);
	*state = &p;
	return 0;
}

static int
drop_place(void **state)
{
	struct place *p = *state;

	follow_close(&p->follow);
	spool_close(p->spool);
	buf_release(&p->seen);
	return nftw(p->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
put(struct place *p, const char *name, const char *text)
{
	int fd = openat(spool_fd(p->spool, SPOOL_LOG), name,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
note(void *arg, const char *text, size_t len)
{
	struct place *p = arg;

	buf_add(&p->seen, text, len);
	buf_addc(&p->seen, '|');
}

static void
begin(struct place *p)
{
	struct err err = { 0 };

	assert_int_equal(follow_open(&p->follow, p->spool, p->noon, &err), 0);
}

static void
expect(struct place *p, int64_t seconds, const char *want)
{
	struct err err = { 0 };
	int64_t now = p->noon + seconds * CLOCK_SECOND;

	if (follow_read(&p->follow, now, note, p, &err) == -1)
		fail_msg("%s", err.text);
	assert_string_equal(p->seen.data, want);
	buf_reset(&p->seen);
}

static void
only_what_is_new_is_handed_out(void **state)
{
	struct place *p = *state;

	put(p, TODAY, "{\"old\":1}\n");
	begin(p);
	expect(p, 0, "");
	put(p, TODAY, "{\"a\":\"}\\\"{\"}\n{\"b\":");
	expect(p, 1, "{\"a\":\"}\\\"{\"}|");
	put(p, TODAY, "{\"c\":2}}\n");
	expect(p, 2, "{\"b\":{\"c\":2}}|");
}

static void
both_forms_are_read_and_torn_ones_passed_over(void **state)
{
	struct place *p = *state;

	begin(p);
	put(p, TODAY, "{\n  \"a\": {\n    \"b\": \"x\"\n  }\n}\n");
	put(p, TODAY, "{\n  \"torn\": \"in a str\n");
	put(p, TODAY, "{\"whole\":1}\n");
	expect(p, 0, "{\n  \"a\": {\n    \"b\": \"x\"\n  }\n}|{\"whole\":1}|");
}

static void
the_next_day_is_followed_after_a_late_writer(void **state)
{
	struct place *p = *state;
	int64_t midnight = 12 * 3600;

	begin(p);
	put(p, TODAY, "{\"n\":1}\n");
	expect(p, 0, "{\"n\":1}|");
	put(p, TOMORROW, "{\"n\":3}\n");
	put(p, TODAY, "{\"n\":2}\n"); /* fetched the day, then wrote */
	expect(p, midnight + 1, "{\"n\":2}|");
	expect(p, midnight + 3, "{\"n\":3}|");
	put(p, TOMORROW, "{\"n\":4}\n");
	expect(p, midnight + 4, "{\"n\":4}|");
}

static void
days_without_a_record_are_passed(void **state)
{
	struct place *p = *state;

	begin(p);
	put(p, TODAY, "{\"n\":1}\n");
	put(p, LATER, "{\"n\":2}\n");
	expect(p, 3 * 86400, "{\"n\":1}|{\"n\":2}|");
}

static void
a_record_too_long_is_left_out(void **state)
{
	struct place *p = *state;
	char *text = malloc(FOLLOW_RECORD_MAX + 16);

	assert_non_null(text);
	begin(p);
	memset(text, 'x', FOLLOW_RECORD_MAX + 10);
	memcpy(text, "{\"a\":\"", 6);
	memcpy(text + FOLLOW_RECORD_MAX + 10, "\"}\n", 4);
	put(p, TODAY, text);
	put(p, TODAY, "{\"n\":1}\n");
	expect(p, 0, "{\"n\":1}|");
	free(text);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, make_place, drop_place)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(only_what_is_new_is_handed_out),
		ROW(both_forms_are_read_and_torn_ones_passed_over),
		ROW(the_next_day_is_followed_after_a_late_writer),
		ROW(days_without_a_record_are_passed),
		ROW(a_record_too_long_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
