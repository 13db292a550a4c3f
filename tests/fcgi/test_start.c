/* SPDX-License-Identifier: MIT */
/* What the responder refuses to start with, the ways a socket comes to it,
 * and plain CGI. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "responder.h"

static struct responder responder;

static const struct {
	const char *why, *config;
	const char *options[4];
	int code;
	const char *said;
} refusals[] = {
	{ "no secret at all", "log-level: INFO\n", { NULL }, 1,
	    "allow-unsigned" },
	{ "an empty list of secrets", "webhook-secrets: []\n", { NULL }, 1,
	    "" },
	{ "a key that does not exist",
	    "webhook-secret: long enough here\n"
	    "webhook-sekret: x\n",
	    { NULL }, 1, "config.yaml:3" },
	{ "a hook that cannot be run",
	    "webhook-secret: long enough here\n"
	    "hooks: [{name: x}]\n",
	    { NULL }, 1, "config.yaml:3" },
	{ "an address range that is none",
	    "webhook-secret: long enough here\nallow-ips: [10.0.0.1/8]\n",
	    { NULL }, 1, "10.0.0.1/8" },
	{ "a socket everybody may write to", NULL, { "--mode", "0666" }, 1,
	    "everybody" },
	{ "a mode that is none", NULL, { "--mode", "rw" }, 2, "--mode" },
	{ "no processes", NULL, { "--processes", "0" }, 2, "--processes" },
	{ "an unknown option", NULL, { "--daemon" }, 2, "usage:" },
	{ "an argument", NULL, { "argument" }, 2, "usage:" },
	{ "a group that does not exist", NULL, { "--group", "no-such-group" },
	    1, "no-such-group" },
};

static void
what_is_wrong_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		int code;

		responder_make(&responder, refusals[i].config, NULL);
		code = responder_fail(&responder, refusals[i].options);
		if ((refusals[i].code == 2) != (code == 2) || code == 0 ||
		    !responder_logged(&responder, refusals[i].said))
			fail_msg("%s: exit %d; see %s", refusals[i].why, code,
			    responder.log);
		responder_remove(&responder);
	}
}

static void
a_missing_configuration_is_refused(void **state)
{
	(void)state;
	responder_make(&responder, NULL, NULL);
	assert_int_equal(unlink(responder.config), 0);
	assert_int_not_equal(responder_fail(&responder, NULL), 0);
	assert_true(responder_logged(&responder, "config.yaml"));
	responder_remove(&responder);
}

/* Else it would hold them when it is taken over, and could not read its
 * configuration again from inside the sandbox. */
static void
files_of_tokens_are_not_read(void **state)
{
	(void)state;
	responder_make(&responder, NULL,
	    "github-tokens-file: /nonexistent/token\n"
	    "github-app-id: 1\n"
	    "github-app-key-file: /nonexistent/key\n");
	responder_start(&responder, NULL);
	assert_int_equal(responder_stop(&responder), 0);
	responder_remove(&responder);
}

static void
unsigned_events_need_to_be_allowed(void **state)
{
	static const char config[] =
	    "allow-unsigned: true\n"
	    "limits: {min-free-bytes: 1M, min-free-inodes: 10}\n"
	    "repositories:\n"
	    "  own: {name: octo/own, webhook-secret: " RESPONDER_OWN "}\n"
	    "hooks: [{name: x, events: [push], command: [/bin/true]}]\n";
	struct webhook_params w;
	struct fcgi_reply reply;
	char body[1024];
	size_t len = push_body(body, sizeof body, 1);
	char *name;

	(void)state;
	responder_make(&responder, config, NULL);
	responder_start(&responder, NULL);
	webhook_params(&w, "x", "push", 1, body, len);
	webhook_set(&w, "HTTP_X_HUB_SIGNATURE_256", NULL);
	assert_int_equal(webhook_post(&responder, &w, body, len, &reply), 202);
	/* But a repository with a secret needs a signature still. */
	name = strstr(body, "octo/plain");
	memcpy(name, "octo/own\",", 10);
	memcpy(name, "octo/own\" ", 10);
	memmove(name + 9, name + 11, strlen(name + 11) + 1);
	len = strlen(body);
	webhook_params(&w, "x", "push", 2, body, len);
	webhook_set(&w, "HTTP_X_HUB_SIGNATURE_256", NULL);
	assert_int_equal(webhook_post(&responder, &w, body, len, &reply), 401);
	webhook_params(&w, RESPONDER_OWN, "push", 3, body, len);
	assert_int_equal(webhook_post(&responder, &w, body, len, &reply), 202);
	assert_int_equal(responder_stop(&responder), 0);
	responder_remove(&responder);
}

/* The processes of a supervisor that died end by themselves. */
static int
nobody_answers(void *arg)
{
	int fd = fcgi_connect(responder.socket);

	(void)arg;
	if (fd == -1)
		return 1;
	close(fd);
	return 0;
}

static void
the_socket_is_ours_alone(void **state)
{
	struct responder second;
	struct stat st;

	(void)state;
	responder_make(&responder, NULL, NULL);
	responder_start(&responder, NULL);
	assert_int_equal(stat(responder.socket, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	second = responder;
	second.pid = 0;
	assert_int_not_equal(responder_fail(&second, NULL), 0);
	assert_true(responder_logged(&responder, "another process answers"));
	/* Killed with its socket left behind: the next one takes over. */
	assert_int_equal(kill(responder.pid, SIGKILL), 0);
	assert_int_equal(waitpid(responder.pid, NULL, 0), responder.pid);
	responder.pid = 0;
	assert_int_equal(stat(responder.socket, &st), 0);
	assert_true(responder_wait(nobody_answers, NULL, 30));
	responder_start(&responder, NULL);
	assert_int_equal(responder_stop(&responder), 0);
	assert_int_equal(stat(responder.socket, &st), -1);
	responder_remove(&responder);
}

/* ---- inherited sockets ---- */

static int
make_socket(int mode)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(
	    address.sun_path, responder.socket, strlen(responder.socket) + 1);
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(chmod(responder.socket, (mode_t)mode), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

/* As spawn-fcgi (descriptor 0) or systemd (descriptor 3) would. */
static pid_t
spawn_with(int sock, int as)
{
	pid_t pid = fork();

	if (pid == 0) {
		int log = open(responder.log, O_WRONLY | O_CREAT, 0600);
		char number[16];

		dup2(log, 1);
		dup2(log, 2);
		dup2(open("/dev/null", O_RDONLY), 0);
		if (sock != as)
			dup2(sock, as);
		snprintf(number, sizeof number, "%d", getpid());
		if (as == 3) {
			setenv("LISTEN_PID", number, 1);
			setenv("LISTEN_FDS", "1", 1);
		}
		execl(responder_program(), "hookspool-fcgi", "--config",
		    responder.config, NULL);
		_exit(127);
	}
	return pid;
}

static void
an_inherited_socket_is_served(void **state)
{
	static const int descriptors[] = { 0, 3 };
	struct fcgi_reply reply;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int sock;

		responder_make(&responder, NULL, NULL);
		sock = make_socket(0660);
		responder.pid = spawn_with(sock, descriptors[i]);
		close(sock);
		assert_int_equal(webhook_push(&responder, 1, &reply), 202);
		assert_int_equal(responder_stop(&responder), 0);
		/* It was not ours to remove. */
		assert_int_equal(access(responder.socket, F_OK), 0);
		responder_remove(&responder);
	}
}

static void
an_inherited_socket_for_everybody_is_refused(void **state)
{
	int sock, status;
	pid_t pid;

	(void)state;
	responder_make(&responder, NULL, NULL);
	sock = make_socket(0666);
	pid = spawn_with(sock, 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(sock);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	assert_true(responder_logged(&responder, "0660"));
	responder_remove(&responder);
}

/* ---- CGI ---- */

static void
set_environment(const struct webhook_params *w)
{
	clearenv();
	for (size_t i = 0; w->list[i].name != NULL; i++) {
		if (w->list[i].value != NULL)
			setenv(w->list[i].name, w->list[i].value, 1);
	}
	setenv("HOOKSPOOL_CONFIG", responder.config, 1);
}

/* Runs it as a web server runs a CGI program; its output. */
static int
run_cgi(const struct webhook_params *w, const char *body, size_t len, char *out,
    size_t size)
{
	static char program[4096];
	int in[2], back[2], status;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	assert_non_null(realpath(responder_program(), program));
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(back), 0);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(back[1], 1);
		dup2(open(responder.log, O_WRONLY | O_CREAT | O_APPEND, 0600),
		    2);
		set_environment(w);
		close(in[1]);
		/* The request's query, as Apache makes arguments of it. */
		execl(program, "hookspool-fcgi", "--config", "/etc/passwd",
		    "--help", NULL);
		_exit(127);
	}
	close(in[0]);
	close(back[1]);
	assert_int_equal(write(in[1], body, len), len);
	/* The pipe stays open: a script must not read past the length. */
	while (used + 1 < size &&
	       (n = read(back[0], out + used, size - 1 - used)) > 0)
		used += (size_t)n;
	out[used] = '\0';
	close(back[0]);
	close(in[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
as_a_cgi_program_it_answers_one_request(void **state)
{
	struct webhook_params w;
	char body[1024], out[8192];
	size_t len = push_body(body, sizeof body, 1);

	(void)state;
	responder_make(&responder, NULL, NULL);
	webhook_params(&w, RESPONDER_SECRET, "push", 1, body, len);
	webhook_set(&w, "HTTP_PROXY", "http://evil.example");
	assert_int_equal(run_cgi(&w, body, len, out, sizeof out), 0);
	if (strncmp(out, "Status: 202 Accepted\r\n", 22) != 0)
		fail_msg("got: %s", out);
	assert_int_equal(run_cgi(&w, body, len, out, sizeof out), 0);
	assert_non_null(strstr(out, "already_processed"));
	assert_int_equal(responder_count(&responder, "new"), 1);
	responder_remove(&responder);
}

static void
a_cgi_program_without_configuration_says_so(void **state)
{
	struct webhook_params w;
	char out[8192];

	(void)state;
	responder_make(&responder, NULL, NULL);
	unlink(responder.config);
	webhook_params(&w, RESPONDER_SECRET, "push", 1, "{}", 2);
	assert_int_equal(run_cgi(&w, "{}", 2, out, sizeof out), 0);
	if (strncmp(out, "Status: 503 ", 12) != 0 ||
	    strstr(out, "\"error\":\"not_configured\"") == NULL)
		fail_msg("got: %s", out);
	responder_remove(&responder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_refused),
		cmocka_unit_test(a_missing_configuration_is_refused),
		cmocka_unit_test(files_of_tokens_are_not_read),
		cmocka_unit_test(unsigned_events_need_to_be_allowed),
		cmocka_unit_test(the_socket_is_ours_alone),
		cmocka_unit_test(an_inherited_socket_is_served),
		cmocka_unit_test(an_inherited_socket_for_everybody_is_refused),
		cmocka_unit_test(as_a_cgi_program_it_answers_one_request),
		cmocka_unit_test(a_cgi_program_without_configuration_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
