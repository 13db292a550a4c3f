/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a program, makes its N-th allocation fail, as told through a
 * file that both sides have mapped (alloc_shim.h); $ALLOC_SHIM is its name.
 * glibc's own functions allocate through these too. What it does before the
 * file is mapped succeeds.
 */
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc_shim.h"

/* glibc's own, under names that nobody replaces. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t align, size_t size);

/* Of the system's headers without their attributes. */
void *memalign(size_t align, size_t size);

static struct alloc_orders *orders;

__attribute__((constructor)) static void
find_orders(void)
{
	const char *path = getenv("ALLOC_SHIM");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p;

	if (fd == -1)
		return;
	p = mmap(
	    NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		orders = p;
}

static int
fails(void)
{
	int left;

	if (orders == NULL || atomic_load(&orders->left) == 0)
		return 0;
	left = atomic_fetch_sub(&orders->left, 1);
	if (left > 1)
		return 0;
	if (left < 1 || orders->all)
		atomic_store(&orders->left, orders->all ? 1 : 0);
	if (left < 1)
		return 0;
	atomic_fetch_add(&orders->failed, 1);
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *
reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) || fails()) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_realloc(old, bytes);
}

void *
memalign(size_t align, size_t size)
{
	return fails() ? NULL : __libc_memalign(align, size);
}

void *
aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

int
posix_memalign(void **out, size_t align, size_t size)
{
	void *p = memalign(align, size);

	if (p == NULL)
		return ENOMEM;
	*out = p;
	return 0;
}
