/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "hook.h"
#include "secret.h"

/* Checks of the configuration, the secrets and the hooks. */

static int readable_by_others(const char *path, mode_t *mode);

void
doctor_configuration(struct doctor *d, struct finding *f)
{
	if (d->cli->config == NULL)
		finding_fail(f, "%s\n%s", d->config_err.text,
		    d->config_err.sys == ENOENT
			? "hookspool setup init writes one"
			: "hookspool config check lists every mistake");
	else if (d->report.warnings > 0)
		finding_warn(f, "%s\nhookspool config check lists all",
		    d->report.lines[0]);
	else
		finding_ok(f, "%s", config_path(d->cli->config));
}

/* Every repository needs one: its own, or that of the top. */
void
doctor_secrets(struct doctor *d, struct finding *f)
{
	const struct config *config = d->cli->config;
	const struct secret *const *secrets;
	const char *const *names;
	size_t n = config_secrets(config, NULL, "webhook-secret", &secrets);
	size_t repositories = config_repositories(config, &names), own = 0;

	for (size_t i = 0; i < n; i++) {
		if (secret_len(secrets[i]) < 16) {
			finding_warn(f,
			    "a webhook secret has only %zu characters\n"
			    "make one of 32 random bytes: openssl rand -hex 32",
			    secret_len(secrets[i]));
			return;
		}
	}
	for (size_t i = 0; i < repositories; i++)
		own += config_secrets(
			   config, names[i], "webhook-secret", &secrets) > 0;
	if (n > 0)
		finding_ok(f, "%zu active%s", n, n > 1 ? " (rotation)" : "");
	else if (config_bool(config, NULL, "allow-unsigned"))
		finding_warn(f,
		    "none: anybody who reaches the server can queue jobs\n"
		    "set webhook-secret-file and remove allow-unsigned");
	else if (own > 0 && own == repositories)
		finding_ok(f, "each of %zu repositories has its own", own);
	else
		finding_fail(f,
		    "none: the responder refuses to start\n"
		    "set webhook-secret-file, and the same secret at GitHub");
}

void
doctor_secret_files(struct doctor *d, struct finding *f)
{
	const char *const *files, *path = config_path(d->cli->config);
	size_t n =
	    config_list(d->cli->config, NULL, "webhook-secret-file", &files);
	mode_t mode;

	for (size_t i = 0; i < n; i++) {
		if (readable_by_others(files[i], &mode)) {
			finding_fail(f,
			    "%s: everybody may read it (mode %04o)\n"
			    "chmod o-rwx %s, then change the secret",
			    files[i], (unsigned)mode, files[i]);
			return;
		}
	}
	if (readable_by_others(path, &mode))
		finding_warn(f,
		    "%s: everybody may read it (mode %04o)\n"
		    "chmod 0640 it, or keep all secrets in files of their own",
		    path, (unsigned)mode);
	else
		finding_ok(f, "%zu, and the configuration: private", n);
}

/* Names without a slash are systemd's credentials, private by nature. */
static int
readable_by_others(const char *path, mode_t *mode)
{
	struct stat st;

	if (strchr(path, '/') == NULL || stat(path, &st) == -1)
		return 0;
	*mode = st.st_mode & 07777;
	return (st.st_mode & S_IRWXO) != 0;
}

void
doctor_separation(struct doctor *d, struct finding *f)
{
	const char *file = config_above_data(d->cli->config);

	if (file != NULL)
		finding_warn(f,
		    "%s lies above the data directory: the responder may read "
		    "all of the spool\n"
		    "move it into a directory of its own, such as "
		    "/etc/hookspool",
		    file);
	else
		finding_ok(
		    f, "configuration and secrets lie apart from the spool");
}

void
doctor_hooks(struct doctor *d, struct finding *f)
{
	struct hooks *hooks = NULL;
	struct err err = { 0 };
	const char *program;

	if (hooks_compile(&hooks, d->cli->config, &err) == -1) {
		finding_fail(
		    f, "%s\nmend it: no hook runs until then", err.text);
		return;
	}
	finding_ok(f, "%zu", hooks_count(hooks));
	for (size_t i = 0; i < hooks_count(hooks); i++) {
		const struct hook *hook = hooks_at(hooks, i);

		program = hook->command[0];
		if (program[0] != '/' || strstr(program, "{{") != NULL ||
		    access(program, X_OK) == 0)
			continue;
		finding_warn(f,
		    "hook %s: %s: %s\ninstall it, or mend the hook's command",
		    hook->name, program, strerror(errno));
		break;
	}
	hooks_free(hooks);
}
