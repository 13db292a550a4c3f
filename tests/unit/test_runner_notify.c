/* SPDX-License-Identifier: MIT */
/* The service manager's side of the datagrams, against the real program. */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

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

#include "clock.h"

#define PATIENCE_MS 30000

static char directory[] = "/tmp/hookspool-notify-XXXXXX";

static void
write_config(void)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof path, "%s/config.yaml", directory);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "data-directory: %s\n", directory);
	fclose(f);
}

static int
listen_at(const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len;

	snprintf(to.sun_path, sizeof to.sun_path, "%s", name);
	len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	if (*name == '@')
		to.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&to, len), 0);
	return fd;
}

static pid_t
start(const char *socket_name, const char *watchdog)
{
	const char *build = getenv("HOOKSPOOL_BUILD");
	char program[4096], config[64];
	pid_t pid;

	snprintf(program, sizeof program, "%s/spool-runner",
	    build == NULL ? "build" : build);
	snprintf(config, sizeof config, "%s/config.yaml", directory);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid != 0)
		return pid;
	setenv("NOTIFY_SOCKET", socket_name, 1);
	setenv("WATCHDOG_USEC", watchdog, 1);
	execl(program, program, "--config", config, "--worker", "/bin/true",
	    (char *)NULL);
	_exit(127);
}

/* Waits for a datagram that begins so. */
static void
expect(int fd, const char *begin)
{
	int64_t deadline = clock_boot() + PATIENCE_MS * CLOCK_MSEC;
	char text[256] = "";

	while (clock_boot() < deadline) {
		struct pollfd p = { fd, POLLIN, 0 };
		ssize_t len;

		if (poll(&p, 1, 1000) != 1)
			continue;
		len = recv(fd, text, sizeof text - 1, 0);
		assert_true(len >= 0);
		text[len] = '\0';
		if (strncmp(text, begin, strlen(begin)) == 0)
			return;
	}
	fail_msg("no %s; the last was \"%s\"", begin, text);
}

static void
tell_all(const char *name)
{
	int fd = listen_at(name), status;
	pid_t pid = start(name, "200000");

	expect(fd, "READY=1");
	expect(fd, "STATUS=0 running, 0 waiting");
	/* Also while it has nothing to do. */
	expect(fd, "WATCHDOG=1");
	expect(fd, "WATCHDOG=1");
	kill(pid, SIGTERM);
	expect(fd, "STOPPING=1");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(fd);
}

static void
a_manager_at_a_path_is_told(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof path, "%s/notify", directory);
	tell_all(path);
}

static void
a_manager_at_an_abstract_name_is_told(void **state)
{
	char name[64];

	(void)state;
	snprintf(name, sizeof name, "@%s", directory);
	tell_all(name);
}

static int
make(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	write_config();
	return 0;
}

static int
drop(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", directory);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manager_at_a_path_is_told),
		cmocka_unit_test(a_manager_at_an_abstract_name_is_told),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
