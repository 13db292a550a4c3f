/* SPDX-License-Identifier: MIT */
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "tree.h"

#define PROCESSES 32768 /* most that are looked at */

struct process {
	pid_t pid, parent;
	char state; /* proc(5), /proc/PID/stat */
	char ours;
};

struct processes {
	struct process *list;
	size_t count;
};

/* The name stands in parentheses and may hold anything, also ")": the last
 * one ends it. */
static int
read_process(struct process *p, int proc, const char *name)
{
	char path[32], text[512];
	const char *end;
	ssize_t n;
	int fd, parent;

	if (snprintf(path, sizeof path, "%s/stat", name) >= (int)sizeof path)
		return -1;
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	end = strrchr(text, ')');
	if (end == NULL || sscanf(end, ") %c %d", &p->state, &parent) != 2)
		return -1;
	p->pid = (pid_t)strtol(name, NULL, 10);
	p->parent = parent;
	p->ours = 0;
	return 0;
}

static void
read_all(struct processes *all)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	*all = (struct processes){ 0 };
	if (proc == NULL)
		return;
	while (all->count < PROCESSES && (entry = readdir(proc)) != NULL) {
		struct process p;
		struct process *more;

		if (strspn(entry->d_name, "0123456789") == 0 ||
		    read_process(&p, dirfd(proc), entry->d_name) == -1)
			continue;
		if (all->count % 256 == 0) {
			more = reallocarray(
			    all->list, all->count + 256, sizeof *more);
			if (more == NULL)
				break;
			all->list = more;
		}
		all->list[all->count++] = p;
	}
	closedir(proc);
}

static int
is_ours(const struct processes *all, pid_t pid)
{
	for (size_t i = 0; i < all->count; i++) {
		if (all->list[i].pid == pid)
			return all->list[i].ours;
	}
	return 0;
}

/* Marks descendants, a generation a pass, until a pass finds none. */
static void
mark_ours(struct processes *all)
{
	pid_t self = getpid();
	int found;

	do {
		found = 0;
		for (size_t i = 0; i < all->count; i++) {
			struct process *p = &all->list[i];

			if (p->ours)
				continue;
			p->ours = p->parent == self || is_ours(all, p->parent);
			found |= p->ours;
		}
	} while (found);
}

int
tree_reap(pid_t leader, int *status, int *leader_ended)
{
	pid_t pid;
	int end;

	while ((pid = waitpid(-1, &end, WNOHANG)) > 0) {
		if (pid != leader)
			continue;
		*status = end;
		*leader_ended = 1;
	}
	return pid == 0;
}

unsigned
tree_signal(int sig, pid_t init)
{
	struct processes all;
	unsigned live = 0;

	read_all(&all);
	mark_ours(&all);
	for (size_t i = 0; i < all.count; i++) {
		const struct process *p = &all.list[i];

		if (!p->ours || p->state == 'Z' || p->state == 'X')
			continue;
		live++;
		if (init == 0 || (p->pid != init && p->parent != init))
			(void)kill(p->pid, sig);
	}
	free(all.list);
	return live;
}

unsigned
tree_kill(pid_t leader, int *status, int *leader_ended, int64_t deadline)
{
	unsigned live;

	for (;;) {
		live = tree_signal(SIGKILL, 0);
		if (!tree_reap(leader, status, leader_ended))
			return 0;
		if (clock_boot() >= deadline)
			return live;
		(void)poll(NULL, 0, 2);
	}
}
