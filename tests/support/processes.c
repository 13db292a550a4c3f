/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "processes.h"

static int
has_argument(const char *pid, const char *argument)
{
	char path[64], text[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%.16s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	for (const char *p = text; p < text + n; p += strlen(p) + 1) {
		if (strcmp(p, argument) == 0)
			return 1;
	}
	return 0;
}

unsigned
processes_with_argument(const char *argument)
{
	struct dirent *entry;
	unsigned count = 0;
	DIR *proc = opendir("/proc");

	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		if (strspn(entry->d_name, "0123456789") > 0)
			count +=
			    (unsigned)has_argument(entry->d_name, argument);
	}
	if (proc != NULL)
		closedir(proc);
	return count;
}
