/* SPDX-License-Identifier: MIT */
/*
 * libfcgi's own loop gives a thread to a connection for as long as that
 * lives: a web server that keeps connections open (nginx: fastcgi_keep_conn)
 * would pin every thread with idle ones, and the next request would wait for
 * a minute. Here connections wait in one epoll set instead and any thread
 * takes whichever has something to read, so that threads are needed for
 * requests in hand only.
 *
 * For this we accept() ourselves and hand libfcgi the descriptor in
 * FCGX_Request.ipcFd. Its header asks not to touch that member, but the
 * struct is public and has not changed since 2.4.1; the request is set up
 * with listening socket -1, so that libfcgi can never accept by itself: where
 * it would, it fails and we see the connection gone.
 *
 * Descriptors stay below FD_SETSIZE (sandbox.c sets the limit), since libfcgi
 * uses select().
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "desk.h"
#include "exchange.h"
#include "log.h"
#include "server.h"

#define CONNECTIONS 512 /* open at once in a process */
#define IO_SECONDS  30	/* a peer that stalls longer is given up */
#define STACK	    (256 * 1024)

struct connection {
	FCGX_Request fcgx;
	struct connection *next; /* in the free list */
};

struct server {
	int listen_fd, epoll, stop; /* stop: eventfd, readable for ever */
	int drain, stopping;	    /* stopping: atomic */
	struct spool *spool;
	unsigned threads;
	pthread_t *ids;
	pthread_mutex_t lock; /* guards the three below */
	struct connection *unused;
	struct connection *all; /* CONNECTIONS of them */
	int paused;		/* none was unused: listen_fd is not armed */
};

static int set_up(struct server *s, struct err *err);
static int start_threads(struct server *s, struct err *err);
static void *work(void *arg);
static struct connection *take_new(struct server *s);
static struct connection *get_unused(struct server *s);
static void put_unused(struct server *s, struct connection *c);
static void arm_listener(struct server *s, int op);
static void serve(struct server *s, struct desk *desk, struct connection *c);
static void drop(struct server *s, struct connection *c);
static int answer_one(struct desk *desk, struct connection *c);
static void set_timeouts(int fd);
static void answer_waiting(struct server *s);
static void release(struct server *s);

int
server_start(struct server **out, int listen_fd, int drain, struct spool *spool,
    unsigned threads, struct err *err)
{
	struct server *s = calloc(1, sizeof *s);

	if (s == NULL)
		return err_set(err, ERR_TEMP, 0, "server: no memory");
	s->listen_fd = listen_fd;
	s->drain = drain;
	s->spool = spool;
	s->epoll = s->stop = -1;
	if (FCGX_Init() != 0) {
		release(s);
		return err_set(err, ERR_TEMP, 0, "libfcgi does not start");
	}
	s->ids = calloc(threads, sizeof *s->ids);
	s->all = calloc(CONNECTIONS, sizeof *s->all);
	if (s->ids == NULL || s->all == NULL) {
		release(s);
		return err_set(err, ERR_TEMP, 0, "server: no memory");
	}
	s->threads = threads;
	if (set_up(s, err) == -1) {
		release(s);
		return -1;
	}
	if (start_threads(s, err) == -1) {
		server_stop(s);
		return -1;
	}
	*out = s;
	return 0;
}

static int
set_up(struct server *s, struct err *err)
{
	struct epoll_event stop = { .events = EPOLLIN, .data.ptr = &s->stop };

	pthread_mutex_init(&s->lock, NULL);
	for (size_t i = 0; i < CONNECTIONS; i++) {
		s->all[i].fcgx.ipcFd = -1;
		put_unused(s, &s->all[i]);
	}
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->epoll == -1 || s->stop == -1 ||
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->stop, &stop) == -1)
		return err_sys(err, "epoll");
	arm_listener(s, EPOLL_CTL_ADD);
	return 0;
}

static int
start_threads(struct server *s, struct err *err)
{
	unsigned want = s->threads;
	pthread_attr_t attr;
	int rc = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (s->threads = 0; s->threads < want && rc == 0; s->threads++)
		rc = pthread_create(&s->ids[s->threads], &attr, work, s);
	if (rc != 0)
		s->threads--;
	pthread_attr_destroy(&attr);
	if (rc != 0)
		return err_set(err, ERR_TEMP, rc, "cannot start a thread");
	return 0;
}

static void *
work(void *arg)
{
	struct server *s = arg;
	struct epoll_event event;
	struct connection *c;
	struct desk desk;

	desk_init(&desk, s->spool);
	for (;;) {
		if (epoll_wait(s->epoll, &event, 1, -1) != 1)
			continue;
		if (event.data.ptr == &s->stop)
			break;
		c = event.data.ptr == &s->listen_fd ? take_new(s)
						    : event.data.ptr;
		if (c != NULL)
			serve(s, &desk, c);
	}
	while (s->drain && (c = take_new(s)) != NULL)
		serve(s, &desk, c);
	desk_release(&desk);
	return NULL;
}

/* The listener is armed for one event at a time; it is armed again as soon
 * as its connection is out of the queue, before the request is read. */
static struct connection *
take_new(struct server *s)
{
	static const struct timespec moment = { .tv_nsec = 20000000 };
	struct connection *c = get_unused(s);
	int fd;

	if (c == NULL)
		return NULL;
	fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd == -1) {
		put_unused(s, c);
		/* Out of descriptors or memory: the queue will stay
		 * readable, so do not spin. */
		if (errno != EAGAIN && errno != EINTR &&
		    errno != ECONNABORTED) {
			log_event(
			    LOG_WARN_, "accept", "accept: errno %d", errno);
			nanosleep(&moment, NULL);
		}
		arm_listener(s, EPOLL_CTL_MOD);
		return NULL;
	}
	arm_listener(s, EPOLL_CTL_MOD);
	set_timeouts(fd);
	FCGX_InitRequest(&c->fcgx, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	c->fcgx.ipcFd = fd;
	/* As between two requests of one connection: libfcgi ends the last
	 * request before it reads the next, and would close it here. */
	c->fcgx.keepConnection = 1;
	return c;
}

static struct connection *
get_unused(struct server *s)
{
	struct connection *c;

	pthread_mutex_lock(&s->lock);
	c = s->unused;
	if (c != NULL)
		s->unused = c->next;
	else
		s->paused = 1;
	pthread_mutex_unlock(&s->lock);
	return c;
}

static void
put_unused(struct server *s, struct connection *c)
{
	int paused;

	pthread_mutex_lock(&s->lock);
	c->next = s->unused;
	s->unused = c;
	paused = s->paused;
	s->paused = 0;
	pthread_mutex_unlock(&s->lock);
	if (paused)
		arm_listener(s, EPOLL_CTL_MOD);
}

static void
arm_listener(struct server *s, int op)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLONESHOT,
		.data.ptr = &s->listen_fd,
	};

	if (epoll_ctl(s->epoll, op, s->listen_fd, &event) == -1)
		BUG("the listening socket left the epoll set");
}

/* Answers what there is to read, then puts the connection back into the set
 * (for the first time or again) or frees it. */
static void
serve(struct server *s, struct desk *desk, struct connection *c)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLONESHOT,
		.data.ptr = c,
	};
	struct pollfd now = { .fd = c->fcgx.ipcFd, .events = POLLIN };

	while (poll(&now, 1, 0) == 1) {
		if (answer_one(desk, c) == -1) {
			put_unused(s, c);
			return;
		}
		if (__atomic_load_n(&s->stopping, __ATOMIC_RELAXED)) {
			drop(s, c);
			return;
		}
	}
	if (epoll_ctl(s->epoll, EPOLL_CTL_MOD, now.fd, &event) == 0)
		return;
	if (errno == ENOENT &&
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, now.fd, &event) == 0)
		return;
	drop(s, c);
}

/* Closes an open connection between two requests. libfcgi's own way would
 * wait for the other side to close first. */
static void
drop(struct server *s, struct connection *c)
{
	close(c->fcgx.ipcFd);
	c->fcgx.ipcFd = -1;
	put_unused(s, c);
}

static ssize_t
read_fcgi(void *channel, void *bytes, size_t len)
{
	FCGX_Request *fcgx = channel;
	int n = FCGX_GetStr(bytes, (int)len, fcgx->in);

	return n == 0 && FCGX_GetError(fcgx->in) != 0 ? -1 : n;
}

static int
write_fcgi(void *channel, const void *bytes, size_t len)
{
	FCGX_Request *fcgx = channel;

	if (FCGX_PutStr(bytes, (int)len, fcgx->out) == -1)
		return -1;
	/* Once it has the request's end the web server may send its next one,
	 * of which a look at an input that is still open would take a part
	 * along: then the end has to wait for that look. */
	if (!fcgx->in->isClosed)
		return FCGX_FFlush(fcgx->out) == 0 ? 0 : -1;
	/* Together with the end of the request, which the last stream to be
	 * closed brings: one write, and the web server wakes once. */
	FCGX_FClose(fcgx->err);
	return FCGX_FClose(fcgx->out) == 0 ? 0 : -1;
}

/*
 * 0 if the connection is still open. Where a refused request left bytes of
 * its body unread, libfcgi would read on in the middle of a record, and a
 * body could hold records of its own: a request with any REMOTE_ADDR. Such a
 * connection is closed; libfcgi then reads the rest, so that the web server
 * gets the reply and no reset.
 */
static int
answer_one(struct desk *desk, struct connection *c)
{
	struct exchange x = {
		.channel = &c->fcgx,
		.read = read_fcgi,
		.write = write_fcgi,
	};
	int rest;

	if (FCGX_Accept_r(&c->fcgx) < 0)
		return -1;
	x.params = c->fcgx.envp;
	desk_answer(desk, &x);
	rest = FCGX_GetChar(c->fcgx.in) != EOF;
	FCGX_Finish_r(&c->fcgx);
	if (rest && c->fcgx.ipcFd >= 0)
		FCGX_Free(&c->fcgx, 1);
	return c->fcgx.ipcFd >= 0 ? 0 : -1;
}

static void
set_timeouts(int fd)
{
	const struct timeval limit = { .tv_sec = IO_SECONDS };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

void
server_stop(struct server *s)
{
	uint64_t one = 1;

	__atomic_store_n(&s->stopping, 1, __ATOMIC_RELAXED);
	if (write(s->stop, &one, sizeof one) != sizeof one)
		BUG("an eventfd is full");
	for (unsigned i = 0; i < s->threads; i++)
		pthread_join(s->ids[i], NULL);
	answer_waiting(s);
	release(s);
}

/* Requests that came on open connections while the threads were leaving. */
static void
answer_waiting(struct server *s)
{
	struct desk desk;

	desk_init(&desk, s->spool);
	for (size_t i = 0; i < CONNECTIONS; i++) {
		if (s->all[i].fcgx.ipcFd >= 0)
			serve(s, &desk, &s->all[i]);
	}
	desk_release(&desk);
}

static void
release(struct server *s)
{
	if (s->epoll != -1)
		close(s->epoll);
	if (s->stop != -1)
		close(s->stop);
	free(s->all);
	free(s->ids);
	free(s);
}
