/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/mman.h>

#include "nodump.h"

void *
nodump_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* A kernel without it dumps as before: no reason to fail. */
	(void)madvise(p, size, MADV_DONTDUMP);
	return p;
}

void
nodump_free(void *p, size_t size)
{
	if (p == NULL)
		return;
	explicit_bzero(p, size);
	munmap(p, size);
}
