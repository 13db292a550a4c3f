/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hook_fixture.h"

struct err
compile(struct compiled *c, const char *text)
{
	char path[] = "/tmp/hook-test-XXXXXX";
	struct err err = { 0 };
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	*c = (struct compiled){ 0 };
	assert_non_null(f);
	fprintf(f, "webhook-secret: aaaaaaaaaaaaaaaaaaaa\n%s\n", text);
	fclose(f);
	if (config_load(&c->config, path, NULL, &err) == 0)
		(void)!hooks_compile(&c->hooks, c->config, &err);
	unlink(path);
	return err;
}

void
release(struct compiled *c)
{
	hooks_free(c->hooks);
	config_free(c->config);
}

void
compile_one(struct compiled *c, const char *keys)
{
	char text[2048];
	struct err err;

	snprintf(text, sizeof text, "hooks:\n- {name: h, command: [x]%s%s}",
	    *keys ? ", " : "", keys);
	err = compile(c, text);
	if (c->hooks == NULL)
		fail_msg("%s: %s", keys, err.text);
}

struct job_head
a_head(const char *event, const char *action)
{
	struct job_head head = { .number = 7 };

	snprintf(head.event, sizeof head.event, "%s", event);
	snprintf(head.action, sizeof head.action, "%s",
	    action != NULL ? action : "");
	snprintf(head.repository, sizeof head.repository, "%s", "Octo/Hello");
	snprintf(head.delivery, sizeof head.delivery, "%s",
	    "72d3162e-cc78-11e3-81ab-4c9367dc0958");
	snprintf(head.id, sizeof head.id, "%s",
	    "7-72d3162e-cc78-11e3-81ab-4c9367dc0958");
	snprintf(head.hook_id, sizeof head.hook_id, "%s", "42");
	snprintf(head.sender, sizeof head.sender, "%s", "octocat");
	snprintf(head.peer, sizeof head.peer, "%s", "192.0.2.7");
	return head;
}

struct json *
a_payload(const char *text)
{
	struct json *doc = NULL;
	struct err err = { 0 };

	if (json_parse(&doc, text, strlen(text), &err) == -1)
		fail_msg("%s: %s", text, err.text);
	return doc;
}
