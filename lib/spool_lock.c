/* SPDX-License-Identifier: MIT */
/*
 * The lock of a key: one byte of the file lock/keys, at an offset that the
 * key hashes to. An open-file-description lock belongs to the description,
 * not to the process, so the worker inherits it with the descriptor, and the
 * kernel frees it when the last holder is gone. The file is never replaced.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "spool_inside.h"

/* Eight bytes of the digest without the sign: two keys of a million running
 * ones share a byte once in ten million years, and would only wait. */
static int
key_offset(off_t *out, const char *key, struct err *err)
{
	uint8_t sum[DIGEST_LEN];
	uint64_t n = 0;

	if (digest_of(sum, key, strlen(key), err) == -1)
		return -1;
	for (int i = 0; i < 8; i++)
		n = n << 8 | sum[i];
	/* One below the largest, for the length is added. */
	*out = (off_t)(n % (uint64_t)INT64_MAX);
	return 0;
}

int
spool_lock_key(struct spool *s, const char *key, int *fd, struct err *err)
{
	struct flock range = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1
	};
	int new_fd, rc;

	if (key_offset(&range.l_start, key, err) == -1)
		return -1;
	new_fd = openat(s->dirs[SPOOL_LOCK], "keys",
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    s->file_mode);
	if (new_fd == -1)
		return err_sys(err, "lock/keys");
	if (fcntl(new_fd, F_OFD_SETLK, &range) == 0) {
		*fd = new_fd;
		return 0;
	}
	rc = errno == EAGAIN || errno == EACCES ? 1 : err_sys(err, "lock/keys");
	close(new_fd);
	return rc;
}
