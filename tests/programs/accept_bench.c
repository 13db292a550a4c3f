/* SPDX-License-Identifier: MIT */
/*
 * How fast bodies become durable jobs:
 *
 *   accept_bench FOLDER THREADS COUNT SIZE STOCK
 *
 * COUNT bodies of SIZE bytes in all, from THREADS threads; with STOCK > 0 one
 * more thread keeps so many slots ready, with 0 each takes the longer way.
 * Prints accepts a second and the latency at 50, 99 and 100 percent.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "spool.h"

struct bench {
	struct spool *spool;
	unsigned count, stock;
	size_t size;
	atomic_uint next;
	atomic_int stop;
	int64_t *took; /* ns, by number */
};

_Noreturn static void
die(const struct err *err)
{
	fprintf(stderr, "accept_bench: %s\n", err->text);
	exit(1);
}

static void
accept_one(struct bench *b, struct draft *draft, unsigned n, char *body)
{
	struct job_head head = { .hook_id = "1",
		.event = "push",
		.repository = "octo-org/hello-world",
		.key = "octo-org/hello-world",
		.type = HEAD_TYPE_JSON,
		.request_id = "0a8f6f3e-97a8-4b19-9f6e-6c2c1a5d0001" };
	struct err err;
	enum accepted how;
	int64_t start = clock_mono();

	snprintf(head.delivery, sizeof head.delivery,
	    "72d3162e-cc78-11e3-81ab-%012x", n);
	head_job_id(head.id, 0, head.delivery);
	snprintf(body, 16, "%015u", n);
	if (draft_write(draft, body, b->size, &err) == -1 ||
	    draft_commit(draft, &head, &how, &err) == -1 ||
	    draft_reset(draft, &err) == -1)
		die(&err);
	if (how != ACCEPTED_NEW)
		fprintf(stderr, "accept_bench: %s was there\n", head.id);
	b->took[n] = clock_mono() - start;
}

static void *
accept_many(void *arg)
{
	struct bench *b = arg;
	struct draft *draft;
	struct err err;
	char *body = malloc(b->size + 16);
	unsigned n;

	if (body == NULL || spool_draft_new(&draft, b->spool, &err) == -1)
		exit(1);
	memset(body, 'x', b->size);
	while ((n = atomic_fetch_add(&b->next, 1)) < b->count)
		accept_one(b, draft, n, body);
	draft_free(draft);
	free(body);
	return NULL;
}

static void *
keep_stock(void *arg)
{
	struct bench *b = arg;
	struct err err;

	while (!atomic_load(&b->stop)) {
		if (spool_stock(b->spool, b->stock, &err) == -1)
			die(&err);
		spool_stock_wait(b->spool, 1000);
	}
	return NULL;
}

static int
by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
run(struct bench *b, unsigned threads)
{
	pthread_t ids[256], keeper;
	int64_t start;
	double seconds;

	if (b->stock > 0)
		pthread_create(&keeper, NULL, keep_stock, b);
	start = clock_mono();
	for (unsigned i = 0; i < threads; i++)
		pthread_create(&ids[i], NULL, accept_many, b);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	seconds = (double)(clock_mono() - start) / (double)CLOCK_SECOND;
	atomic_store(&b->stop, 1);
	spool_stock_wake(b->spool);
	if (b->stock > 0)
		pthread_join(keeper, NULL);
	qsort(b->took, b->count, sizeof *b->took, by_time);
	printf("%u threads, %zu bytes, stock %u: %.0f/s, "
	       "p50 %.2f p99 %.2f max %.2f ms\n",
	    threads, b->size, b->stock, b->count / seconds,
	    (double)b->took[b->count / 2] / 1e6,
	    (double)b->took[(uint64_t)b->count * 99 / 100] / 1e6,
	    (double)b->took[b->count - 1] / 1e6);
}

int
main(int argc, char **argv)
{
	struct bench b = { .count = 0 };
	struct err err;

	if (argc != 6 || atoi(argv[2]) > 256 || atoi(argv[3]) < 1) {
		fprintf(stderr, "usage: accept_bench FOLDER THREADS COUNT "
				"SIZE STOCK\n");
		return 2;
	}
	b.count = (unsigned)atoi(argv[3]);
	b.size = (size_t)atoi(argv[4]);
	b.stock = (unsigned)atoi(argv[5]);
	b.took = calloc(b.count, sizeof *b.took);
	if (b.took == NULL || spool_open(&b.spool, argv[1], 1, &err) == -1)
		die(&err);
	/* The first slots are not what is measured. */
	if (b.stock > 0 && spool_stock(b.spool, b.stock, &err) == -1)
		die(&err);
	run(&b, (unsigned)atoi(argv[2]));
	spool_close(b.spool);
	free(b.took);
	return 0;
}
