/* SPDX-License-Identifier: MIT */
#include <sys/prctl.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "buf.h"
#include "clock.h"
#include "digest.h"
#include "err.h"
#include "filetree.h"
#include "fsio.h"
#include "head.h"
#include "spool.h"
#include "worker_fixture.h"

char config_path[128], spool_path[128];

static char top[] = "/tmp/worker-test-XXXXXX", program[1024];

int
make_top(void **state)
{
	const char *build = getenv("HOOKSPOOL_BUILD");
	struct spool *s;
	struct err err;

	(void)state;
	snprintf(program, sizeof program, "%s/job-worker",
	    build != NULL ? build : "build");
	if (mkdtemp(top) == NULL)
		return -1;
	snprintf(config_path, sizeof config_path, "%s/config.yaml", top);
	snprintf(spool_path, sizeof spool_path, "%s/spool", top);
	if (spool_open(&s, spool_path, 1, &err) == -1) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	spool_close(s);
	return 0;
}

int
remove_top(void **state)
{
	struct err err;

	(void)state;
	return filetree_remove(AT_FDCWD, top, &err);
}

const char *
in_top(const char *name)
{
	static char path[4][256];
	static unsigned turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof path[turn], "%s/%s", top, name);
	return path[turn];
}

void
write_file(const char *name, const void *bytes, size_t len)
{
	int fd = open(in_top(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct err err;

	assert_int_not_equal(fd, -1);
	assert_int_equal(fs_write_all(fd, bytes, len, &err), 0);
	close(fd);
}

const char *
read_back(const char *name)
{
	static struct buf texts[2];
	static unsigned turn;
	struct buf *text = &texts[++turn % 2];
	struct err err;

	buf_release(text);
	buf_init(text, 1 << 24);
	if (access(in_top(name), F_OK) == 0)
		assert_int_equal(
		    fs_read_file(text, AT_FDCWD, in_top(name), &err), 0);
	return text->data;
}

const char *
step_log(void)
{
	return read_back("spool/log/jobs/" JOB_ID ".jsonl");
}

void
forget_log(void)
{
	unlink(in_top("spool/log/jobs/" JOB_ID ".jsonl"));
	unlink(in_top("ran"));
}

#define copy(array, text) snprintf(array, sizeof(array), "%s", text)

void
write_job(const struct event *e)
{
	struct job_head head = { .number = 7, .received = clock_wall() };
	size_t len = strlen(e->body);
	struct buf file;
	struct err err = { 0 };

	copy(head.id, JOB_ID);
	copy(head.delivery, DELIVERY);
	copy(head.request_id, DELIVERY);
	copy(head.hook_id, "-");
	copy(head.repository, "octo/hello");
	copy(head.key, "octo/hello#7");
	copy(head.sender, "octocat");
	copy(head.peer, "192.0.2.7");
	copy(head.event, e->event);
	copy(head.action, e->action != NULL ? e->action : "");
	copy(head.type, e->type != NULL ? e->type : HEAD_TYPE_JSON);
	head.length = len;
	assert_int_equal(digest_of(head.sha256, e->body, len, &err), 0);
	buf_init(&file, 1 << 25);
	if (head_format(&file, &head, 0, &err) == -1)
		fail_msg("%s", err.text);
	buf_add(&file, e->body, len);
	write_file("job", file.data, file.len);
	buf_release(&file);
}

void
write_config(const char *hooks)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	buf_addf(&text,
	    "data-directory: %s\nwebhook-secret: %s\n"
	    "stop-grace: 2s\nhooks:%s\n",
	    top, SECRET, hooks);
	write_file("config.yaml", text.data, text.len);
	buf_release(&text);
}

pid_t
start_worker(const char *const *argv)
{
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		int in = open(in_top("job"), O_RDONLY);
		int errors =
		    open(in_top("stderr"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

		/* It ends with a test that broke off. */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (dup2(in, 0) == -1 || dup2(errors, 2) == -1)
			_exit(98);
		execv(program, (char *const *)(uintptr_t)argv);
		_exit(99);
	}
	return pid;
}

int
end_worker(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int
run_attempt(const char *attempt)
{
	const char *argv[] = { "job-worker", "--config", config_path,
		"--attempt", attempt, NULL };

	return end_worker(start_worker(argv));
}

void
must_hold(const char *why, const char *text, const char *part)
{
	if (part != NULL && strstr(text, part) == NULL)
		fail_msg(
		    "%s: no %s in\n%s%s", why, part, text, read_back("stderr"));
}

void
wait_for_text(const char *text)
{
	int64_t deadline = clock_mono() + 10 * CLOCK_SECOND;

	while (strstr(step_log(), text) == NULL) {
		if (clock_mono() > deadline)
			fail_msg("no %s in\n%s", text, step_log());
		(void)poll(NULL, 0, 10);
	}
}
