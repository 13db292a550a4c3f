/* SPDX-License-Identifier: MIT */
#ifndef NODUMP_H
#define NODUMP_H

#include <stddef.h>

/*
 * Memory for secrets: pages used for nothing else, left out of core dumps
 * (MADV_DONTDUMP), zero when handed out and wiped before they go back.
 * What is kept here should be long-lived: a page goes with its last piece.
 */

/* NULL with errno set where there is no memory. */
void *nodump_alloc(size_t size);

/* No core file of this process and of those it starts. */
void nodump_process(void);

/* `size` as it was asked for; NULL is fine. */
void nodump_free(void *p, size_t size);

#endif
