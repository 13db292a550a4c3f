/* SPDX-License-Identifier: MIT */
#ifndef SERVER_H
#define SERVER_H

#include <stddef.h>

#include "err.h"

struct spool;

/*
 * The FastCGI side of one process: a pool of threads that wait together for
 * new connections and for requests on connections that stayed open.
 *
 * Calling sequence: server_start() makes the threads; server_stop() lets each
 * finish the request it has in hand and joins them. settings_current_init()
 * comes before.
 */

struct server;

/* `listen_fd` is non-blocking and stays the caller's; with `drain` what
 * waits in its queue is still answered by server_stop(). */
int server_start(struct server **out, int listen_fd, int drain,
    struct spool *spool, unsigned threads, struct err *err) CHECKED;
void server_stop(struct server *server);

#endif
