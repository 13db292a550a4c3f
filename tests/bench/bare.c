/* SPDX-License-Identifier: MIT */
/*
 * The limits next to which the responder is measured.
 *
 *   bare answer|hmac|store SOCKET PROCESSES THREADS SECRET [FOLDER]
 *   bare disk FOLDER THREADS COUNT
 *
 * A FastCGI program that reads the body and answers 202; with "hmac" it works
 * out the body's HMAC first and compares it; with "store" it then makes the
 * body durable by the system calls that one flushed file an event takes, and
 * nothing else: a ready-made file is overwritten in place, flushed and given
 * a second name. libfcgi's own loop, so threads are pinned by connections that
 * are kept open: give it more than the web server keeps.
 *
 * "disk" does the latter without HTTP, COUNT times with files made before
 * and COUNT times with files made meanwhile, and prints one line of JSON.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "clock.h"
#include "digest.h"
#include "err.h"

#define PIECE	  32768
#define SLOT	  12288 /* as the spool's (lib/spool_stock.c) */
#define BODY	  8192	/* of "disk" */
#define BATCH	  128
#define READY_MAX 256 /* with more of its own libfcgi cannot select() */
#define DISK_MAX  8000

static int listen_fd, check, storing;
static const char *secret;

/* ---- storing ---- */

static struct {
	int folder;
	pthread_mutex_t lock;
	pthread_cond_t more, fewer;
	unsigned ready[DISK_MAX]; /* numbers of their names */
	int fds[DISK_MAX];
	unsigned count, made, most;
} shelf = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.more = PTHREAD_COND_INITIALIZER,
	.fewer = PTHREAD_COND_INITIALIZER,
	.most = READY_MAX,
};

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
name_slot(char out[40], unsigned n)
{
	snprintf(out, 40, "%ld.%u", (long)getpid(), n);
}

static void
make_batch(unsigned count)
{
	static const char zeros[SLOT];
	int fds[BATCH];
	char name[40];

	for (unsigned i = 0; i < count; i++) {
		name_slot(name, shelf.made + i);
		fds[i] = openat(shelf.folder, name,
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fds[i] == -1 || write(fds[i], zeros, SLOT) != SLOT)
			die(name);
	}
	if (syncfs(shelf.folder) == -1)
		die("syncfs");
	pthread_mutex_lock(&shelf.lock);
	for (unsigned i = 0; i < count; i++) {
		shelf.fds[shelf.count] = fds[i];
		shelf.ready[shelf.count++] = shelf.made++;
	}
	pthread_cond_broadcast(&shelf.more);
	pthread_mutex_unlock(&shelf.lock);
}

static void *
keep_shelf(void *arg)
{
	for (;;) {
		pthread_mutex_lock(&shelf.lock);
		while (shelf.count + BATCH > shelf.most)
			pthread_cond_wait(&shelf.fewer, &shelf.lock);
		pthread_mutex_unlock(&shelf.lock);
		make_batch(BATCH);
	}
	return arg;
}

static void
store(const char *body, size_t len)
{
	char name[40], job[48];
	unsigned n;
	int fd;

	pthread_mutex_lock(&shelf.lock);
	while (shelf.count == 0)
		pthread_cond_wait(&shelf.more, &shelf.lock);
	n = shelf.ready[--shelf.count];
	fd = shelf.fds[shelf.count];
	pthread_cond_signal(&shelf.fewer);
	pthread_mutex_unlock(&shelf.lock);
	name_slot(name, n);
	snprintf(job, sizeof job, "new/%s", name);
	if (pwrite(fd, body, len, 0) != (ssize_t)len || fdatasync(fd) == -1 ||
	    linkat(shelf.folder, name, shelf.folder, job, 0) == -1 ||
	    close(fd) == -1)
		die(name);
}

static void
open_shelf(const char *folder)
{
	shelf.folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (shelf.folder == -1)
		die(folder);
	(void)mkdirat(shelf.folder, "new", 0700);
}

static void
start(void *(*run)(void *), void *arg, pthread_t *id)
{
	if (pthread_create(id, NULL, run, arg) != 0)
		die("thread");
}

/* ---- without HTTP ---- */

struct disk {
	atomic_uint next;
	unsigned count;
	int64_t took[DISK_MAX]; /* ns */
};

static void *
store_all(void *arg)
{
	static char body[BODY];
	struct disk *d = arg;
	unsigned n;

	while ((n = atomic_fetch_add(&d->next, 1)) < d->count) {
		int64_t start = clock_mono();

		store(body, sizeof body);
		d->took[n] = clock_mono() - start;
	}
	return NULL;
}

static int
by_time(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int64_t
cpu_used(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * CLOCK_SECOND +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

static void
measure_disk(const char *what, int threads, unsigned count)
{
	static struct disk d;
	pthread_t ids[256];
	int64_t start_time, cpu = cpu_used();
	double seconds;

	d.next = 0;
	d.count = count;
	start_time = clock_mono();
	for (int i = 0; i < threads; i++)
		start(store_all, &d, &ids[i]);
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	seconds = (double)(clock_mono() - start_time) / (double)CLOCK_SECOND;
	cpu = cpu_used() - cpu;
	qsort(d.took, count, sizeof *d.took, by_time);
	printf("\"%s\": {\"rate\": %.1f, \"p50\": %.3f, \"p99\": %.3f, "
	       "\"cpu_us\": %.1f}",
	    what, count / seconds, (double)d.took[count / 2] / 1e6,
	    (double)d.took[(uint64_t)count * 99 / 100] / 1e6,
	    (double)cpu / 1e3 / count);
}

static int
measure_disks(const char *folder, int threads, unsigned count)
{
	pthread_t id;

	if (threads < 1 || threads > 256 || count < 1 || count > DISK_MAX)
		return 2;
	open_shelf(folder);
	for (unsigned left = count; left > 0;) {
		unsigned n = left < BATCH ? left : BATCH;

		make_batch(n);
		left -= n;
	}
	printf("{");
	measure_disk("ready", threads, count);
	start(keep_shelf, NULL, &id);
	printf(", ");
	measure_disk("made", threads, count);
	printf("}\n");
	return 0;
}

/* ---- FastCGI ---- */

static int
is_signed(FCGX_Request *r, struct digest *d, char *piece, size_t *len)
{
	const char *claimed =
	    FCGX_GetParam("HTTP_X_HUB_SIGNATURE_256", r->envp);
	uint8_t want[DIGEST_LEN], got[DIGEST_LEN];
	struct err err;
	int n;

	if (check && (claimed == NULL || strlen(claimed) < 7 ||
			 hex_decode(want, DIGEST_LEN, claimed + 7) == -1 ||
			 digest_reset(d, &err) == -1))
		return 0;
	*len = 0;
	while ((n = FCGX_GetStr(piece, PIECE, r->in)) > 0) {
		if (check && digest_add(d, piece, (size_t)n, &err) == -1)
			return 0;
		*len = (size_t)n;
	}
	return !check ||
	       (digest_end(d, got, &err) == 0 && digest_equal(got, want));
}

static void *
answer_all(void *arg)
{
	static const char good[] = "Status: 202 Accepted\r\n"
				   "Content-Type: application/json\r\n\r\n"
				   "{\"status\":\"accepted\"}\n";
	static const char bad[] = "Status: 403 Forbidden\r\n\r\n";
	char *piece = malloc(PIECE);
	size_t len = 0;
	struct digest *d;
	FCGX_Request r;
	struct err err;

	(void)arg;
	if (piece == NULL ||
	    digest_new_hmac(&d, secret, strlen(secret), &err) == -1)
		exit(1);
	FCGX_InitRequest(&r, listen_fd, 0);
	while (FCGX_Accept_r(&r) == 0) {
		int is_good = is_signed(&r, d, piece, &len);
		const char *text = is_good ? good : bad;

		if (is_good && storing)
			store(piece, len < SLOT ? len : SLOT);
		FCGX_PutStr(text, (int)strlen(text), r.out);
		FCGX_Finish_r(&r);
	}
	return NULL;
}

static _Noreturn void
serve(int threads)
{
	pthread_t id;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	FCGX_Init();
	if (storing)
		start(keep_shelf, NULL, &id);
	for (int i = 1; i < threads; i++)
		start(answer_all, NULL, &id);
	answer_all(NULL);
	exit(0);
}

static int
usage(void)
{
	fputs("usage: bare answer|hmac|store SOCKET PROCESSES THREADS SECRET "
	      "[FOLDER]\n"
	      "       bare disk FOLDER THREADS COUNT\n",
	    stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "disk") == 0)
		return measure_disks(
		    argv[2], atoi(argv[3]), (unsigned)atoi(argv[4]));
	storing = argc == 7 && strcmp(argv[1], "store") == 0;
	if (argc != 6 && !storing)
		return usage();
	check = storing || strcmp(argv[1], "hmac") == 0;
	secret = argv[5];
	if (storing)
		open_shelf(argv[6]);
	listen_fd = FCGX_OpenSocket(argv[2], 1024);
	if (listen_fd == -1)
		return 1;
	for (int i = 0; i < atoi(argv[3]); i++) {
		if (fork() == 0)
			serve(atoi(argv[4]));
	}
	while (wait(NULL) > 0)
		continue;
	return 0;
}
