/* SPDX-License-Identifier: MIT */
#ifndef GITHUB_ETAG_H
#define GITHUB_ETAG_H

#include "err.h"

struct buf;

/*
 * Replies kept on disk with their ETag, one file a URL and identity under
 * cache/github/etag/: asked again with If-None-Match, GitHub answers 304,
 * which does not count against the limit (docs.github.com, "Best practices
 * for using the REST API").
 *
 * A cache: whatever cannot be read is not there, whatever cannot be written
 * is not kept, and no function fails the caller's work. `identity` keeps
 * apart what different tokens may see.
 */

#define ETAG_MAX      256
#define ETAG_BODY_MAX (1024 * 1024) /* larger replies are not kept */

struct etag_cache;

int etag_open(struct etag_cache **out, const char *data_directory,
    struct err *err) CHECKED;
void etag_close(struct etag_cache *cache);

/* 1 and the ETag, link header and body where the cache has them; else 0. */
int etag_find(struct etag_cache *cache, const char *identity, const char *url,
    char etag[ETAG_MAX], struct buf *link, struct buf *body);

void etag_keep(struct etag_cache *cache, const char *identity, const char *url,
    const char *etag, const char *link, const struct buf *body);

#endif
