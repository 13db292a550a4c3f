/* SPDX-License-Identifier: MIT */
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "fcgi_client.h"

/* Record types and flags of the FastCGI specification 1.0. */
enum { BEGIN = 1, END = 3, PARAMS = 4, STDIN = 5, STDOUT = 6, STDERR = 7 };
enum { ROLE_RESPONDER = 1, KEEP_CONN = 1 };

#define RECORD_MAX 65535
#define HEADER	   8

static int send_record(int fd, int type, const void *bytes, size_t len);
static int send_stream(int fd, int type, const void *bytes, size_t len);
static int send_bytes(int fd, const void *bytes, size_t len);
static size_t put_length(unsigned char *out, size_t n);
static int receive_bytes(int fd, void *bytes, size_t len);
static int receive_record(int fd, struct fcgi_reply *reply, size_t *used);
static int read_head(struct fcgi_reply *reply);

int
fcgi_connect(const char *path)
{
	const struct timeval limit = { .tv_sec = FCGI_SECONDS };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

int
fcgi_send(int fd, const struct fcgi_param *params, const void *body, size_t len,
    int keep)
{
	if (fcgi_send_begin(fd, keep) == -1 ||
	    fcgi_send_params(fd, params) == -1)
		return -1;
	if (len > 0 && fcgi_send_stdin(fd, body, len) == -1)
		return -1;
	return fcgi_send_end(fd);
}

int
fcgi_send_begin(int fd, int keep)
{
	unsigned char begin[8] = { 0, ROLE_RESPONDER,
		(unsigned char)(keep ? KEEP_CONN : 0) };

	return send_record(fd, BEGIN, begin, sizeof begin);
}

int
fcgi_send_params(int fd, const struct fcgi_param *params)
{
	for (; params->name != NULL; params++) {
		size_t name = strlen(params->name), value, at;
		unsigned char *pair;
		int rc;

		if (params->value == NULL)
			continue;
		value = strlen(params->value);
		pair = malloc(name + value + 8);
		if (pair == NULL)
			return -1;
		at = put_length(pair, name);
		at += put_length(pair + at, value);
		memcpy(pair + at, params->name, name);
		memcpy(pair + at + name, params->value, value);
		rc = send_stream(fd, PARAMS, pair, at + name + value);
		free(pair);
		if (rc == -1)
			return -1;
	}
	return send_record(fd, PARAMS, "", 0);
}

int
fcgi_send_stdin(int fd, const void *bytes, size_t len)
{
	return send_stream(fd, STDIN, bytes, len);
}

int
fcgi_send_end(int fd)
{
	return send_record(fd, STDIN, "", 0);
}

/* One byte up to 127, else four with the top bit set. */
static size_t
put_length(unsigned char *out, size_t n)
{
	if (n < 128) {
		out[0] = (unsigned char)n;
		return 1;
	}
	out[0] = (unsigned char)(n >> 24 | 0x80);
	out[1] = (unsigned char)(n >> 16);
	out[2] = (unsigned char)(n >> 8);
	out[3] = (unsigned char)n;
	return 4;
}

static int
send_stream(int fd, int type, const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len > 0) {
		size_t part = len < RECORD_MAX ? len : RECORD_MAX;

		if (send_record(fd, type, p, part) == -1)
			return -1;
		p += part;
		len -= part;
	}
	return 0;
}

static int
send_record(int fd, int type, const void *bytes, size_t len)
{
	unsigned char head[HEADER] = { 1, (unsigned char)type, 0, 1,
		(unsigned char)(len >> 8), (unsigned char)len };

	if (send_bytes(fd, head, sizeof head) == -1)
		return -1;
	return send_bytes(fd, bytes, len);
}

static int
send_bytes(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
receive_bytes(int fd, void *bytes, size_t len)
{
	char *p = bytes;

	while (len > 0) {
		ssize_t n = recv(fd, p, len, 0);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (n == 0)
				errno = ECONNRESET;
			return -1;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
fcgi_receive(int fd, struct fcgi_reply *reply)
{
	size_t used = 0;
	int rc;

	memset(reply, 0, sizeof *reply);
	while ((rc = receive_record(fd, reply, &used)) == 0)
		continue;
	reply->text[used] = '\0';
	if (rc == -1)
		reply->closed = 1;
	return read_head(reply) == -1 || rc == -1 ? -1 : 0;
}

/* 0 more to come, 1 the request's end, -1 failure. */
static int
receive_record(int fd, struct fcgi_reply *reply, size_t *used)
{
	unsigned char head[HEADER];
	static const size_t room = FCGI_REPLY_MAX - 1;
	char trash[256];
	size_t len;

	if (receive_bytes(fd, head, sizeof head) == -1)
		return -1;
	len = (size_t)head[4] << 8 | head[5];
	if (head[1] == STDOUT && len <= room - *used) {
		if (receive_bytes(fd, reply->text + *used, len) == -1)
			return -1;
		*used += len;
		len = 0;
	}
	for (len += head[6]; len > 0;) {
		size_t part = len < sizeof trash ? len : sizeof trash;

		if (receive_bytes(fd, trash, part) == -1)
			return -1;
		len -= part;
	}
	return head[1] == END;
}

static int
read_head(struct fcgi_reply *reply)
{
	const char *end = strstr(reply->text, "\r\n\r\n");
	char status[16];

	if (end == NULL) {
		errno = EPROTO;
		return -1;
	}
	reply->body = end + 4;
	fcgi_header(reply, "Status", status, sizeof status);
	reply->status = status[0] == '\0' ? 200 : atoi(status);
	return 0;
}

void
fcgi_header(
    const struct fcgi_reply *reply, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);
	const char *line = reply->text;

	out[0] = '\0';
	while (line < reply->body - 2) {
		size_t end = strcspn(line, "\r");

		if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
			line += len + 1 + strspn(line + len + 1, " ");
			end = strcspn(line, "\r");
			if (end >= size)
				end = size - 1;
			memcpy(out, line, end);
			out[end] = '\0';
			return;
		}
		line += end + 2;
	}
}

int
fcgi_ask(const char *path, const struct fcgi_param *params, const void *body,
    size_t len, struct fcgi_reply *reply)
{
	int fd = fcgi_connect(path), rc;

	if (fd == -1)
		return -1;
	/* A refused body may not be taken wholly; the reply counts. */
	(void)fcgi_send(fd, params, body, len, 0);
	rc = fcgi_receive(fd, reply);
	close(fd);
	return rc;
}
