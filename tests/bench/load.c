/* SPDX-License-Identifier: MIT */
/*
 * Sends signed webhooks over HTTP and measures the replies:
 *
 *   load --port N [--path /webhooks/github] [--connections 16] [--count N]
 *        [--seconds N] [--rate N] [--keys N] [--event push] [--secret S]
 *        [--replies FILE] PAYLOAD
 *
 * PAYLOAD is a file with one JSON object. Each request has a delivery ID of
 * its own and, before the object's last brace, a number of its own, so that
 * no two bodies are alike; all are signed. With --keys the payload has no
 * "repository", and gets one of N in turn. It ends after COUNT requests or
 * SECONDS, whichever is first; both have a limit always.
 *
 * Without --rate each connection sends its next request when the last is
 * answered. With it requests leave at their times, and the latency counts from
 * the time one was due: waiting for a free connection is part of it.
 *
 * One thread; the HMAC of what all bodies share is computed once. The result
 * is one line of JSON; --replies writes a line for each request: delivery,
 * status (0: no reply), microseconds.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "digest.h"
#include "err.h"
#include "signer.h"
#include "uuid.h"

#define CONNECTIONS_MAX 1024
#define COUNT_MAX	4000000
#define SECONDS_MAX	600
#define TAIL_MAX	128  /* bytes of a body's own end */
#define HEAD_MAX_	1024 /* of a request's head */
#define REPLY_MAX_	8192
#define STATUSES	600

struct connection {
	int fd;
	int busy;
	uint64_t number; /* of its request */
	int64_t due;	 /* when its request was to leave, clock_mono() */
	char head[HEAD_MAX_], tail[TAIL_MAX];
	size_t head_len, tail_len, sent;
	char reply[REPLY_MAX_];
	size_t got;
};

struct load {
	const char *path, *event, *secret;
	unsigned port, connections, seconds;
	uint64_t count, rate, keys;
	char *body; /* without its last brace */
	size_t len;
	EVP_MAC_CTX *signer; /* has seen what all bodies share */
	char run[25];	     /* a delivery ID without its last group */
	FILE *replies;	     /* or NULL */
	int epoll;
	struct connection *all;
	uint64_t begun, ended, failed, status[STATUSES];
	uint32_t *took; /* us, by order of arrival */
	int64_t start, stop_at;
};

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- what is sent ---- */

static void
read_payload(struct load *l, const char *path)
{
	FILE *f = fopen(path, "r");
	long size;

	if (f == NULL || fseek(f, 0, SEEK_END) == -1 || (size = ftell(f)) < 2)
		die(path);
	rewind(f);
	l->body = malloc((size_t)size);
	if (l->body == NULL ||
	    fread(l->body, 1, (size_t)size, f) != (size_t)size)
		die(path);
	fclose(f);
	l->len = (size_t)size;
	while (l->len > 0 && l->body[l->len - 1] != '}')
		l->len--;
	if (l->len == 0) {
		errno = EINVAL;
		die(path);
	}
	l->len--;
}

static void
compose(const struct load *l, struct connection *c, uint64_t n)
{
	char hex[DIGEST_HEX];

	char repository[64] = "";

	if (l->keys > 0)
		snprintf(repository, sizeof repository,
		    ",\"repository\":{\"full_name\":\"bench/r%llu\"}",
		    (unsigned long long)(n % l->keys));
	c->tail_len = (size_t)snprintf(c->tail, sizeof c->tail,
	    "%s,\"hookspool_bench\":\"%s%llu\"}", repository, l->run,
	    (unsigned long long)n);
	if (signer_hex(hex, l->signer, c->tail, c->tail_len) == -1)
		die("HMAC");
	c->head_len = (size_t)snprintf(c->head, sizeof c->head,
	    "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	    "User-Agent: GitHub-Hookshot/0000000\r\nAccept: */*\r\n"
	    "Content-Type: application/json\r\nContent-Length: %zu\r\n"
	    "X-GitHub-Event: %s\r\nX-GitHub-Hook-ID: 292430182\r\n"
	    "X-GitHub-Delivery: %s%012llx\r\n"
	    "X-Hub-Signature-256: sha256=%s\r\n\r\n",
	    l->path, l->len + c->tail_len, l->event, l->run,
	    (unsigned long long)n, hex);
	c->sent = c->got = 0;
}

/* ---- connections ---- */

static void
watch(struct load *l, struct connection *c, int op, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };

	if (epoll_ctl(l->epoll, op, c->fd, &e) == -1)
		die("epoll_ctl");
}

static void
connect_one(struct load *l, struct connection *c)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)l->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd == -1 ||
	    connect(c->fd, (const struct sockaddr *)&to, sizeof to) == -1)
		die("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	watch(l, c, EPOLL_CTL_ADD, EPOLLIN);
	c->busy = 0;
}

/* 1 if all of it is sent. */
static int
send_more(struct load *l, struct connection *c)
{
	const struct iovec whole[] = {
		{ c->head, c->head_len },
		{ l->body, l->len },
		{ c->tail, c->tail_len },
	};

	for (;;) {
		struct iovec part[3];
		struct msghdr msg = { .msg_iov = part };
		size_t skip = c->sent;
		ssize_t n;

		for (size_t i = 0; i < 3; i++) {
			size_t cut =
			    skip < whole[i].iov_len ? skip : whole[i].iov_len;

			skip -= cut;
			if (cut == whole[i].iov_len)
				continue;
			part[msg.msg_iovlen].iov_base =
			    (char *)whole[i].iov_base + cut;
			part[msg.msg_iovlen++].iov_len = whole[i].iov_len - cut;
		}
		if (msg.msg_iovlen == 0)
			return 1;
		n = sendmsg(c->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1)
			return 0; /* full, or broken: reading tells */
		c->sent += (size_t)n;
	}
}

static void
begin(struct load *l, struct connection *c, int64_t due)
{
	c->number = l->begun++;
	compose(l, c, c->number);
	c->busy = 1;
	c->due = due;
	if (!send_more(l, c))
		watch(l, c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

/* ---- what comes back ---- */

/* 1 if the reply is whole: Content-Length bytes, or the last chunk. */
static int
is_whole(const struct connection *c)
{
	const char *end = memmem(c->reply, c->got, "\r\n\r\n", 4), *length;
	size_t body;

	if (end == NULL)
		return 0;
	body = c->got - (size_t)(end + 4 - c->reply);
	length = strcasestr(c->reply, "\r\nContent-Length:");
	if (length != NULL && length < end)
		return body >= strtoul(length + 17, NULL, 10);
	return body >= 5 && memcmp(c->reply + c->got - 5, "0\r\n\r\n", 5) == 0;
}

static void
note(const struct load *l, const struct connection *c, unsigned long status)
{
	if (l->replies != NULL)
		fprintf(l->replies, "%s%012llx %lu %lld\n", l->run,
		    (unsigned long long)c->number, status,
		    (long long)(clock_mono() - c->due) / 1000);
}

static void
lose(struct load *l, struct connection *c)
{
	note(l, c, 0);
	l->failed++;
	l->ended++;
	close(c->fd);
	connect_one(l, c);
}

static void
finish(struct load *l, struct connection *c)
{
	int64_t us = (clock_mono() - c->due) / 1000;
	unsigned long status = strtoul(c->reply + 9, NULL, 10);
	int closes = strcasestr(c->reply, "\r\nConnection: close") != NULL;

	note(l, c, status);
	l->took[l->ended++ - l->failed] = (uint32_t)us;
	l->status[status < STATUSES ? status : 0]++;
	c->busy = 0;
	if (!closes)
		return;
	close(c->fd);
	connect_one(l, c);
}

static void
read_reply(struct load *l, struct connection *c)
{
	ssize_t n = recv(
	    c->fd, c->reply + c->got, REPLY_MAX_ - 1 - c->got, MSG_DONTWAIT);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		if (c->busy) {
			lose(l, c);
			return;
		}
		/* Between two requests the other side may close. */
		close(c->fd);
		connect_one(l, c);
		return;
	}
	c->got += (size_t)n;
	c->reply[c->got] = '\0';
	if (c->busy && is_whole(c))
		finish(l, c);
	else if (c->got == REPLY_MAX_ - 1)
		lose(l, c);
}

static void
take_event(struct load *l, const struct epoll_event *e)
{
	struct connection *c = e->data.ptr;

	if ((e->events & EPOLLOUT) != 0 && send_more(l, c))
		watch(l, c, EPOLL_CTL_MOD, EPOLLIN);
	if ((e->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		read_reply(l, c);
}

/* ---- the run ---- */

static int64_t
due_time(const struct load *l)
{
	if (l->rate == 0)
		return clock_mono();
	return l->start +
	       (int64_t)(l->begun * (uint64_t)CLOCK_SECOND / l->rate);
}

/* Gives free connections something to do; how long to wait then, in ms. */
static int
begin_due(struct load *l)
{
	int64_t now = clock_mono();

	if (now >= l->stop_at)
		l->count = l->begun;
	for (unsigned i = 0; i < l->connections; i++) {
		int64_t due;

		if (l->begun >= l->count || l->all[i].busy)
			continue;
		due = due_time(l);
		if (due > now && l->rate != 0)
			return (int)((due - now) / CLOCK_MSEC);
		begin(l, &l->all[i], due);
	}
	return 100;
}

static void
run(struct load *l)
{
	l->start = clock_mono();
	l->stop_at = l->start + (int64_t)l->seconds * CLOCK_SECOND;
	while (l->ended < l->count || l->begun < l->count) {
		struct epoll_event events[64];
		int wait = begin_due(l), n;

		if (clock_mono() > l->stop_at + 60 * CLOCK_SECOND) {
			errno = ETIMEDOUT;
			die("no reply");
		}
		n = epoll_wait(l->epoll, events, 64, wait);
		for (int i = 0; i < n; i++)
			take_event(l, &events[i]);
	}
}

static int
by_time(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* ms; the share is of `whole`. */
static double
quantile(const struct load *l, uint64_t share, uint64_t whole)
{
	uint64_t good = l->ended - l->failed;

	return good == 0 ? 0 : l->took[(good - 1) * share / whole] / 1e3;
}

static void
report(struct load *l, double seconds)
{
	uint64_t good = l->ended - l->failed;
	const char *comma = "";
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	qsort(l->took, good, sizeof *l->took, by_time);
	printf("{\"requests\":%llu,\"lost\":%llu,\"seconds\":%.4f,"
	       "\"rate\":%.1f,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,"
	       "\"max\":%.3f,\"load_cpu_us\":%.1f,\"status\":{",
	    (unsigned long long)l->ended, (unsigned long long)l->failed,
	    seconds, (double)good / seconds, quantile(l, 50, 100),
	    quantile(l, 90, 100), quantile(l, 99, 100), quantile(l, 1, 1),
	    ((double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
		(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec)) /
		(double)(l->ended == 0 ? 1 : l->ended));
	for (int i = 0; i < STATUSES; i++) {
		if (l->status[i] == 0)
			continue;
		printf("%s\"%d\":%llu", comma, i,
		    (unsigned long long)l->status[i]);
		comma = ",";
	}
	puts("}}");
}

/* ---- options ---- */

static uint64_t
read_number(const char *text, uint64_t most)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (end == text || *end != '\0' || n == 0 || n > most) {
		fprintf(stderr, "load: %s: not from 1 to %llu\n", text,
		    (unsigned long long)most);
		exit(2);
	}
	return n;
}

static void
read_options(struct load *l, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "path", required_argument, NULL, 'P' },
		{ "connections", required_argument, NULL, 'c' },
		{ "count", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 's' },
		{ "rate", required_argument, NULL, 'r' },
		{ "keys", required_argument, NULL, 'K' },
		{ "event", required_argument, NULL, 'e' },
		{ "secret", required_argument, NULL, 'k' },
		{ "replies", required_argument, NULL, 'R' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == 'p')
			l->port = (unsigned)read_number(optarg, 65535);
		else if (option == 'P')
			l->path = optarg;
		else if (option == 'c')
			l->connections =
			    (unsigned)read_number(optarg, CONNECTIONS_MAX);
		else if (option == 'n')
			l->count = read_number(optarg, COUNT_MAX);
		else if (option == 's')
			l->seconds = (unsigned)read_number(optarg, SECONDS_MAX);
		else if (option == 'r')
			l->rate = read_number(optarg, 1000000);
		else if (option == 'K')
			l->keys = read_number(optarg, 1000000);
		else if (option == 'e')
			l->event = optarg;
		else if (option == 'k')
			l->secret = optarg;
		else if (option != 'R' ||
			 (l->replies = fopen(optarg, "w")) == NULL)
			exit(2);
	}
	if (l->port == 0 || optind + 1 != argc) {
		fputs("usage: load --port N [...] PAYLOAD\n", stderr);
		exit(2);
	}
	read_payload(l, argv[optind]);
}

int
main(int argc, char **argv)
{
	struct load l = { .path = "/webhooks/github",
		.event = "push",
		.secret = "a secret",
		.connections = 16,
		.seconds = 10,
		.count = COUNT_MAX };
	char unique[UUID_TEXT];
	struct err err;

	read_options(&l, argc, argv);
	if (uuid_make(unique, &err) == -1)
		die("uuid");
	memcpy(l.run, unique, sizeof l.run - 1);
	l.signer = signer_new(l.secret, l.body, l.len);
	if (l.signer == NULL)
		die("HMAC");
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	l.all = calloc(l.connections, sizeof *l.all);
	l.took = malloc((l.count + l.connections) * sizeof *l.took);
	if (l.epoll == -1 || l.all == NULL || l.took == NULL)
		die("setting up");
	for (unsigned i = 0; i < l.connections; i++)
		connect_one(&l, &l.all[i]);
	run(&l);
	report(&l, (double)(clock_mono() - l.start) / (double)CLOCK_SECOND);
	if (l.replies != NULL && fclose(l.replies) != 0)
		die("replies");
	return 0;
}
