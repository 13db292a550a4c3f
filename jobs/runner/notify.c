/* SPDX-License-Identifier: MIT */
#include <sys/socket.h>
#include <sys/un.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "runner/notify.h"

static struct {
	int fd;
	struct sockaddr_un to;
	socklen_t len;
	int64_t watchdog;
} manager = { .fd = -1 };

/* The watchdog is ours only if it names us (WATCHDOG_PID). */
static int64_t
read_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");

	if (usec == NULL || (pid != NULL && atol(pid) != (long)getpid()))
		return 0;
	return (int64_t)strtoll(usec, NULL, 10) * (CLOCK_MSEC / 1000);
}

static void
read_socket(const char *path)
{
	size_t len = strlen(path);

	if (len < 2 || len >= sizeof manager.to.sun_path ||
	    (*path != '/' && *path != '@'))
		return;
	manager.to.sun_family = AF_UNIX;
	memcpy(manager.to.sun_path, path, len + 1);
	if (*path == '@')
		manager.to.sun_path[0] = '\0';
	manager.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

void
notify_start(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	if (path != NULL)
		read_socket(path);
	manager.watchdog = read_watchdog();
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void
notify_send(const char *lines)
{
	if (manager.fd == -1)
		return;
	sendto(manager.fd, lines, strlen(lines), MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)&manager.to, manager.len);
}

int64_t
notify_watchdog(void)
{
	return manager.watchdog;
}
