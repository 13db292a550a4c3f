/* SPDX-License-Identifier: MIT */
#include <sys/inotify.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fsio.h"
#include "runner/watch.h"
#include "spool.h"

#define CAME (IN_CREATE | IN_MOVED_TO)
#define WENT (IN_DELETE | IN_MOVED_FROM)

static const struct {
	unsigned dir;
	uint32_t mask;
} watched[] = {
	{ SPOOL_NEW, CAME | WENT },
	{ SPOOL_RETRY, CAME | WENT },
	{ SPOOL_RUN, WENT },
	{ SPOOL_CTL, IN_MOVED_TO },
	{ SPOOL_OUT, IN_MOVED_TO },
};

#define WATCHED (sizeof watched / sizeof *watched)

static int
add(struct watch *w, struct spool *s, unsigned dir, uint32_t mask,
    struct err *err)
{
	char path[40];
	int wd;

	/* The directory that we have open, whatever its name is by now. */
	snprintf(path, sizeof path, "/proc/self/fd/%d", spool_fd(s, dir));
	wd = inotify_add_watch(w->fd, path, mask | IN_ONLYDIR);
	if (wd == -1)
		return err_sys(err, "inotify on %s", spool_dir_name(dir));
	w->descriptors[dir] = wd;
	return 0;
}

int
watch_open(struct watch *out, struct spool *s, struct err *err)
{
	memset(out, 0, sizeof *out);
	out->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (out->fd == -1)
		return err_sys(err, "inotify");
	for (size_t i = 0; i < WATCHED; i++) {
		if (add(out, s, watched[i].dir, watched[i].mask, err) == -1) {
			watch_close(out);
			return -1;
		}
	}
	return 0;
}

void
watch_close(struct watch *w)
{
	fs_close(&w->fd);
}

static void
hand_out(struct watch *w, const struct inotify_event *e,
    void (*visit)(
	void *arg, enum watch_event event, unsigned dir, const char *name),
    void *arg)
{
	if (e->mask & IN_Q_OVERFLOW) {
		visit(arg, WATCH_MISSED, SPOOL_NEW, NULL);
		return;
	}
	if (e->len == 0)
		return;
	for (size_t i = 0; i < WATCHED; i++) {
		unsigned dir = watched[i].dir;

		if (w->descriptors[dir] != e->wd)
			continue;
		visit(arg, (e->mask & CAME) ? WATCH_CAME : WATCH_WENT, dir,
		    e->name);
	}
}

void
watch_read(struct watch *w,
    void (*visit)(
	void *arg, enum watch_event event, unsigned dir, const char *name),
    void *arg)
{
	char text[16384]
	    __attribute__((aligned(__alignof__(struct inotify_event))));

	while (w->fd != -1) {
		ssize_t len = read(w->fd, text, sizeof text);

		if (len == -1 && errno == EINTR)
			continue;
		if (len <= 0)
			return;
		for (char *p = text; p < text + len;) {
			const struct inotify_event *e = (const void *)p;

			hand_out(w, e, visit, arg);
			p += sizeof *e + e->len;
		}
	}
}
