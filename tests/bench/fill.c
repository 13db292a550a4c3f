/* SPDX-License-Identifier: MIT */
/*
 * Fills a spool as years would, in a minute, to measure what its size costs:
 *
 *   fill SPOOL queued N    jobs in new/ with slots, of 1,000 keys
 *   fill SPOOL settled N   names in done/, and as many in seen/ (up to
 *                          200,000, two a job)
 *   fill FILE records MB   records of settled jobs, from FILE's first line
 *
 * Nothing is synced, and settled names are links to few files: what counts
 * here is how many names there are. Only for a spool that is thrown away.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "digest.h"
#include "ledger.h"
#include "spool.h"

#define LINKS	 60000 /* to one file; ext4 allows 65,000 */
#define SEEN_MAX 200000
#define KEYS	 1000

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
make_head(struct job_head *head, unsigned n)
{
	*head = (struct job_head){
		.request_id = "0a8f6f3e-97a8-4b19-9f6e-6c2c1a5d0001",
		.hook_id = "4711",
		.event = "ping",
		.type = HEAD_TYPE_JSON,
		.sender = "octocat",
		.received = clock_wall(),
	};
	snprintf(
	    head->repository, sizeof head->repository, "bench/r%u", n % KEYS);
	memcpy(head->key, head->repository, sizeof head->key);
	snprintf(head->delivery, sizeof head->delivery,
	    "72d3162e-cc78-11e3-81ab-%012x", n);
	head_job_id(head->id, 0, head->delivery);
}

static void
write_job(int dir, const char *name, struct job_head *head)
{
	struct buf b;
	struct err err;
	char body[128];
	int fd;

	snprintf(
	    body, sizeof body, "{\"hook_id\":4711,\"id\":\"%s\"}", head->id);
	head->length = strlen(body);
	buf_init(&b, 2 * HEAD_MAX);
	if (digest_of(head->sha256, body, head->length, &err) == -1 ||
	    head_format(&b, head, 0, &err) == -1)
		die(err.text);
	buf_adds(&b, body);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0640);
	if (fd == -1 || write(fd, b.data, b.len) != (ssize_t)b.len)
		die(name);
	close(fd);
	buf_release(&b);
}

static void
fill_queued(struct spool *s, unsigned count)
{
	for (unsigned n = 0; n < count; n++) {
		struct spool_name name = { .attempt = 0 };
		char file[SPOOL_NAME_MAX];
		struct job_head head;

		make_head(&head, n);
		snprintf(head.slot, sizeof head.slot, "0be00000.%u", n);
		memcpy(name.id, head.id, sizeof name.id);
		spool_name_format(file, SPOOL_NEW, &name);
		write_job(spool_fd(s, SPOOL_TMP), head.slot, &head);
		if (linkat(spool_fd(s, SPOOL_TMP), head.slot,
			spool_fd(s, SPOOL_NEW), file, 0) == -1)
			die(file);
	}
}

static void
fill_done(int dir, unsigned count)
{
	char name[96], first[96] = "";

	for (unsigned n = 0; n < count; n++) {
		struct job_head head;

		snprintf(
		    name, sizeof name, "0-5e771ed0-cc78-11e3-81ab-%012x", n);
		if (n % LINKS == 0) {
			make_head(&head, n);
			memcpy(first, name, sizeof first);
			write_job(dir, name, &head);
		} else if (linkat(dir, first, dir, name, 0) == -1) {
			die(name);
		}
	}
}

static void
fill_seen(int dir, unsigned count)
{
	struct ledger *l;
	struct err err;

	if (ledger_new(&l, dir, 0640, &err) == -1 || ledger_lock(l, &err) == -1)
		die("seen");
	for (unsigned n = 0; n < count; n++) {
		uint8_t digest[DIGEST_LEN];
		struct ledger_key key;

		if (digest_of(digest, &n, sizeof n, &err) == -1)
			die("seen");
		ledger_key(&key, n % 2 ? 'b' : 'd', digest);
		if (ledger_put(l, &key, &err) == -1)
			die("seen");
	}
	ledger_unlock(l);
	ledger_free(l);
}

/* The line over and over, each time with other last groups in its UUIDs. */
static void
fill_records(const char *path, uint64_t bytes)
{
	static char line[65536];
	FILE *f = fopen(path, "r+");
	uint64_t done = 0;

	if (f == NULL || fgets(line, sizeof line, f) == NULL)
		die(path);
	fseek(f, 0, SEEK_END);
	for (uint64_t n = 0; done < bytes; n++) {
		char digits[16];

		snprintf(digits, sizeof digits, "%012" PRIx64, n);
		for (char *p = line; (p = strchr(p, '-')) != NULL; p++) {
			if (strspn(p + 1, "0123456789abcdef") == 12)
				memcpy(p + 1, digits, 12);
		}
		done += strlen(line);
		if (fputs(line, f) == EOF)
			die(path);
	}
	fclose(f);
}

int
main(int argc, char **argv)
{
	struct spool *s;
	struct err err;
	unsigned count;

	if (argc != 4 || (count = (unsigned)atoi(argv[3])) == 0) {
		fputs("usage: fill SPOOL queued|settled|records N\n", stderr);
		return 2;
	}
	if (strcmp(argv[2], "records") == 0) {
		fill_records(argv[1], (uint64_t)count << 20);
		return 0;
	}
	if (spool_open(&s, argv[1], 1, &err) == -1) {
		fprintf(stderr, "fill: %s\n", err.text);
		return 1;
	}
	if (strcmp(argv[2], "queued") == 0) {
		fill_queued(s, count);
	} else {
		fill_done(spool_fd(s, SPOOL_DONE), count);
		fill_seen(spool_fd(s, SPOOL_SEEN),
		    2 * count < SEEN_MAX ? 2 * count : SEEN_MAX);
	}
	spool_close(s);
	return 0;
}
