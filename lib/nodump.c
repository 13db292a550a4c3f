/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "nodump.h"

/*
 * Small pieces share mappings: a mapping for each would cost two system
 * calls and a page fault, and a configuration with 500 repositories has
 * thousands of secrets. A piece is not used again; its mapping goes when the
 * last piece of it does. There are few mappings, so a list will do.
 */

#define SHARED_SIZE ((size_t)65536)    /* bytes of a shared mapping */
#define SMALL_MAX   (SHARED_SIZE / 16) /* larger pieces have their own */

struct shared {
	struct shared *next;
	size_t used; /* bytes handed out, with this head */
	size_t live; /* pieces that are not freed */
};

static struct shared *mappings; /* the one to take from first */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *
map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* A kernel without it dumps as before: no reason to fail. */
	(void)madvise(p, size, MADV_DONTDUMP);
	return p;
}

static size_t
rounded(size_t size)
{
	size_t align = _Alignof(max_align_t);

	return (size + align - 1) / align * align;
}

static void *
take_piece(size_t size)
{
	struct shared *m = mappings;

	if (m == NULL || size > SHARED_SIZE - m->used) {
		m = map(SHARED_SIZE);
		if (m == NULL)
			return NULL;
		m->next = mappings;
		m->used = rounded(sizeof *m);
		mappings = m;
	}
	m->used += size;
	m->live++;
	return (char *)m + m->used - size;
}

void *
nodump_alloc(size_t size)
{
	void *p;

	if (size > SMALL_MAX)
		return map(size);
	pthread_mutex_lock(&lock);
	p = take_piece(rounded(size));
	pthread_mutex_unlock(&lock);
	return p;
}

static void
drop_piece(const char *p)
{
	struct shared **at = &mappings, *m;

	while ((m = *at) != NULL) {
		if (p > (const char *)m && p < (const char *)m + SHARED_SIZE)
			break;
		at = &m->next;
	}
	if (m == NULL || --m->live > 0)
		return;
	*at = m->next;
	munmap(m, SHARED_SIZE);
}

void
nodump_free(void *p, size_t size)
{
	if (p == NULL)
		return;
	explicit_bzero(p, size);
	if (size > SMALL_MAX) {
		munmap(p, size);
		return;
	}
	pthread_mutex_lock(&lock);
	drop_piece(p);
	pthread_mutex_unlock(&lock);
}

/* Lowering a limit does not fail. */
void
nodump_process(void)
{
	static const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
}
