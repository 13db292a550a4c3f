/* SPDX-License-Identifier: MIT */
/*
 * Preloaded: the SHORT_AT-th write of more than a byte to a regular file, and
 * no other, writes half of what it was asked, as on a disk that is just full
 * or a call that a signal cut short.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t
shorten(int fd, size_t len)
{
	static int left = -1;
	struct stat st;

	if (left == -1) {
		const char *at = getenv("SHORT_AT");

		left = at != NULL ? atoi(at) : 0;
	}
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
