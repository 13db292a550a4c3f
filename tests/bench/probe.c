/* SPDX-License-Identifier: MIT */
/*
 * Single costs that no program of ours shows from outside:
 *
 *   probe sweep SPOOL       a sweep that finds every settled job too old
 *   probe index SPOOL       a sweep that finds nothing to remove, and makes
 *                           the indexes of all records
 *   probe append SPOOL N    N records, appended to today's
 *   probe evict FILE...     has the kernel forget the files' contents
 *
 * The result is one line of JSON. Slices are the runner's: while one lasts,
 * no job is claimed. Only for a spool that is thrown away.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "record.h"
#include "spool.h"

#define SLICE	   500 /* as the runner's (jobs/runner/runner.c) */
#define SLICES_MAX 1000000
#define APPEND_MAX 1000000

static _Noreturn void
die(const char *what, const char *why)
{
	fprintf(stderr, "probe: %s: %s\n", what, why);
	exit(1);
}

static struct spool *
open_spool(const char *path)
{
	struct spool *s;
	struct err err;

	if (spool_open(&s, path, 1, &err) == -1)
		die(path, err.text);
	return s;
}

static int
by_value(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double
ms_at(const int64_t *sorted, size_t n, double share)
{
	return (double)sorted[(size_t)((double)(n - 1) * share)] /
	       (double)CLOCK_MSEC;
}

/* ---- sweeping ---- */

static void
sweep(const char *path, int64_t settled_age)
{
	const struct spool_sweep limits = {
		.tmp_age = INT64_MAX / 2,
		.seen_age = settled_age,
		.settled_age = settled_age,
		.log_age = 3650 * 86400 * CLOCK_SECOND,
		.slice = SLICE,
	};
	struct spool *s = open_spool(path);
	int64_t *took = calloc(SLICES_MAX, sizeof *took), sum = 0;
	unsigned removed, total = 0;
	struct sweeper *w;
	struct err err;
	size_t n = 0;
	int rc = 1;

	if (took == NULL || spool_sweeper_new(&w, s, &err) == -1)
		die("sweeper", "out of memory");
	while (rc == 1 && n < SLICES_MAX) {
		int64_t began = clock_mono();

		rc = spool_sweep(w, &limits, &removed, &err);
		took[n] = clock_mono() - began;
		sum += took[n++];
		total += removed;
	}
	if (rc == -1)
		die("sweep", err.text);
	spool_sweeper_free(w);
	spool_close(s);
	qsort(took, n, sizeof *took, by_value);
	printf("{\"removed\":%u,\"slices\":%zu,\"seconds\":%.3f,"
	       "\"p50\":%.3f,\"p99\":%.3f,\"longest\":%.3f}\n",
	    total, n, (double)sum / (double)CLOCK_SECOND, ms_at(took, n, 0.5),
	    ms_at(took, n, 0.99), ms_at(took, n, 1));
	free(took);
}

/* ---- appending ---- */

static void
append(const char *path, unsigned count)
{
	struct spool *s = open_spool(path);
	struct job_head head = {
		.request_id = "0a8f6f3e-97a8-4b19-9f6e-6c2c1a5d0001",
		.hook_id = "4711",
		.event = "ping",
		.sender = "octocat",
		.repository = "bench/appended",
		.delivery = "0a8f6f3e-97a8-4b19-9f6e-6c2c1a5d0001",
	};
	struct record r = {
		.head = &head, .outcome = JOB_SUCCEEDED, .attempts = 1
	};
	int64_t *took = calloc(count, sizeof *took), sum = 0;
	struct err err;

	if (took == NULL)
		die("append", "out of memory");
	head_job_id(head.id, 0, head.delivery);
	head.received = r.started = clock_wall();
	for (unsigned n = 0; n < count; n++) {
		int64_t began = clock_mono();

		r.completed = clock_wall();
		if (record_append(s, &r, RECORD_LINES, &err) == -1)
			die("append", err.text);
		took[n] = clock_mono() - began;
		sum += took[n];
	}
	spool_close(s);
	qsort(took, count, sizeof *took, by_value);
	printf("{\"count\":%u,\"mean_us\":%.2f,\"p50_us\":%.2f,"
	       "\"p99_us\":%.2f}\n",
	    count, (double)sum / count / 1e3, 1e3 * ms_at(took, count, 0.5),
	    1e3 * ms_at(took, count, 0.99));
	free(took);
}

/* ---- forgetting ---- */

static size_t
resident_pages(int fd, size_t size)
{
	size_t pages = (size + 4095) / 4096, n = 0;
	unsigned char *in = malloc(pages);
	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	if (in == NULL || map == MAP_FAILED || mincore(map, size, in) == -1)
		die("mincore", "failed");
	for (size_t i = 0; i < pages; i++)
		n += in[i] & 1;
	munmap(map, size);
	free(in);
	return n;
}

/* What is not written yet cannot be forgotten, so that first. */
static void
evict(char **files, int count)
{
	size_t stayed = 0, pages = 0;

	for (int i = 0; i < count; i++) {
		int fd = open(files[i], O_RDONLY);
		struct stat st;

		if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
			die(files[i], "no file to be read");
		fdatasync(fd);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		if (st.st_size > 0)
			stayed += resident_pages(fd, (size_t)st.st_size);
		pages += ((size_t)st.st_size + 4095) / 4096;
		close(fd);
	}
	printf("{\"files\":%d,\"stayed\":%.4f}\n", count,
	    pages > 0 ? (double)stayed / (double)pages : 0);
}

int
main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";
	unsigned count = argc > 3 ? (unsigned)atoi(argv[3]) : 0;

	if (strcmp(verb, "sweep") == 0)
		sweep(argv[2], 0);
	else if (strcmp(verb, "index") == 0)
		sweep(argv[2], 3650 * 86400 * CLOCK_SECOND);
	else if (strcmp(verb, "append") == 0 && count > 0 &&
		 count <= APPEND_MAX)
		append(argv[2], count);
	else if (strcmp(verb, "evict") == 0)
		evict(argv + 2, argc - 2);
	else {
		fputs("usage: probe sweep|index SPOOL | append SPOOL N | "
		      "evict FILE...\n",
		    stderr);
		return 2;
	}
	return 0;
}
