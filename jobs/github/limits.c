/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "clock.h"
#include "digest.h"
#include "fsio.h"
#include "github/limits.h"
#include "secret.h"

#define MAGIC UINT64_C(0x68736c696d697431) /* "hslimit1" */

/*
 * The file's whole content, written with one pwrite. `writes` is a ring of
 * the moments given out, the oldest at `next`.
 */
struct memory {
	uint64_t magic;
	struct limits_state state;
	uint64_t next;
	int64_t writes[LIMITS_WRITES_HOUR];
};

struct limits {
	int dir;
};

int
limits_open(struct limits **out, const char *data_directory, struct err *err)
{
	struct limits *limits = malloc(sizeof *limits);

	if (limits == NULL)
		return err_set(err, ERR_TEMP, 0, "limits: out of memory");
	if (fs_make_below(&limits->dir, data_directory, "cache/github", 0700,
		err) == -1) {
		free(limits);
		return -1;
	}
	*out = limits;
	return 0;
}

void
limits_close(struct limits *limits)
{
	if (limits == NULL)
		return;
	fs_close(&limits->dir);
	free(limits);
}

int
limits_name(char out[LIMITS_NAME], const struct secret *token, struct err *err)
{
	uint8_t sum[DIGEST_LEN];

	if (digest_of(sum, secret_bytes(token), secret_len(token), err) == -1)
		return -1;
	hex_encode(out, sum, (LIMITS_NAME - 1) / 2);
	return 0;
}

static void
know_nothing(struct memory *m)
{
	*m = (struct memory){ .magic = MAGIC };
	for (unsigned i = 0; i < LIMITS_RESOURCES; i++) {
		m->state.window[i].limit = -1;
		m->state.window[i].remaining = -1;
	}
}

/* Opens and locks a token's file; the lock goes with the descriptor. */
static int
enter(struct limits *limits, const char *name, int *fd, struct memory *m,
    struct err *err)
{
	char file[64];
	size_t got;

	snprintf(file, sizeof file, "limits-%.32s", name);
	*fd = openat(
	    limits->dir, file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd == -1)
		return err_sys(err, "cache/github/%s", file);
	if (flock(*fd, LOCK_EX) == -1) {
		err_sys(err, "lock cache/github/%s", file);
		goto fail;
	}
	if (fs_pread_full(*fd, m, sizeof *m, 0, &got, err) == -1)
		goto fail;
	if (got != sizeof *m || m->magic != MAGIC ||
	    m->next >= LIMITS_WRITES_HOUR)
		know_nothing(m);
	return 0;
fail:
	fs_close(fd);
	return -1;
}

static int
leave(int *fd, const struct memory *m, struct err *err)
{
	int rc = fs_pwrite_all(*fd, m, sizeof *m, 0, err);

	fs_close(fd);
	return rc;
}

int
limits_get(struct limits *limits, const char *name, struct limits_state *state,
    struct err *err)
{
	struct memory m;
	int64_t now = clock_wall() / CLOCK_SECOND;
	int fd;

	if (enter(limits, name, &fd, &m, err) == -1)
		return -1;
	fs_close(&fd);
	for (unsigned i = 0; i < LIMITS_RESOURCES; i++) {
		if (m.state.window[i].reset <= now)
			m.state.window[i].remaining = -1;
	}
	*state = m.state;
	return 0;
}

int
limits_note(struct limits *limits, const char *name,
    enum limits_resource resource, const struct limits_window *window,
    struct err *err)
{
	struct memory m;
	int fd;

	if (enter(limits, name, &fd, &m, err) == -1)
		return -1;
	m.state.window[resource] = *window;
	return leave(&fd, &m, err);
}

int
limits_block(struct limits *limits, const char *name, int64_t until,
    int refused, struct err *err)
{
	struct memory m;
	int fd;

	if (enter(limits, name, &fd, &m, err) == -1)
		return -1;
	if (refused)
		m.state.invalid_until = until;
	else if (m.state.blocked_until < until)
		m.state.blocked_until = until;
	return leave(&fd, &m, err);
}

/* The k-th newest moment that was given out; 0 where there is none. */
static int64_t
nth_newest(const struct memory *m, unsigned k)
{
	return m
	    ->writes[(m->next + LIMITS_WRITES_HOUR - k) % LIMITS_WRITES_HOUR];
}

static int64_t
later_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The first moment that keeps all three distances to those given out. */
static int64_t
next_moment(const struct memory *m, int64_t now)
{
	int64_t at = now;

	at = later_of(at, nth_newest(m, 1) + CLOCK_SECOND);
	at = later_of(
	    at, nth_newest(m, LIMITS_WRITES_MINUTE) + 60 * CLOCK_SECOND);
	at = later_of(
	    at, nth_newest(m, LIMITS_WRITES_HOUR) + 3600 * CLOCK_SECOND);
	/* Moments from before the clock was set back would block for long. */
	if (nth_newest(m, 1) > now + 3600 * CLOCK_SECOND)
		at = now + CLOCK_SECOND;
	return at;
}

int
limits_take_write(struct limits *limits, const char *name, int64_t most_ns,
    int64_t *wait_ns, struct err *err)
{
	struct memory m;
	int64_t now, at;
	int fd;

	if (enter(limits, name, &fd, &m, err) == -1)
		return -1;
	now = clock_wall();
	at = next_moment(&m, now);
	*wait_ns = at - now;
	if (*wait_ns > most_ns) {
		fs_close(&fd);
		return err_set(err, ERR_TEMP, 0,
		    "GitHub allows the next write in %lld s",
		    (long long)(*wait_ns / CLOCK_SECOND + 1));
	}
	m.writes[m.next] = at;
	m.next = (m.next + 1) % LIMITS_WRITES_HOUR;
	return leave(&fd, &m, err);
}
