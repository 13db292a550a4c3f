/* SPDX-License-Identifier: MIT */
/*
 * Starts a program, listens to it, and sees to it that nothing of it is left.
 *
 * Three phases: it runs; it was told to stop (TERM) because of the time
 * limit, a cancel, or because the program ended and left others behind; it is
 * killed. Each phase has its deadline, by the clock that counts suspended
 * time. Output is read in all of them, so that a full pipe holds nobody up.
 */
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "command_child.h"
#include "output.h"
#include "quota.h"
#include "tree.h"

#define READ_SIZE  65536
#define KILL_WAIT  (5 * CLOCK_SECOND) /* for killed processes to be gone */
#define SHORT_WAIT 10 /* ms between looks at processes that are no children */
#define STATUS_MAX 512

enum phase { PHASE_RUN, PHASE_STOP };

struct run {
	const struct command *c;
	struct command_result *result;
	struct output output;
	struct quota quota;
	pid_t leader;
	int pidfd, output_fd, status_fd;
	int ended, status; /* of the leader */
	enum phase phase;
	int64_t deadline; /* clock_boot(), of the phase */
};

/* ---- environment ---- */

static int
names_same(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strncmp(a, b, len) == 0 && b[len] == '=';
}

static int
is_given(const char *const *env, const char *entry)
{
	for (; env != NULL && *env != NULL; env++) {
		if (names_same(entry, *env))
			return 1;
	}
	return 0;
}

static void
add_fixed(char **list, size_t *n, const struct command *c, char *entry)
{
	if (!is_given(c->env, entry))
		list[(*n)++] = entry;
}

/* The fixed part first; what the caller gives takes the place of its
 * namesake. One block, texts behind the array. */
static char **
make_environment(const struct command *c)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
			     "/usr/bin:/sbin:/bin";
	static char lang[] = "LANG=C.UTF-8";
	size_t given = 0, n = 0, texts = 2 * (strlen(c->scratch) + 16);
	char **list, *home, *tmpdir;

	while (c->env != NULL && c->env[given] != NULL)
		given++;
	list = malloc((given + 5) * sizeof *list + texts);
	if (list == NULL)
		return NULL;
	home = (char *)(list + given + 5);
	tmpdir = stpcpy(stpcpy(home, "HOME="), c->scratch) + 1;
	stpcpy(stpcpy(tmpdir, "TMPDIR="), c->scratch);
	add_fixed(list, &n, c, path);
	add_fixed(list, &n, c, home);
	add_fixed(list, &n, c, tmpdir);
	add_fixed(list, &n, c, lang);
	if (given > 0)
		memcpy(list + n, c->env, given * sizeof *list);
	list[n + given] = NULL;
	return list;
}

/* ---- starting ---- */

static int
start_error(
    const struct child_report *report, const struct command *c, struct err *err)
{
	static const char *const stages[] = {
		[STAGE_SESSION] = "making a session",
		[STAGE_DESCRIPTORS] = "setting descriptors",
		[STAGE_DIRECTORY] = "entering the working directory",
		[STAGE_SANDBOX] = "entering the sandbox",
		[STAGE_EXEC] = "starting it",
	};

	errno = report->sys;
	(void)err_sys(err, "%.80s: %s", c->argv[0], stages[report->stage]);
	if (err->class == ERR_PERM)
		err->class = ERR_CONF; /* names and permissions in it */
	return -1;
}

/* Waits for execve(2), which closes the pipe, or the child's report. */
static int
await_start(struct run *r, int report_fd, struct err *err)
{
	struct child_report report;
	ssize_t n;

	do
		n = read(report_fd, &report, sizeof report);
	while (n == -1 && errno == EINTR);
	if (n != sizeof report)
		return 0;
	while (waitpid(r->leader, NULL, 0) == -1 && errno == EINTR)
		continue;
	return start_error(&report, r->c, err);
}

static int
open_pipe(int fds[2], struct err *err)
{
	if (pipe2(fds, O_CLOEXEC) == -1) {
		fds[0] = fds[1] = -1;
		return err_sys(err, "pipe");
	}
	return 0;
}

static void
close_pipe(int fds[2])
{
	for (int i = 0; i < 2; i++) {
		if (fds[i] != -1)
			close(fds[i]);
		fds[i] = -1;
	}
}

static void
keep_read_end(int *out, int fds[2])
{
	*out = fds[0];
	fds[0] = -1;
	if (*out != -1)
		(void)fcntl(*out, F_SETFL, O_NONBLOCK);
}

/*
 * The child runs in our memory while we wait for its execve(2): nothing is
 * copied, neither for it nor, afterwards, for us. What it changes there is
 * `environ`, for execvp(3). Descriptors, signals, limits and the rest of what
 * a process has are its own.
 */
static pid_t
start_child(const struct child_plan *plan)
{
	char **ours = environ;
	/* NOLINTBEGIN(*.vfork, *.Vfork): posix_spawn(3) cannot set limits and
	 * walls; child_exec() makes system calls and ends in execve(2). */
	pid_t pid = vfork();

	if (pid == 0)
		child_exec(plan);
	/* NOLINTEND(*.vfork, *.Vfork) */
	environ = ours;
	return pid;
}

/* The write ends of the pipes are closed here in any case. */
static int
fork_child(struct run *r, struct child_plan *plan, struct err *err)
{
	int output[2] = { -1, -1 }, report[2] = { -1, -1 };
	int status[2] = { -1, -1 }, rc = -1;

	if (open_pipe(output, err) == -1 || open_pipe(report, err) == -1 ||
	    (r->c->level == LEVEL_STRICT && open_pipe(status, err) == -1))
		goto out;
	plan->output_fd = output[1];
	plan->report_fd = report[1];
	plan->status_fd = status[1];
	r->leader = start_child(plan);
	if (r->leader == -1) {
		(void)err_sys(err, "vfork");
		goto out;
	}
	close(report[1]);
	report[1] = -1;
	if (await_start(r, report[0], err) == -1)
		goto out;
	keep_read_end(&r->output_fd, output);
	keep_read_end(&r->status_fd, status);
	rc = 0;
out:
	close_pipe(output);
	close_pipe(report);
	close_pipe(status);
	return rc;
}

static int
start(struct run *r, struct err *err)
{
	const struct command *c = r->c;
	struct child_plan plan = { .command = c, .parent = getpid() };
	char **wrapped = NULL;
	int rc = -1;

	plan.env = make_environment(c);
	if (plan.env == NULL)
		return err_set(err, ERR_TEMP, 0, "command: out of memory");
	if (c->level == LEVEL_STRICT) {
		if (sandbox_argv(
			&wrapped, c, c->scratch, CHILD_STATUS_FD, err) == -1)
			goto out;
		plan.argv = wrapped;
	} else {
		memcpy(&plan.argv, &c->argv, sizeof plan.argv);
		plan.cwd = c->cwd != NULL ? c->cwd : c->scratch;
		plan.landlock =
		    c->level == LEVEL_LIMITS ? sandbox_landlock() : 0;
	}
	r->result->landlock = plan.landlock;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1) {
		(void)err_sys(err, "prctl");
		goto out;
	}
	rc = fork_child(r, &plan, err);
	if (rc == 0)
		r->pidfd = pidfd_open(r->leader, 0);
out:
	free(wrapped);
	free(plan.env);
	return rc;
}

/* ---- watching ---- */

/* Up to 16 reads, so that a flood cannot hold up the clock. */
static void
read_output(struct run *r)
{
	char bytes[READ_SIZE];
	ssize_t n;

	for (int i = 0; i < 16 && r->output_fd != -1; i++) {
		n = read(r->output_fd, bytes, sizeof bytes);
		if (n > 0) {
			output_add(&r->output, bytes, (size_t)n);
			continue;
		}
		if (n == 0) {
			close(r->output_fd);
			r->output_fd = -1;
		}
		return;
	}
}

static void
tell_to_stop(struct run *r)
{
	r->phase = PHASE_STOP;
	r->deadline =
	    clock_boot() + (r->result->cancelled && r->c->cancel_grace > 0
				   ? r->c->cancel_grace
				   : r->c->grace);
	(void)tree_signal(
	    SIGTERM, r->c->level == LEVEL_STRICT && !r->ended ? r->leader : 0);
}

/* At most until the deadline; soon again where only /proc could tell. */
static int
wait_ms(const struct run *r)
{
	int64_t next = quota_next(&r->quota), ms;

	if (r->phase != PHASE_RUN || next > r->deadline)
		next = r->deadline;
	ms = (next - clock_boot()) / CLOCK_MSEC + 1;
	if (ms < 0)
		return 0;
	if ((r->ended || r->pidfd == -1) && ms > SHORT_WAIT)
		return SHORT_WAIT;
	return ms > 60000 ? 60000 : (int)ms;
}

static int
wait_for_news(struct run *r)
{
	struct pollfd fds[3] = {
		{ .fd = r->output_fd, .events = POLLIN },
		{ .fd = r->ended ? -1 : r->pidfd, .events = POLLIN },
		{ .fd = r->phase == PHASE_RUN ? r->c->cancel_fd : -1,
		    .events = POLLIN },
	};

	(void)poll(fds, 3, wait_ms(r));
	return fds[2].revents != 0;
}

/* One turn; 1 while there is anybody left to wait for. */
static int
watch(struct run *r)
{
	int cancelled = wait_for_news(r), living;

	read_output(r);
	living = tree_reap(r->leader, &r->status, &r->ended);
	if (!living)
		return 0;
	if (r->phase == PHASE_RUN) {
		int late = clock_boot() >= r->deadline;

		if (r->ended) {
			r->result->leftovers = tree_signal(0, 0);
			tell_to_stop(r);
		} else if (cancelled || late) {
			r->result->cancelled = cancelled;
			r->result->timed_out = !cancelled;
			tell_to_stop(r);
		} else if (quota_exceeded(&r->quota)) {
			r->result->disk_over = r->quota.bytes;
			tell_to_stop(r);
		}
		return 1;
	}
	if (clock_boot() < r->deadline)
		return 1;
	return 0;
}

/* What is in the pipe now; nobody writes any more. */
static void
drain(struct run *r)
{
	uint64_t before;

	do {
		before = r->output.bytes;
		read_output(r);
	} while (r->output.bytes != before);
}

/* ---- the end ---- */

/*
 * bubblewrap tells on the status pipe how the command ended, and says nothing
 * where it could not start it; its own last line then says why.
 */
static int
check_sandbox(struct run *r, struct err *err)
{
	char status[STATUS_MAX], *line, *end;
	ssize_t n = 0;

	if (r->status_fd == -1 || r->result->timed_out ||
	    r->result->cancelled || r->result->disk_over > 0 ||
	    !WIFEXITED(r->status))
		return 0;
	n = read(r->status_fd, status, sizeof status - 1);
	status[n > 0 ? n : 0] = '\0';
	if (strstr(status, "\"exit-code\"") != NULL)
		return 0;
	end = r->result->tail.data + r->result->tail.len;
	while (end > r->result->tail.data && end[-1] == '\n')
		*--end = '\0';
	line = strrchr(r->result->tail.data, '\n');
	return err_set(err, ERR_CONF, 0, "sandbox: %.80s: not started: %.100s",
	    r->c->argv[0], line != NULL ? line + 1 : r->result->tail.data);
}

static void
fill_result(struct run *r, int64_t began)
{
	struct command_result *result = r->result;

	result->duration = clock_mono() - began;
	result->level = r->c->level;
	result->bytes = r->output.bytes;
	result->lines = r->output.lines;
	result->signal = WIFSIGNALED(r->status) ? WTERMSIG(r->status) : 0;
	result->exit_code = WIFEXITED(r->status) ? WEXITSTATUS(r->status) : -1;
	/* It may have tidied up when it was told to stop: once over is over. */
	if (result->disk_over == 0 && quota_final(&r->quota))
		result->disk_over = r->quota.bytes;
}

static int
run_to_end(struct run *r, struct err *err)
{
	int64_t began = clock_mono();
	unsigned left = 0;

	if (start(r, err) == -1)
		return -1;
	r->deadline = clock_boot() + r->c->timeout;
	while (watch(r))
		continue;
	if (tree_reap(r->leader, &r->status, &r->ended))
		left = tree_kill(
		    r->leader, &r->status, &r->ended, clock_boot() + KILL_WAIT);
	drain(r);
	output_end(&r->output, &r->result->tail);
	fill_result(r, began);
	if (left > 0)
		return err_set(err, ERR_PERM, 0,
		    "%.80s: %u of its processes cannot be ended", r->c->argv[0],
		    left);
	return check_sandbox(r, err);
}

static void
close_if_open(int fd)
{
	if (fd != -1)
		close(fd);
}

int
command_run(
    struct command_result *result, const struct command *c, struct err *err)
{
	struct command_result made = { .exit_code = -1 };
	struct run r = { .c = c,
		.result = &made,
		.leader = -1,
		.pidfd = -1,
		.output_fd = -1,
		.status_fd = -1 };
	int rc;

	if (output_init(&r.output, c->log, c->step, c->output_max, err) == -1)
		return -1;
	buf_init(&made.tail, r.output.max);
	quota_init(&r.quota, c);
	rc = run_to_end(&r, err);
	close_if_open(r.pidfd);
	close_if_open(r.output_fd);
	close_if_open(r.status_fd);
	output_release(&r.output);
	if (rc == -1)
		buf_release(&made.tail);
	else
		*result = made;
	return rc;
}

void
command_result_release(struct command_result *result)
{
	buf_release(&result->tail);
}
