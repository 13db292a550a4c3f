/* SPDX-License-Identifier: MIT */
/*
 * A worker that takes no time, for tests that run thousands of jobs. It does
 * what the file `plan` beside the spool says (done, dead or retry: 111 at
 * the first attempt) and adds a line "ID ATTEMPT EXIT" to the file `runs`
 * there, in one write, before it ends.
 *
 *   stub_worker --spool DIR --attempt N < spool-file
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *plan;
	int first, later; /* exit codes */
} plans[] = { { "done", 0, 0 }, { "dead", 100, 100 }, { "retry", 111, 0 } };

static int
read_plan(const char *spool, int attempt)
{
	char path[4096], plan[16] = "";
	int fd;

	snprintf(path, sizeof path, "%s/../plan", spool);
	fd = open(path, O_RDONLY);
	if (fd == -1 || read(fd, plan, sizeof plan - 1) < 1)
		return 0;
	close(fd);
	plan[strcspn(plan, "\n")] = '\0';
	for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
		if (strcmp(plans[i].plan, plan) == 0)
			return attempt == 0 ? plans[i].first : plans[i].later;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	char head[2048], path[4096], line[160], *id;
	const char *spool = ".";
	int attempt = 0, code, fd;
	ssize_t n;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--reports") == 0)
			return 0;
		if (i + 1 < argc && strcmp(argv[i], "--spool") == 0)
			spool = argv[i + 1];
		if (i + 1 < argc && strcmp(argv[i], "--attempt") == 0)
			attempt = atoi(argv[i + 1]);
	}
	n = read(STDIN_FILENO, head, sizeof head - 1);
	if (n <= 0)
		return 100;
	head[n] = '\0';
	id = strstr(head, "Job: ");
	if (id == NULL)
		return 100;
	id += strlen("Job: ");
	id[strcspn(id, "\n")] = '\0';
	code = read_plan(spool, attempt);
	snprintf(path, sizeof path, "%s/../runs", spool);
	snprintf(line, sizeof line, "%s %d %d\n", id, attempt, code);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd == -1 || write(fd, line, strlen(line)) == -1)
		return 111;
	return code;
}
