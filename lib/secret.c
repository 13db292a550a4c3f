/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "file_stamps.h"
#include "fsio.h"
#include "nodump.h"
#include "redact.h"
#include "secret.h"

#define SECRET_FILE_MAX 65536 /* bytes of a file that holds one */
#define SECRET_PATH_MAX 4096

struct secret {
	size_t room; /* bytes of `value` */
	size_t len;
	char value[];
};

static struct secret *
make_room(size_t room)
{
	struct secret *s = nodump_alloc(sizeof *s + room);

	if (s != NULL)
		s->room = room;
	return s;
}

int
secret_new(struct secret **out, const char *value, size_t len, struct err *err)
{
	struct secret *s = make_room(len + 1);

	if (s == NULL)
		return err_sys(err, "secret");
	memcpy(s->value, value, len);
	s->len = len;
	if (redact_register(s->value, len) == -1) {
		err_sys(err, "secret");
		secret_free(s);
		return -1;
	}
	*out = s;
	return 0;
}

/* Where a bare name is looked up: what systemd's LoadCredential= gave us. */
static int
full_name(char *out, size_t size, const char *path, struct err *err)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	int len;

	if (strchr(path, '/') == NULL && dir != NULL)
		len = snprintf(out, size, "%s/%s", dir, path);
	else
		len = snprintf(out, size, "%s", path);
	if (len < 0 || (size_t)len >= size)
		return err_set(err, ERR_CONF, 0, "%.100s: name too long", path);
	return 0;
}

/*
 * Symbolic links are followed: that is how secrets are mounted into
 * containers. The bytes go from the kernel straight into pages that are not
 * dumped.
 */
static int
read_value(struct secret *s, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), rc = -1;
	struct stat st;

	if (fd == -1)
		return err_set(
		    err, ERR_CONF, errno, "%.120s: %s", path, strerror(errno));
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		err_set(err, ERR_CONF, 0, "%.120s: not a regular file", path);
	else if (fs_pread_full(fd, s->value, s->room, 0, &s->len, err) == -1)
		err_prefix(err, "%.120s", path);
	else if (s->len == s->room)
		err_set(err, ERR_CONF, 0, "%.120s: more than %d bytes", path,
		    SECRET_FILE_MAX);
	else
		rc = 0;
	fs_close(&fd);
	return rc;
}

static void
drop_newline(struct secret *s)
{
	if (s->len > 0 && s->value[s->len - 1] == '\n')
		s->value[--s->len] = '\0';
	if (s->len > 0 && s->value[s->len - 1] == '\r')
		s->value[--s->len] = '\0';
}

int
secret_read(struct secret **out, const char *path, struct err *err)
{
	char name[SECRET_PATH_MAX];
	struct secret *s, *made;
	int rc = -1;

	if (full_name(name, sizeof name, path, err) == -1)
		return -1;
	if ((s = make_room(SECRET_FILE_MAX + 1)) == NULL)
		return err_sys(err, "secret");
	if (read_value(s, name, err) == -1)
		goto out;
	drop_newline(s);
	if (s->len == 0) {
		err_set(err, ERR_CONF, 0, "%.120s: empty", name);
		goto out;
	}
	if (memchr(s->value, '\0', s->len) != NULL) {
		err_set(err, ERR_CONF, 0, "%.120s: not a text", name);
		goto out;
	}
	/* A copy that fits: most secrets are much shorter than the room. */
	if ((rc = secret_new(&made, s->value, s->len, err)) == 0)
		*out = made;
out:
	secret_free(s);
	return rc;
}

void
secret_stamp(const char *path, struct stamps *stamps)
{
	char name[SECRET_PATH_MAX];
	struct err ignored;

	if (full_name(name, sizeof name, path, &ignored) == -1)
		stamps->doubt = 1;
	else
		stamps_add(stamps, name);
}

const char *
secret_bytes(const struct secret *s)
{
	return s->value;
}

size_t
secret_len(const struct secret *s)
{
	return s->len;
}

void
secret_free(struct secret *s)
{
	if (s != NULL)
		nodump_free(s, sizeof *s + s->room);
}
