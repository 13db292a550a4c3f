/* SPDX-License-Identifier: MIT */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include <linux/io_uring.h>

#include "attempts.h"

static int
make_socket(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return errno;
	close(fd);
	return 0;
}

int
try_tcp(void)
{
	return make_socket(AF_INET, SOCK_STREAM);
}

int
try_tcp6(void)
{
	return make_socket(AF_INET6, SOCK_STREAM);
}

int
try_udp(void)
{
	return make_socket(AF_INET, SOCK_DGRAM);
}

int
try_unix_socket(void)
{
	return make_socket(AF_UNIX, SOCK_STREAM);
}

int
try_netlink(void)
{
	return make_socket(AF_NETLINK, SOCK_RAW);
}

int
try_io_uring(void)
{
	struct io_uring_params p = { 0 };
	long fd = syscall(SYS_io_uring_setup, 4, &p);

	if (fd == -1)
		return errno == EPERM ? EPERM : 0; /* nothing else says no */
	close((int)fd);
	return 0;
}

/* Without the sandbox the program replaces us and ends well. */
int
try_execute(void)
{
	char *argv[] = { (char[]){ "/bin/true" }, NULL };

	execv(argv[0], argv);
	return errno;
}

int
try_split(void)
{
	pid_t pid = fork();

	if (pid == -1)
		return errno;
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return 0;
}

int
try_new_user(void)
{
	return unshare(CLONE_NEWUSER) == -1 ? errno : 0;
}
