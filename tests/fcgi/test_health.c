/* SPDX-License-Identifier: MIT */
/* Health checks, lack of room, and who may send at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "responder.h"

static struct responder responder;

static const char small_room[] =
    "webhook-secret: " RESPONDER_SECRET "\n"
    "limits: {max-queued-files: 3, min-free-bytes: 1M, min-free-inodes: 10}\n"
    "hooks: [{name: x, events: [push], command: [/bin/true]}]\n";

static void
start_with(const char *config)
{
	/* One, for each process counts what is queued on its own. */
	static const char *const one_process[] = { "--processes", "1", NULL };

	responder_make(&responder, config, NULL);
	responder_start(&responder, one_process);
}

static void
end(void)
{
	assert_int_equal(responder_stop(&responder), 0);
	responder_remove(&responder);
}

static void
both_old_and_new_health_checks_answer(void **state)
{
	struct fcgi_reply reply;

	(void)state;
	start_with(NULL);
	assert_int_equal(
	    responder_get(&responder, "/webhook_server/healthcheck", &reply),
	    200);
	assert_string_equal(
	    reply.body, "{\"status\":200,\"message\":\"Alive\"}\n");
	assert_int_equal(
	    responder_get(&responder, "/health/live", &reply), 200);
	end();
}

/* What a runner leaves to be found: its lock, and the mark of its rounds. */
static int
pretend_runner(void)
{
	char path[256];
	int fd;

	snprintf(path, sizeof path, "%s/lock/heartbeat", responder.spool);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	snprintf(path, sizeof path, "%s/lock/runner", responder.spool);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	return fd;
}

static void
readiness_follows_the_runner(void **state)
{
	struct fcgi_reply reply;
	int fd;

	(void)state;
	start_with(NULL);
	assert_int_equal(
	    responder_get(&responder, "/health/ready", &reply), 503);
	assert_non_null(
	    strstr(reply.body, "\"runner\":\"no runner is running\""));
	assert_non_null(strstr(reply.body, "\"spool\":\"ok\""));
	fd = pretend_runner();
	if (responder_get(&responder, "/health/ready", &reply) != 200)
		fail_msg("%s", reply.body);
	assert_non_null(strstr(reply.body, "\"status\":\"ready\""));
	close(fd);
	assert_int_equal(
	    responder_get(&responder, "/health/ready", &reply), 503);
	end();
}

static int
has_no_room(void *arg)
{
	struct fcgi_reply reply;

	(void)arg;
	responder_get(&responder, "/health/ready", &reply);
	return strstr(reply.body, "\"room\":\"max-queued-files") != NULL;
}

static void
a_full_queue_says_when_to_come_again(void **state)
{
	struct fcgi_reply reply;
	char text[32];
	unsigned n = 1;
	int status;

	(void)state;
	start_with(small_room);
	while ((status = webhook_push(&responder, n, &reply)) == 202)
		n++;
	assert_int_equal(n, 4);
	assert_int_equal(status, 503);
	assert_non_null(strstr(reply.body, "\"error\":\"no_room\""));
	fcgi_header(&reply, "Retry-After", text, sizeof text);
	assert_string_equal(text, "60");
	assert_true(responder_wait(has_no_room, NULL, 10));
	end();
}

/* Refused for lack of room, the delivery is welcome when there is some; each
 * process notices within a second. */
static int
is_taken(void *arg)
{
	struct fcgi_reply reply;

	(void)arg;
	return webhook_push(&responder, 9999, &reply) == 202;
}

static int
is_known(void *arg)
{
	struct fcgi_reply reply;

	(void)arg;
	return webhook_push(&responder, 9999, &reply) == 200;
}

static void
room_that_comes_back_is_used(void **state)
{
	struct fcgi_reply reply;
	char command[256];
	unsigned n = 1;

	(void)state;
	start_with(small_room);
	while (webhook_push(&responder, n++, &reply) == 202)
		continue;
	assert_int_equal(webhook_push(&responder, 9999, &reply), 503);
	snprintf(command, sizeof command, "rm %s/new/*", responder.spool);
	assert_int_equal(system(command), 0);
	assert_true(responder_wait(is_taken, NULL, 10));
	assert_true(responder_wait(is_known, NULL, 10));
	end();
}

/* ---- a full disk: a small tmpfs in a mount namespace of our own ---- */

#define DISK_FULL 77 /* exit code: the namespace cannot be had */

static void
allow_mounts(void)
{
	int uid = (int)getuid(), gid = (int)getgid();
	char map[64];
	int fd;

	if (unshare(CLONE_NEWNS) == 0)
		return;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1)
		_exit(DISK_FULL);
	fd = open("/proc/self/setgroups", O_WRONLY);
	if (write(fd, "deny", 4) != 4)
		_exit(DISK_FULL);
	fd = open("/proc/self/uid_map", O_WRONLY);
	snprintf(map, sizeof map, "0 %d 1", uid);
	if (write(fd, map, strlen(map)) == -1)
		_exit(DISK_FULL);
	fd = open("/proc/self/gid_map", O_WRONLY);
	snprintf(map, sizeof map, "0 %d 1", gid);
	if (write(fd, map, strlen(map)) == -1)
		_exit(DISK_FULL);
}

static unsigned
fill_until_refused(unsigned first)
{
	struct fcgi_reply reply;
	unsigned n = first;
	int status;

	while ((status = webhook_push(&responder, n, &reply)) == 202 &&
	       n < first + 2000)
		n++;
	if (status != 503)
		fail_msg("a full disk: %d %s", status, reply.body);
	return n;
}

static void
run_on_a_small_disk(void)
{
	static const char config[] =
	    "webhook-secret: " RESPONDER_SECRET "\n"
	    "limits: {min-free-bytes: 1, min-free-inodes: 1}\n"
	    "hooks: [{name: x, events: [push], command: [/bin/true]}]\n";
	char path[256];
	unsigned n;

	responder_make(&responder, config, NULL);
	snprintf(path, sizeof path, "%s/data", responder.dir);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("tmpfs", path, "tmpfs", 0, "size=4m") == -1)
		_exit(DISK_FULL);
	responder_start(&responder, NULL);
	n = fill_until_refused(1);
	/* Accepted jobs take nothing from a disk that is full: all there. */
	if (responder_count(&responder, "new") != n - 1)
		fail_msg(
		    "%u jobs of %u", responder_count(&responder, "new"), n - 1);
	snprintf(path, sizeof path, "rm -f %s/new/* %s/tmp/*", responder.spool,
	    responder.spool);
	if (system(path) != 0)
		fail_msg("%s", path);
	assert_true(responder_wait(is_taken, NULL, 10));
	assert_int_equal(responder_stop(&responder), 0);
	_exit(0);
}

static void
a_full_disk_is_no_room(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		allow_mounts();
		run_on_a_small_disk();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == DISK_FULL) {
		print_message("SKIPPED: no mount namespace here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

/* ---- who may send ---- */

static const char guarded[] =
    "webhook-secret: " RESPONDER_SECRET "\n"
    "allow-ips: [192.0.2.0/24, \"2001:db8::/32\"]\n"
    "trusted-proxies: [127.0.0.1/32, 10.0.0.0/8]\n"
    "limits: {min-free-bytes: 1M, min-free-inodes: 10}\n"
    "hooks: [{name: x, events: [push], command: [/bin/true]}]\n";

static const struct {
	const char *why, *peer, *forwarded;
	int status;
} peers[] = {
	{ "an address in the list", "192.0.2.9", NULL, 202 },
	{ "one in the other family", "2001:db8::9", NULL, 202 },
	{ "an IPv4 address written as IPv6", "::ffff:192.0.2.9", NULL, 202 },
	{ "an address outside", "198.51.100.1", NULL, 403 },
	{ "no address", "", NULL, 403 },
	{ "nonsense", "unix:", NULL, 403 },
	{ "a proxy we trust tells the client", "127.0.0.1", "192.0.2.9", 202 },
	{ "and a client outside is outside", "127.0.0.1", "198.51.100.1", 403 },
	{ "a chain of trusted proxies", "127.0.0.1", "192.0.2.9, 10.1.1.1",
	    202 },
	{ "what the client claims to stand before it does not count",
	    "127.0.0.1", "192.0.2.9, 198.51.100.1", 403 },
	{ "a proxy we do not trust is the client", "198.51.100.1", "192.0.2.9",
	    403 },
	{ "a trusted proxy without a client is outside itself", "127.0.0.1",
	    NULL, 403 },
	{ "nonsense from a trusted proxy", "127.0.0.1", "unknown", 403 },
	{ "blanks around", "127.0.0.1", "a,  192.0.2.9 \t", 202 },
};

static void
only_allowed_addresses_may_send(void **state)
{
	(void)state;
	start_with(guarded);
	for (unsigned i = 0; i < sizeof peers / sizeof *peers; i++) {
		struct webhook_params w;
		struct fcgi_reply reply;
		char body[1024];
		size_t len = push_body(body, sizeof body, i);

		webhook_params(&w, RESPONDER_SECRET, "push", i, body, len);
		webhook_set(&w, "REMOTE_ADDR", peers[i].peer);
		if (peers[i].forwarded != NULL)
			webhook_set(
			    &w, "HTTP_X_FORWARDED_FOR", peers[i].forwarded);
		webhook_post(&responder, &w, body, len, &reply);
		if (reply.status != peers[i].status)
			fail_msg("%s: %d %s", peers[i].why, reply.status,
			    reply.body);
	}
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_old_and_new_health_checks_answer),
		cmocka_unit_test(readiness_follows_the_runner),
		cmocka_unit_test(a_full_queue_says_when_to_come_again),
		cmocka_unit_test(room_that_comes_back_is_used),
		cmocka_unit_test(a_full_disk_is_no_room),
		cmocka_unit_test(only_allowed_addresses_may_send),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
