/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "digest.h"
#include "fsio.h"
#include "github/etag.h"

#define KEEP_FOR   (INT64_C(30) * 24 * 3600) /* seconds since last written */
#define PRUNE_ODDS 256 /* one in so many writes looks for old files */

struct etag_cache {
	int dir;
};

int
etag_open(struct etag_cache **out, const char *data_directory, struct err *err)
{
	struct etag_cache *cache = malloc(sizeof *cache);

	if (cache == NULL)
		return err_set(err, ERR_TEMP, 0, "etag: out of memory");
	if (fs_make_below(&cache->dir, data_directory, "cache/github/etag",
		0700, err) == -1) {
		free(cache);
		return -1;
	}
	*out = cache;
	return 0;
}

void
etag_close(struct etag_cache *cache)
{
	if (cache == NULL)
		return;
	fs_close(&cache->dir);
	free(cache);
}

static int
file_name(char out[DIGEST_HEX], const char *identity, const char *url)
{
	struct buf key;
	uint8_t sum[DIGEST_LEN];
	struct err err;
	int rc;

	buf_init(&key, 16384);
	buf_addf(&key, "%s %s", identity, url);
	rc = buf_check(&key, "url", &err) == 0
		 ? digest_of(sum, key.data, key.len, &err)
		 : -1;
	buf_release(&key);
	if (rc == 0)
		hex_encode(out, sum, sizeof sum);
	return rc;
}

/* Up to the next newline, which is passed over; NULL if there is none. */
static const char *
take_line(const char **rest, size_t *len)
{
	const char *line = *rest, *end = strchr(line, '\n');

	if (end == NULL)
		return NULL;
	*len = (size_t)(end - line);
	*rest = end + 1;
	return line;
}

/* Three parts: the ETag's line, the link header's line, the body. */
static int
split(const struct buf *file, char etag[ETAG_MAX], struct buf *link,
    struct buf *body)
{
	const char *rest = file->data, *line;
	size_t len;

	line = take_line(&rest, &len);
	if (line == NULL || len == 0 || len >= ETAG_MAX)
		return 0;
	memcpy(etag, line, len);
	etag[len] = '\0';
	line = take_line(&rest, &len);
	if (line == NULL)
		return 0;
	buf_add(link, line, len);
	buf_add(body, rest, file->len - (size_t)(rest - file->data));
	return body->state == BUF_OK && link->state == BUF_OK;
}

int
etag_find(struct etag_cache *cache, const char *identity, const char *url,
    char etag[ETAG_MAX], struct buf *link, struct buf *body)
{
	char name[DIGEST_HEX];
	struct buf file;
	struct err err;
	int found = 0;

	if (file_name(name, identity, url) == -1)
		return 0;
	buf_init(&file, ETAG_BODY_MAX + 8192);
	if (fs_read_file(&file, cache->dir, name, &err) == 0)
		found = split(&file, etag, link, body);
	buf_release(&file);
	return found;
}

static void
prune(struct etag_cache *cache)
{
	int fd = openat(cache->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	int64_t now = clock_wall() / CLOCK_SECOND;
	struct dirent *entry;
	struct stat st;

	if (dir == NULL) {
		fs_close(&fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mtime < now - KEEP_FOR)
			unlinkat(fd, entry->d_name, 0);
	}
	closedir(dir);
}

static int
is_time_to_prune(void)
{
	unsigned char dice;

	return getrandom(&dice, 1, GRND_NONBLOCK) == 1 &&
	       dice % PRUNE_ODDS == 0;
}

void
etag_keep(struct etag_cache *cache, const char *identity, const char *url,
    const char *etag, const char *link, const struct buf *body)
{
	char name[DIGEST_HEX];
	struct buf file;
	struct err err;

	if (body->len > ETAG_BODY_MAX || file_name(name, identity, url) == -1)
		return;
	buf_init(&file, ETAG_BODY_MAX + 8192);
	buf_addf(&file, "%s\n%s\n", etag, link);
	buf_add(&file, body->data, body->len);
	if (buf_check(&file, "cache", &err) == 0 &&
	    fs_replace(cache->dir, name, file.data, file.len, 0600, &err) ==
		0 &&
	    is_time_to_prune())
		prune(cache);
	buf_release(&file);
}
