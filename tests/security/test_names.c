/* SPDX-License-Identifier: MIT */
/*
 * Names that climb, hide or pretend to be options, as deliveries, events,
 * repositories, job IDs, commits and branches: refused by whatever makes a
 * path of them, and no directory appears anywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "event.h"
#include "git/git.h"
#include "git/mirror.h"
#include "git/workspace.h"
#include "github/names.h"
#include "head.h"
#include "payload.h"
#include "uuid.h"

#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char *const hostile[] = { "", ".", "..", "../x", "x/..",
	"../../etc", "a/b/../../c", "/etc/passwd", "/etc/x", "a//b", "a/b/c",
	"a\\..\\b", "a/%2e%2e", "a/b\n", "a/b\r\nX: y", "a/b c", "a/\xc3\xa9",
	"~root/x", "a/b;id", "$(id)/x", "`id`/x", "a/.", "./a", "a/b?c",
	"a/b#c", "a/\x7f", "a:b/c", "@{upstream}/x", "a/b*", A50 A50 "a/b",
	"b/" A50 A50 "a" };

static char top[64], data[80];

#define ITEMS(a) (sizeof(a) / sizeof *(a))

static unsigned found;

static int
count_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)st;
	(void)type;
	(void)ftw;
	found++;
	return 0;
}

static unsigned
count_files(void)
{
	found = 0;
	assert_int_equal(nftw(top, count_one, 16, FTW_PHYS), 0);
	return found;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
no_name_is_taken_for_another(void **state)
{
	char uuid[UUID_TEXT];

	(void)state;
	for (size_t i = 0; i < ITEMS(hostile); i++) {
		if (uuid_parse(uuid, hostile[i]) == 0)
			fail_msg("\"%s\" is a delivery", hostile[i]);
		if (head_job_id_valid(hostile[i]))
			fail_msg("\"%s\" is a job's ID", hostile[i]);
		if (github_repository_valid(hostile[i]))
			fail_msg("\"%s\" is a repository", hostile[i]);
		if (github_sha_valid(hostile[i]))
			fail_msg("\"%s\" is a commit", hostile[i]);
		if (event_name_valid(hostile[i]))
			fail_msg("\"%s\" is an event", hostile[i]);
	}
	assert_true(github_repository_valid("octo-org/Hello.World_1"));
	assert_true(event_name_valid("pull_request"));
}

static void
no_payload_brings_one_in(void **state)
{
	unsigned refused = 0;

	(void)state;
	for (size_t i = 0; i < ITEMS(hostile); i++) {
		struct job_head head = { .event = "push",
			.type = HEAD_TYPE_JSON };
		struct err err = { 0 };
		char body[512];
		int len = snprintf(body, sizeof body,
		    "{\"ref\":\"refs/heads/x\",\"before\":\"%040u\",\"after\":"
		    "\"%040u\",\"commits\":[],\"created\":false,"
		    "\"deleted\":false,\"pusher\":{\"name\":\"x\"},"
		    "\"repository\":{\"full_name\":\"%s\"},"
		    "\"sender\":{\"login\":\"x\"}}",
		    0, 1, hostile[i]);

		if (payload_read(&head, body, (size_t)len, &err) !=
		    REPLY_NONE) {
			refused++;
			continue;
		}
		/* Left out, or at least nothing that a path is made of. */
		if (head.repository[0] != '\0' &&
		    github_repository_valid(head.repository))
			fail_msg(
			    "\"%s\" became %s", hostile[i], head.repository);
		if (strchr(head.key, '\n') != NULL)
			fail_msg("\"%s\" broke the key's line", hostile[i]);
	}
	assert_true(refused > 10);
}

static void
no_mirror_is_made_for_one(void **state)
{
	unsigned before = count_files();

	(void)state;
	for (size_t i = 0; i < ITEMS(hostile); i++) {
		struct mirror_source source = { .repository = hostile[i],
			.url = "file:///nonexistent" };
		struct mirror *m;
		struct err err = { 0 };

		if (mirror_open(&m, data, &source, &err) == 0)
			fail_msg("a mirror of \"%s\"", hostile[i]);
	}
	assert_int_equal(count_files(), before);
}

static void
no_workspace_or_branch_is_one(void **state)
{
	struct mirror_source source = { .repository = "octo/app",
		.url = "file:///nonexistent" };
	struct mirror *m;
	struct err err = { 0 };
	unsigned before;

	(void)state;
	assert_int_equal(git_start(NULL, &err), 0);
	assert_int_equal(mirror_open(&m, data, &source, &err), 0);
	before = count_files();
	for (size_t i = 0; i < ITEMS(hostile); i++) {
		struct workspace_options o = { .job_id = hostile[i],
			.sha = "0123456789012345678901234567890123456789" };
		struct workspace *w;
		char sha[65];

		if (workspace_create(&w, data, m, &o, &err) == 0)
			fail_msg("a workspace \"%s\"", hostile[i]);
		if (mirror_resolve(m, hostile[i], sha, &err) == 0)
			fail_msg("\"%s\" is a branch", hostile[i]);
	}
	assert_int_equal(count_files(), before);
	mirror_close(m);
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(top, sizeof top, "/tmp/hookspool-names-XXXXXX");
	assert_non_null(mkdtemp(top));
	snprintf(data, sizeof data, "%s/data", top);
	return mkdir(data, 0700);
}

static int
tear_down(void **state)
{
	(void)state;
	return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_name_is_taken_for_another),
		cmocka_unit_test(no_payload_brings_one_in),
		cmocka_unit_test(no_mirror_is_made_for_one),
		cmocka_unit_test(no_workspace_or_branch_is_one),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
