/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "spool.h"
#include "spool_fixture.h"

static void
limits_refuse_by_name(void **state)
{
	static const struct {
		const char *why;
		struct spool_limits limits;
		const char *want;
	} cases[] = {
		{ "nothing is limited", { 0 }, NULL },
		{ "one more fits", { .max_files = 4 }, NULL },
		{ "as many as allowed", { .max_files = 3 },
		    "max-queued-files: 3 are queued" },
		{ "bytes", { .max_bytes = 1000 }, "max-queued-bytes: " },
		{ "bytes that fit", { .max_bytes = 100000 }, NULL },
		{ "space", { .min_free_bytes = UINT64_MAX },
		    "min-free-bytes: " },
		{ "inodes", { .min_free_inodes = UINT64_MAX },
		    "min-free-inodes: " },
	};
	struct fixture *f = *state;
	struct job_head head;

	for (unsigned n = 0; n < 3; n++)
		fixture_job(f, n, &head);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = { 0 };
		int rc = spool_has_room(f->spool, &cases[i].limits, &err);

		if (rc != (cases[i].want != NULL ? -1 : 0))
			fail_msg("%s: %s", cases[i].why, err.text);
		if (rc == 0)
			continue;
		assert_int_equal(err.class, ERR_TEMP);
		assert_int_equal(
		    strncmp(err.text, cases[i].want, strlen(cases[i].want)), 0);
	}
}

/* The count is a second old at most, but our own accepts are never missed. */
static void
own_accepts_count_at_once(void **state)
{
	struct fixture *f = *state;
	struct spool_limits limits = { .max_files = 2 };
	struct err err = { 0 };
	struct job_head head;

	fixture_job(f, 0, &head);
	assert_int_equal(spool_has_room(f->spool, &limits, &err), 0);
	fixture_job(f, 1, &head);
	assert_int_equal(spool_has_room(f->spool, &limits, &err), -1);
}

/* More files than are asked for their size one by one. */
static void
many_files_are_estimated(void **state)
{
	struct fixture *f = *state;
	struct spool_limits files = { .max_files = 1500 };
	struct spool_limits less = { .max_bytes = 140 * 1000 };
	struct spool_limits more = { .max_bytes = 160 * 1000 };
	struct err err = { 0 };
	struct job_head head;
	struct spool_name name = { .attempt = 0 };
	char body[100], file[SPOOL_NAME_MAX];
	int64_t end = clock_mono() + 10 * CLOCK_SECOND;

	memset(body, 'x', sizeof body);
	for (unsigned n = 0; n < 1500; n++) {
		fixture_head(&head, n);
		memcpy(name.id, head.id, sizeof name.id);
		spool_name_format(file, SPOOL_NEW, &name);
		fixture_write(f, SPOOL_NEW, file, body, sizeof body);
	}
	assert_int_equal(spool_has_room(f->spool, &files, &err), -1);
	/* From the second count on every third file is looked at. */
	unlink(fixture_path(f, SPOOL_NEW, file));
	while (spool_has_room(f->spool, &files, &err) == -1) {
		assert_true(clock_mono() < end);
		poll(NULL, 0, 20);
	}
	assert_int_equal(spool_has_room(f->spool, &less, &err), -1);
	assert_int_equal(spool_has_room(f->spool, &more, &err), 0);
}

#define IN_SPOOL(test)                                                         \
	cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SPOOL(limits_refuse_by_name),
		IN_SPOOL(own_accepts_count_at_once),
		IN_SPOOL(many_files_are_estimated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
