/* SPDX-License-Identifier: MIT */
/*
 * Preloaded: failures that a tracer cannot bring about truly.
 *
 *   SHORT_AT=N     the N-th write of more than a byte to a regular file, and
 *                  no other, writes half of what it was asked, as on a disk
 *                  that is just full or where a signal cut the call short
 *   CLOSE_AT=N     the N-th close() says CLOSE_ERROR (a number). The
 *                  descriptor is closed all the same, as Linux does it. Each
 *                  that is counted is announced by a close(-2), for a tracer
 *   FAULT_FILE=F   while the file F is there, the calls that it names (a
 *                  line of names with spaces around each) fail with EIO:
 *                  fsync, fdatasync, syncfs, close
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
number(const char *variable)
{
	const char *text = getenv(variable);

	return text != NULL ? atoi(text) : 0;
}

static int
is_faulty(const char *call)
{
	const char *path = getenv("FAULT_FILE");
	char names[100] = "", word[20];
	int saved = errno, fd;
	ssize_t n;

	if (path == NULL)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		errno = saved;
		return 0;
	}
	n = read(fd, names, sizeof names - 1);
	syscall(SYS_close, fd);
	errno = saved;
	snprintf(word, sizeof word, " %s ", call);
	return n > 0 && strstr(names, word) != NULL;
}

static size_t
shorten(int fd, size_t len)
{
	static int left = -1;
	struct stat st;

	if (left == -1)
		left = number("SHORT_AT");
	if (left == 0 || len < 2 || fstat(fd, &st) == -1 ||
	    !S_ISREG(st.st_mode) || --left != 0)
		return len;
	return len / 2;
}

ssize_t
write(int fd, const void *bytes, size_t len)
{
	ssize_t (*real)(int, const void *, size_t);

	*(void **)&real = dlsym(RTLD_NEXT, "write");
	return real(fd, bytes, shorten(fd, len));
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	ssize_t (*real)(int, const void *, size_t, off_t);

	*(void **)&real = dlsym(RTLD_NEXT, "pwrite");
	return real(fd, bytes, shorten(fd, len), at);
}

int
close(int fd)
{
	static int left = -1;
	int rc;

	if (left == -1)
		left = number("CLOSE_AT");
	if (getenv("CLOSE_AT") != NULL)
		syscall(SYS_close, -2);
	rc = (int)syscall(SYS_close, fd);
	if (rc == 0 && left > 0 && --left == 0) {
		errno = number("CLOSE_ERROR");
		return -1;
	}
	if (rc == 0 && is_faulty("close")) {
		errno = EIO;
		return -1;
	}
	return rc;
}

static int
flush(const char *call, int fd)
{
	int (*real)(int);

	if (is_faulty(call)) {
		errno = EIO;
		return -1;
	}
	*(void **)&real = dlsym(RTLD_NEXT, call);
	return real(fd);
}

int
fsync(int fd)
{
	return flush("fsync", fd);
}

int
fdatasync(int fd)
{
	return flush("fdatasync", fd);
}

int
syncfs(int fd)
{
	return flush("syncfs", fd);
}
