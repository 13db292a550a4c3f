/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record.h"
#include "spool.h"

/*
 * A day's file of records, as anybody may have left it. Read from either end
 * it holds the same records, and a job that is found among all is found when
 * it is asked for.
 */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static struct spool *spool;

static char path[] = "/tmp/hookspool-fuzz-XXXXXX";

static int
remove_one(const char *name, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(name);
}

static void
close_spool(void)
{
	spool_close(spool);
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
open_spool(void)
{
	struct err err;

	if (mkdtemp(path) == NULL || spool_open(&spool, path, 1, &err) == -1 ||
	    atexit(close_spool) != 0)
		abort();
}

struct seen {
	unsigned long count, sum; /* of all texts, whatever their order */
};

static int
add(void *arg, const char *text, size_t len)
{
	struct seen *s = arg;
	unsigned long hash = 5381;

	if (len == 0 || text[0] != '{' || text[len - 1] != '}')
		abort();
	for (size_t i = 0; i < len; i++)
		hash = hash * 33 ^ (unsigned char)text[i];
	s->sum += hash;
	s->count++;
	return 0;
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct record_filter all = { .number = 0 }, some = { .number = 12 };
	struct seen forward = { 0 }, backward = { 0 }, few = { 0 };
	struct err err;
	int fd;

	if (spool == NULL)
		open_spool();
	fd = openat(spool_fd(spool, SPOOL_LOG), "webhooks_2026-01-01.json",
	    O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd == -1 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	if (record_each(spool, &all, add, &forward, &err) != 0)
		abort();
	all.newest_first = 1;
	if (record_each(spool, &all, add, &backward, &err) != 0 ||
	    record_each(spool, &some, add, &few, &err) != 0)
		abort();
	if (forward.count != backward.count || forward.sum != backward.sum ||
	    few.count > forward.count)
		abort();
	return 0;
}
