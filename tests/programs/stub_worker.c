/* SPDX-License-Identifier: MIT */
/*
 * A worker that takes no time, for tests that run thousands of jobs. What it
 * does stands in the file `plan` beside the spool; what it did it adds to the
 * file `runs` there, a line and one write each.
 *
 *   done, dead   exits 0 or 100            "ID ATTEMPT EXIT"
 *   retry        the first attempt 111     the same
 *   gate         waits for a file `open`   the same
 *   traced       exits 0                   "start ID ATTEMPT MS", "end ..."
 *   mortal       as traced, but one job of a hundred kills itself once
 *   traced-retry as traced, the first attempt 111
 *
 * MS is the monotonic clock.
 *
 *   stub_worker --spool DIR --attempt N < spool-file
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct plan {
	const char *name;
	int first, later; /* exit codes */
	int traced, gate, mortal;
};

static const struct plan plans[] = {
	{ "done", 0, 0, 0, 0, 0 },
	{ "dead", 100, 100, 0, 0, 0 },
	{ "retry", 111, 0, 0, 0, 0 },
	{ "gate", 0, 0, 0, 1, 0 },
	{ "traced", 0, 0, 1, 0, 0 },
	{ "traced-retry", 111, 0, 1, 0, 0 },
	{ "mortal", 0, 0, 1, 0, 1 },
};

static const char *spool = ".", *id;
static int attempt;

static const struct plan *
read_plan(void)
{
	char path[4096], text[32] = "";
	int fd;

	snprintf(path, sizeof path, "%s/../plan", spool);
	fd = open(path, O_RDONLY);
	if (fd == -1 || read(fd, text, sizeof text - 1) < 1)
		return plans;
	close(fd);
	text[strcspn(text, "\n")] = '\0';
	for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
		if (strcmp(plans[i].name, text) == 0)
			return &plans[i];
	}
	return plans;
}

static void
say(const char *what, long number)
{
	char path[4096], line[200];
	int fd;

	snprintf(path, sizeof path, "%s/../runs", spool);
	snprintf(line, sizeof line, "%s%s%s %d %ld\n", what,
	    *what != '\0' ? " " : "", id, attempt, number);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd == -1 || write(fd, line, strlen(line)) == -1)
		exit(111);
	close(fd);
}

static long
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
wait_for_gate(void)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	char path[4096];

	snprintf(path, sizeof path, "%s/../open", spool);
	while (access(path, F_OK) == -1)
		nanosleep(&pause, NULL);
}

static void
read_head(void)
{
	static char head[2048];
	ssize_t n = read(STDIN_FILENO, head, sizeof head - 1);

	if (n <= 0)
		exit(100);
	head[n] = '\0';
	id = strstr(head, "Job: ");
	if (id == NULL)
		exit(100);
	id += strlen("Job: ");
	head[(size_t)(id - head) + strcspn(id, "\n")] = '\0';
}

static int
is_mortal(void)
{
	unsigned sum = 0;

	for (const char *p = id; *p != '\0'; p++)
		sum = sum * 31 + (unsigned char)*p;
	return attempt == 0 && sum % 100 == 0;
}

int
main(int argc, char **argv)
{
	const struct plan *plan;
	int code;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--reports") == 0)
			return 0;
		if (i + 1 < argc && strcmp(argv[i], "--spool") == 0)
			spool = argv[i + 1];
		if (i + 1 < argc && strcmp(argv[i], "--attempt") == 0)
			attempt = atoi(argv[i + 1]);
	}
	read_head();
	plan = read_plan();
	code = attempt == 0 ? plan->first : plan->later;
	if (plan->traced)
		say("start", now());
	if (plan->mortal && is_mortal())
		raise(SIGKILL);
	if (plan->gate)
		wait_for_gate();
	if (plan->traced)
		say("end", now());
	else
		say("", code);
	return code;
}
