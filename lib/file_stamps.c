/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "file_stamps.h"
#include "fsio.h"

#define YOUNG CLOCK_SECOND /* far more than the grain of any file's times */

struct file_stamp {
	char *path;
	struct stat st;
};

static int
is_young(const struct timespec *t, int64_t now)
{
	int64_t age = now - clock_ns(t);

	return llabs(age) < YOUNG;
}

void
stamps_add(struct stamps *s, const char *path)
{
	struct file_stamp *more, made = { .path = NULL };
	int64_t now = clock_wall();

	if (s->doubt)
		return;
	s->doubt = 1;
	if (stat(path, &made.st) == -1 || is_young(&made.st.st_mtim, now) ||
	    is_young(&made.st.st_ctim, now))
		return;
	made.path = strdup(path);
	more = reallocarray(s->list, s->count + 1, sizeof *more);
	if (more != NULL)
		s->list = more;
	if (more == NULL || made.path == NULL) {
		free(made.path);
		return;
	}
	s->list[s->count++] = made;
	s->doubt = 0;
}

static int
holds(const struct file_stamp *stamp)
{
	struct stat now;

	return stat(stamp->path, &now) == 0 && fs_unchanged(&now, &stamp->st);
}

int
stamps_hold(const struct stamps *s)
{
	if (s->doubt || s->count == 0)
		return 0;
	for (size_t i = 0; i < s->count; i++) {
		if (!holds(&s->list[i]))
			return 0;
	}
	return 1;
}

void
stamps_release(struct stamps *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->list[i].path);
	free(s->list);
	*s = (struct stamps){ 0 };
}
