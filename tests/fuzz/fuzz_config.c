/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"
#include "err.h"
#include "hook.h"

/*
 * A repository's own configuration, which is a stranger's, laid over an empty
 * one; then the same text as config.yaml, and the hooks in it compiled. What
 * is refused is refused with a message.
 */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static struct config *
load(const void *text, size_t size)
{
	struct config_report report = { 0 };
	struct config *config = NULL;
	struct err err = { 0 };
	char path[40];
	int fd = memfd_create("config.yaml", MFD_CLOEXEC);

	if (fd == -1 || write(fd, text, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (config_load(&config, path, &report, &err) == -1 &&
	    err.text[0] == '\0')
		abort();
	config_report_free(&report);
	close(fd);
	return config;
}

static void
lay_over(const char *text, size_t size)
{
	static struct config *below;
	struct config_report report = { 0 };
	struct config *config;
	struct err err = { 0 };

	if (below == NULL)
		below = load("allow-unsigned: true\n", 21);
	if (below == NULL)
		abort();
	if (config_overlay(
		&config, below, "octo/app", text, size, &report, &err) == 0)
		config_free(config);
	else if (err.text[0] == '\0')
		abort();
	config_report_free(&report);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct hooks *hooks;
	struct err err = { 0 };
	struct config *config;

	lay_over((const char *)data, size);
	config = load(data, size);
	if (config == NULL)
		return 0;
	if (hooks_compile(&hooks, config, &err) == 0)
		hooks_free(hooks);
	else if (err.text[0] == '\0')
		abort();
	config_free(config);
	return 0;
}
