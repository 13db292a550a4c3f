/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "place.h"
#include "record.h"
#include "record_index.h"
#include "spool.h"

/*
 * An index of somebody who knows the form: the input's blocks get right sums,
 * and its first is made to be the head of these records. However it lies, a
 * search gives whole records that are wanted, none of them twice. (It may
 * leave some out: who signs a false index is believed that far.)
 */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define RECORDS 20
#define BLOCKS	8
#define DAY	"webhooks_2026-01-01"

static size_t text_len;

static void
write_records(void)
{
	char line[256];

	for (unsigned n = 0; n < RECORDS; n++) {
		int len = snprintf(line, sizeof line,
		    "{%s\"hook_id\":\"%08x-cc78-11e3-81ab-00000000000%u\","
		    "\"pr\":{\"number\":%u},\"repository\":\"r\"%s}\n",
		    n % 3 == 0 ? "\n  " : "", n, n % 10, n % 4,
		    n % 3 == 0 ? "\n" : "");

		place_add(SPOOL_LOG, DAY ".json", line, (size_t)len);
		text_len += (size_t)len;
	}
}

struct given {
	unsigned long long order; /* of the last one */
	unsigned count;
	int back;
};

static int
take(void *arg, const char *text, size_t len)
{
	struct given *g = arg;
	const char *id = memmem(text, len, "\"hook_id\":\"", 11);
	unsigned long long n;

	if (text[0] != '{' || text[len - 1] != '}' || id == NULL)
		abort();
	n = strtoull(id + 11, NULL, 16);
	/* Each at most once, in order. */
	if (g->count > 0 && (g->back ? n >= g->order : n <= g->order))
		abort();
	g->order = n;
	g->count++;
	return 0;
}

static void
sign(char (*blocks)[INDEX_BLOCK], size_t count)
{
	struct index_head *head = (struct index_head *)(void *)blocks[0];
	struct stat st;
	int fd;

	fd = openat(spool_fd(place_spool(), SPOOL_LOG), DAY ".json", O_RDONLY);
	if (fd == -1 || fstat(fd, &st) == -1 ||
	    index_sample(&head->sample, fd, (int64_t)text_len) == -1)
		abort();
	close(fd);
	head->magic = INDEX_MAGIC;
	head->from = 0;
	head->to = (int64_t)text_len;
	head->inode = st.st_ino;
	head->size = st.st_size;
	head->mtime =
	    (int64_t)st.st_mtim.tv_sec * CLOCK_SECOND + st.st_mtim.tv_nsec;
	for (size_t i = 0; i < count; i++) {
		uint64_t sum = index_sum(blocks[i], 0, i > 0 ? head->to : 0);

		memcpy(blocks[i], &sum, sizeof sum);
	}
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static char blocks[BLOCKS][INDEX_BLOCK];
	static const struct record_filter filters[] = {
		{ .number = 2 },
		{ .repository = "R" },
		{ .uuid = "0000000" },
		{ .delivery = "00000003-cc78-11e3-81ab-000000000003" },
	};
	size_t count = (size + INDEX_BLOCK - 1) / INDEX_BLOCK;
	struct err err;

	if (size > sizeof blocks || count == 0)
		return 0;
	if (text_len == 0)
		write_records();
	memset(blocks, 0, sizeof blocks);
	memcpy(blocks, data, size);
	sign(blocks, count);
	place_write(SPOOL_LOG, DAY ".idx", blocks, count * INDEX_BLOCK);
	for (size_t i = 0; i < 2 * sizeof filters / sizeof *filters; i++) {
		struct record_filter filter = filters[i / 2];
		struct given g = { .back = i % 2 };

		filter.newest_first = g.back;
		if (record_each(place_spool(), &filter, take, &g, &err) != 0)
			abort();
	}
	return 0;
}
