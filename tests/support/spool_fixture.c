/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "spool_fixture.h"

int
fixture_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = calloc(1, sizeof *f);
	struct err err = { 0 };
	char spool[240];

	assert_non_null(f);
	snprintf(f->path, sizeof f->path, "%s/hookspool-test-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->path));
	snprintf(spool, sizeof spool, "%s/spool", f->path);
	if (spool_open(&f->spool, spool, 1, &err) == -1)
		fail_msg("%s", err.text);
	*state = f;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int
fixture_teardown(void **state)
{
	struct fixture *f = *state;

	spool_close(f->spool);
	nftw(f->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

void
fixture_reopen(struct fixture *f)
{
	struct err err = { 0 };
	char spool[240];

	spool_close(f->spool);
	snprintf(spool, sizeof spool, "%s/spool", f->path);
	if (spool_open(&f->spool, spool, 0, &err) == -1)
		fail_msg("%s", err.text);
}

const char *
fixture_path(const struct fixture *f, unsigned dir, const char *name)
{
	static char paths[4][512];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof paths[0], "%s/spool/%s/%s", f->path,
	    spool_dir_name(dir), name);
	return path;
}

void
fixture_head(struct job_head *head, unsigned n)
{
	*head = (struct job_head){
		.request_id = "0a8f6f3e-97a8-4b19-9f6e-6c2c1a5d0001",
		.hook_id = "4711",
		.event = "pull_request",
		.action = "opened",
		.repository = "octo-org/hello-world",
		.number = 12,
		.key = "octo-org/hello-world#12",
		.sender = "octocat",
		.sha = "0123456789abcdef0123456789abcdef01234567",
		.peer = "192.0.2.1",
		.type = HEAD_TYPE_JSON,
	};
	snprintf(head->delivery, sizeof head->delivery,
	    "72d3162e-cc78-11e3-81ab-%012x", n);
	head_job_id(head->id, head->number, head->delivery);
}

enum accepted
fixture_accept(struct spool *s, unsigned n, size_t len, struct job_head *head)
{
	struct err err = { 0 };
	struct draft *d;
	enum accepted how;
	char piece[1000];

	fixture_head(head, n);
	if (spool_draft_new(&d, s, &err) == -1)
		fail_msg("%s", err.text);
	memset(piece, 'a' + (int)(n % 26), sizeof piece);
	snprintf(piece, sizeof piece, "{\"n\":%u,\"text\":\"", n);
	for (size_t left = len; left > 0;) {
		size_t now = left < sizeof piece ? left : sizeof piece;

		if (draft_write(d, piece, now, &err) == -1)
			fail_msg("%s", err.text);
		left -= now;
	}
	if (draft_commit(d, head, &how, &err) == -1)
		fail_msg("%s", err.text);
	draft_free(d);
	return how;
}

struct spool_name
fixture_job(struct fixture *f, unsigned n, struct job_head *head)
{
	struct spool_name name = { .attempt = 0 };

	assert_int_equal(fixture_accept(f->spool, n, 300, head), ACCEPTED_NEW);
	memcpy(name.id, head->id, sizeof name.id);
	return name;
}

unsigned
fixture_state(struct fixture *f, const char *id)
{
	struct spool_name name;
	struct err err = { 0 };
	unsigned state;

	if (spool_find(f->spool, id, &state, &name, &err) == 0)
		return state;
	assert_int_equal(err.class, ERR_BAD);
	return SPOOL_STATES;
}

unsigned
fixture_count(const struct fixture *f, unsigned dir)
{
	DIR *d = opendir(fixture_path(f, dir, "."));
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* Reads the files as any tool could: lines of 64 bytes among zeros. */
static unsigned
each_entry(const struct fixture *f, char kind, int lose)
{
	DIR *d = opendir(fixture_path(f, SPOOL_SEEN, "."));
	struct dirent *e;
	static const char zeros[64];
	char entry[64];
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		int fd = -1;

		if (strncmp(e->d_name, "ledger.", 7) == 0)
			fd = openat(dirfd(d), e->d_name, O_RDWR | O_NOFOLLOW);
		for (off_t at = 0; fd != -1 && pread(fd, entry, 64, at) == 64;
		     at += 64) {
			if (entry[63] != '\n' ||
			    (kind != 0 && entry[0] != kind))
				continue;
			n++;
			if (lose)
				assert_int_equal(pwrite(fd, zeros, 64, at), 64);
		}
		if (fd != -1)
			close(fd);
	}
	closedir(d);
	return n;
}

unsigned
fixture_seen(const struct fixture *f, char kind)
{
	return each_entry(f, kind, 0);
}

void
fixture_lose(const struct fixture *f, char kind)
{
	each_entry(f, kind, 1);
}

void
fixture_write(const struct fixture *f, unsigned dir, const char *name,
    const void *bytes, size_t len)
{
	int fd = open(
	    fixture_path(f, dir, name), O_WRONLY | O_CREAT | O_TRUNC, 0640);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

int
fixture_exists(const struct fixture *f, unsigned dir, const char *name)
{
	struct stat st;

	return lstat(fixture_path(f, dir, name), &st) == 0;
}

void
fixture_age(const struct fixture *f, unsigned dir, const char *name, int64_t ns)
{
	int64_t then = clock_wall() - ns;
	struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = (time_t)(then / CLOCK_SECOND),
		    .tv_nsec = (long)(then % CLOCK_SECOND) },
	};

	assert_int_equal(utimensat(AT_FDCWD, fixture_path(f, dir, name), times,
			     AT_SYMLINK_NOFOLLOW),
	    0);
}

void
fixture_check_job(struct fixture *f, const struct job_head *head, size_t len)
{
	struct spool_name name;
	struct job_head h;
	struct err err = { 0 };
	struct stat a, b;
	unsigned state;
	size_t body_at;
	char file[SPOOL_NAME_MAX];
	int fd;

	assert_int_equal(
	    spool_find(f->spool, head->id, &state, &name, &err), 0);
	assert_int_equal(state, SPOOL_NEW);
	assert_int_equal(name.attempt, 0);
	spool_name_format(file, SPOOL_NEW, &name);
	fd = open(fixture_path(f, SPOOL_NEW, file), O_RDONLY);
	if (head_verify(&h, &body_at, fd, &err) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(fstat(fd, &a), 0);
	close(fd);
	assert_int_equal(h.length, len);
	/* The slot's name stays: it is the job's deed. */
	assert_int_equal(stat(fixture_path(f, SPOOL_TMP, h.slot), &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(a.st_nlink, 2);
	assert_memory_equal(&h, head, sizeof h);
}
