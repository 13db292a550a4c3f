/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgi.h"
#include "desk.h"
#include "exchange.h"
#include "fsio.h"
#include "log.h"
#include "reply.h"
#include "request.h"
#include "sandbox.h"
#include "settings.h"
#include "spool.h"

#define DRAIN_SECONDS 30

struct input {
	unsigned long long left; /* a script must not read past the length */
};

static int open_all(struct spool **spool, const char *config, struct err *err);
static void refuse(const struct exchange *x);
static void read_rest(const struct exchange *x);

static ssize_t
read_stdin(void *channel, void *bytes, size_t len)
{
	struct input *in = channel;
	ssize_t n;

	if (len > in->left)
		len = (size_t)in->left;
	if (len == 0)
		return 0;
	do
		n = read(STDIN_FILENO, bytes, len);
	while (n == -1 && errno == EINTR);
	if (n > 0)
		in->left -= (unsigned long long)n;
	return n;
}

static int
write_stdout(void *channel, const void *bytes, size_t len)
{
	struct err ignored;

	(void)channel;
	return fs_write_all(STDOUT_FILENO, bytes, len, &ignored);
}

int
cgi_run(const char *config)
{
	const char *length = getenv("CONTENT_LENGTH");
	struct input input = { ~0ull };
	struct exchange x = {
		.params = environ,
		.channel = &input,
		.read = read_stdin,
		.write = write_stdout,
	};
	struct spool *spool = NULL;
	struct err err = { 0 };
	struct desk desk;

	if (length != NULL && *length != '\0' && *length != '-')
		input.left = strtoull(length, NULL, 10);
	if (open_all(&spool, config, &err) == -1) {
		log_event(LOG_ERROR_, "start", "%s", err.text);
		refuse(&x);
	} else {
		desk_init(&desk, spool);
		desk_answer(&desk, &x);
		desk_release(&desk);
	}
	read_rest(&x);
	spool_close(spool);
	settings_current_release();
	return 0;
}

/* Input and output may be one socket (Apache's mod_cgid): closed with bytes
 * unread, it would take the reply along. */
static void
read_rest(const struct exchange *x)
{
	char trash[16384];

	alarm(DRAIN_SECONDS);
	while (x->read(x->channel, trash, sizeof trash) > 0)
		continue;
}

static int
open_all(struct spool **spool, const char *config, struct err *err)
{
	struct settings *s;

	if (settings_load(&s, config, err) == -1)
		return -1;
	settings_current_init(s);
	if (spool_open(spool, s->spool_path, 1, err) == -1)
		return -1;
	if (sandbox_forgo(err) == -1)
		return -1;
	return sandbox_enter(s, *spool, err);
}

static void
refuse(const struct exchange *x)
{
	struct request r;
	struct reply reply = { .code = REPLY_NO_CONFIG, .request_id = r.id };

	request_read(&r, x->params);
	(void)reply_send(&reply, x);
}
