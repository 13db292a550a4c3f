/* SPDX-License-Identifier: MIT */
#include <sys/prctl.h>
#include <sys/signalfd.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "listener.h"
#include "log.h"
#include "process.h"
#include "sandbox.h"
#include "server.h"
#include "settings.h"
#include "signals.h"
#include "spool.h"

#define STOCK	       256  /* ready-made slots; a burst of that many is fast */
#define STOCK_WAIT_MS  1000 /* also how long a failed try is left alone */
#define RELOAD_POLL_MS 2000 /* where inotify is not to be had */

struct keeper { /* the thread that keeps slots in stock */
	pthread_t id;
	struct spool *spool;
	int stopping; /* atomic */
};

static int open_all(
    struct spool **spool, struct config_watch **watch, struct err *err);
static int serve(const struct process *p, struct spool *spool,
    struct config_watch *watch, struct err *err);
static void wait_for_end(struct config_watch *watch);
static int take_signal(int fd);
static void reload(const char *why);
static int keeper_start(struct keeper *k, struct spool *spool, struct err *err);
static void keeper_stop(struct keeper *k);

int
process_run(const struct process *p)
{
	struct spool *spool = NULL;
	struct config_watch *watch = NULL;
	struct err err = { 0 };
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (p->again)
		reload("start");
	rc = open_all(&spool, &watch, &err);
	if (rc == 0)
		rc = serve(p, spool, watch, &err);
	if (rc == -1)
		log_event(LOG_ERROR_, "start", "%s", err.text);
	config_watch_free(watch);
	spool_close(spool);
	return rc == 0 ? 0 : EXIT_TRYAGAIN;
}

static int
open_all(struct spool **spool, struct config_watch **watch, struct err *err)
{
	struct settings *s = settings_get();
	int rc;

	rc = spool_open(spool, s->spool_path, 1, err);
	if (rc == 0)
		rc = config_watch_new(watch, config_path(s->config), err);
	if (rc == 0)
		rc = sandbox_enter(s, *spool, err);
	settings_put(s);
	return rc;
}

static int
serve(const struct process *p, struct spool *spool, struct config_watch *watch,
    struct err *err)
{
	struct server *server;
	struct keeper keeper;

	if (keeper_start(&keeper, spool, err) == -1)
		return -1;
	if (server_start(&server, p->listener->fd, p->listener->path != NULL,
		spool, p->threads, err) == -1) {
		keeper_stop(&keeper);
		return -1;
	}
	log_event(LOG_INFO_, "started", "%u threads", p->threads);
	wait_for_end(watch);
	server_stop(server);
	keeper_stop(&keeper);
	log_event(LOG_INFO_, "stopped", "every request was answered");
	return 0;
}

/* The watch may say nothing new; config_changed() is cheap. */
static void
wait_for_end(struct config_watch *watch)
{
	int watch_fd = config_watch_fd(watch);
	struct pollfd fds[] = {
		{ .fd = signals_fd(), .events = POLLIN },
		{ .fd = watch_fd, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, 2, watch_fd == -1 ? RELOAD_POLL_MS : -1) == -1)
			continue;
		if ((fds[0].revents & POLLIN) != 0) {
			int signal = take_signal(fds[0].fd);

			if (signal == SIGTERM || signal == SIGINT)
				break;
			if (signal == SIGHUP)
				reload("signal");
		}
		if (config_changed(watch))
			reload("file changed");
	}
	close(fds[0].fd);
}

static int
take_signal(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof info) != sizeof info)
		return 0;
	return (int)info.ssi_signo;
}

static void
reload(const char *why)
{
	struct err err = { 0 };

	if (settings_reload(&err) == 0)
		log_event(LOG_INFO_, "reload", "configuration read (%s)", why);
	else
		log_event(LOG_ERROR_, "reload",
		    "the last good configuration stays in use: %s", err.text);
}

static void *
keep_stock(void *arg)
{
	static const int64_t quiet = INT64_C(60000000000); /* ns */
	struct keeper *k = arg;
	int64_t told = 0;

	while (!__atomic_load_n(&k->stopping, __ATOMIC_RELAXED)) {
		struct err err = { 0 };

		if (spool_stock(k->spool, STOCK, &err) == 0) {
			spool_stock_wait(k->spool, STOCK_WAIT_MS);
			continue;
		}
		if (told == 0 || clock_mono() - told > quiet) {
			log_event(LOG_ERROR_, "stock", "%s", err.text);
			told = clock_mono();
		}
		poll(NULL, 0, STOCK_WAIT_MS / 10);
	}
	return NULL;
}

static int
keeper_start(struct keeper *k, struct spool *spool, struct err *err)
{
	int rc;

	*k = (struct keeper){ .spool = spool };
	rc = pthread_create(&k->id, NULL, keep_stock, k);
	if (rc != 0)
		return err_set(err, ERR_TEMP, rc, "cannot start a thread");
	return 0;
}

static void
keeper_stop(struct keeper *k)
{
	__atomic_store_n(&k->stopping, 1, __ATOMIC_RELAXED);
	spool_stock_wake(k->spool);
	pthread_join(k->id, NULL);
}
