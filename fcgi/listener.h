/* SPDX-License-Identifier: MIT */
#ifndef LISTENER_H
#define LISTENER_H

#include "err.h"

/*
 * The socket that web servers connect to. It comes from one of
 *
 *   fd 0	spawn-fcgi, mod_fcgid, lighttpd: FastCGI's own convention
 *   fd 3	systemd's socket activation (LISTEN_PID, LISTEN_FDS)
 *   --listen	a path of ours, made here and removed at the end
 *
 * Only Unix sockets that nobody but owner and group may write: whoever can
 * connect can claim to be the web server, and can make libfcgi abort the
 * process (Debian 12's 2.4.2 has only half of the fix for CVE-2025-23016).
 */

struct listener {
	int fd;
	const char *path; /* to be removed by listener_close(), or NULL */
};

enum listener_kind { LISTENER_STDIN, LISTENER_SYSTEMD, LISTENER_NONE };

/* What this process was started with. */
enum listener_kind listener_inherited(void);

/* Takes over an inherited socket. */
int listener_take(
    struct listener *out, enum listener_kind kind, struct err *err) CHECKED;

/* Makes a socket at `path`; mode is 0660 or so; group NULL: our own. ERR_CONF
 * where another process still answers at this path. */
int listener_open(struct listener *out, const char *path, unsigned mode,
    const char *group, struct err *err) CHECKED;

void listener_close(struct listener *l);

#endif
