/* SPDX-License-Identifier: MIT */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listener.h"

#define FD_SYSTEMD 3
#define BACKLOG	   1024 /* connections the kernel holds for us in a burst */

static int is_listening(int fd);
static int check_socket(int fd, struct err *err);
static int check_mode(const char *path, struct err *err);
static int clear_stale(const struct sockaddr_un *address, struct err *err);
static int prepare(int fd, const struct sockaddr_un *address, unsigned mode,
    const char *group, struct err *err);

enum listener_kind
listener_inherited(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");

	if (pid != NULL && fds != NULL && atol(pid) == (long)getpid() &&
	    strcmp(fds, "1") == 0)
		return LISTENER_SYSTEMD;
	return is_listening(STDIN_FILENO) ? LISTENER_STDIN : LISTENER_NONE;
}

static int
is_listening(int fd)
{
	int yes = 0;
	socklen_t len = sizeof yes;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 &&
	       yes != 0;
}

int
listener_take(struct listener *out, enum listener_kind kind, struct err *err)
{
	int fd = kind == LISTENER_SYSTEMD ? FD_SYSTEMD : STDIN_FILENO;

	if (!is_listening(fd))
		return err_set(err, ERR_CONF, 0,
		    "descriptor %d is not a listening socket", fd);
	if (check_socket(fd, err) == -1)
		return -1;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		return err_sys(err, "descriptor %d", fd);
	*out = (struct listener){ .fd = fd };
	return 0;
}

/* An abstract address has no file, hence no mode: anybody may connect. */
static int
check_socket(int fd, struct err *err)
{
	struct sockaddr_un address = { 0 };
	socklen_t len = sizeof address - 1;

	if (getsockname(fd, (struct sockaddr *)&address, &len) == -1)
		return err_sys(err, "descriptor %d", fd);
	if (address.sun_family != AF_UNIX)
		return err_set(err, ERR_CONF, 0,
		    "descriptor %d is no Unix socket; FastCGI over a network "
		    "is not supported",
		    fd);
	if (address.sun_path[0] == '\0')
		return err_set(err, ERR_CONF, 0,
		    "descriptor %d has no file name, so anybody may connect",
		    fd);
	return check_mode(address.sun_path, err);
}

/* A path relative to another directory, or already gone, cannot be looked
 * at; then its maker has to be trusted. */
static int
check_mode(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return 0;
	if ((st.st_mode & S_IWOTH) != 0)
		return err_set(err, ERR_CONF, 0,
		    "%.100s: everybody may write to it; make its mode 0660",
		    path);
	return 0;
}

int
listener_open(struct listener *out, const char *path, unsigned mode,
    const char *group, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof address.sun_path)
		return err_set(err, ERR_CONF, 0,
		    "%.60s...: longer than a socket's name may be", path);
	if ((mode & S_IWOTH) != 0)
		return err_set(err, ERR_CONF, 0,
		    "--mode %o lets everybody write to the socket", mode);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (clear_stale(&address, err) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return err_sys(err, "socket");
	if (prepare(fd, &address, mode, group, err) == -1) {
		close(fd);
		return -1;
	}
	*out = (struct listener){ .fd = fd, .path = path };
	return 0;
}

/* A socket at which nobody answers is what a killed process left. */
static int
clear_stale(const struct sockaddr_un *address, struct err *err)
{
	struct stat st;
	int fd, rc;

	if (lstat(address->sun_path, &st) == -1)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_CONF, 0,
		    "%.100s is there and is no socket", address->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return err_sys(err, "socket");
	rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
	close(fd);
	if (rc == 0 || errno == EAGAIN)
		return err_set(err, ERR_CONF, 0,
		    "%.100s: another process answers there", address->sun_path);
	if (unlink(address->sun_path) == -1 && errno != ENOENT)
		return err_sys(err, "%.100s", address->sun_path);
	return 0;
}

/* Nobody can connect before listen(), so the mode is right in time. */
static int
prepare(int fd, const struct sockaddr_un *address, unsigned mode,
    const char *group, struct err *err)
{
	const char *path = address->sun_path;
	const struct group *gr;

	if (bind(fd, (const struct sockaddr *)address, sizeof *address) == -1)
		return err_sys(err, "%.100s", path);
	if (group != NULL) {
		if ((gr = getgrnam(group)) == NULL)
			return err_set(
			    err, ERR_CONF, 0, "there is no group %.60s", group);
		if (chown(path, (uid_t)-1, gr->gr_gid) == -1)
			return err_sys(err, "%.100s: group %.60s", path, group);
	}
	if (chmod(path, (mode_t)mode) == -1)
		return err_sys(err, "%.100s: mode", path);
	if (listen(fd, BACKLOG) == -1)
		return err_sys(err, "%.100s: listen", path);
	return 0;
}

void
listener_close(struct listener *l)
{
	if (l->path != NULL)
		unlink(l->path);
	if (l->fd != -1)
		close(l->fd);
	*l = (struct listener){ .fd = -1 };
}
