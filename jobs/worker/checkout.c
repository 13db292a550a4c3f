/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "exec/scratch.h"
#include "git/git.h"
#include "git/mirror.h"
#include "git/workspace.h"
#include "github/client.h"
#include "github/names.h"
#include "hook.h"
#include "runner/report.h"
#include "worker/checkout.h"
#include "worker/job.h"

#define SWEPT_FOR (10 * CLOCK_SECOND)

static int
find_data(char *out, size_t size, const struct config *config, struct err *err)
{
	const char *data = config_str(config, NULL, "data-directory");
	char real[PATH_MAX];

	if (realpath(data, real) == NULL)
		return err_sys(err, "%.100s", data);
	if (strlen(real) >= size / 2)
		return err_set(
		    err, ERR_CONF, 0, "%.100s: the path is too long", data);
	memcpy(out, real, strlen(real) + 1);
	return 0;
}

int
checkout_open(struct checkout *out, struct job *job, struct err *err)
{
	const struct config *config = job->config;
	struct checkout *c = out;

	*c = (struct checkout){ .job = job };
	git_cancel_on(job->cancel_fd);
	if (find_data(c->data, sizeof c->data, config, err) == -1 ||
	    git_start(config_str(config, NULL, "ca-file"), err) == -1 ||
	    git_source_init(&c->source, config, job->head.repository, err) ==
		-1)
		return -1;
	return mirror_open(&c->mirror, c->data, &c->source.mirror, err);
}

int
checkout_client(struct checkout *c, struct err *err)
{
	const struct job *job = c->job;

	if (c->gh != NULL)
		return 0;
	return github_open(&c->gh, job->config, job->head.repository,
	    job->head.request_id, &c->job->log, err);
}

/* Before each use of the remote: tokens are chosen anew each time. */
static int
take_token(struct checkout *c, struct err *err)
{
	if (checkout_client(c, err) == -1 ||
	    git_source_token(&c->source, c->gh, err) == -1)
		return -1;
	mirror_set_token(c->mirror, c->source.mirror.token);
	return 0;
}

/* 0 fetched, 1 not needed. */
static int
fetch(struct checkout *c, const char *extra, const char *sha, int *rebuilt,
    struct err *err)
{
	if (sha != NULL && mirror_has(c->mirror, sha))
		return 1;
	if (take_token(c, err) == -1)
		return -1;
	c->fetched = 1;
	return mirror_fetch(c->mirror, extra, rebuilt, err);
}

int
checkout_fetch(
    struct checkout *c, const char *extra, const char *sha, struct err *err)
{
	struct step *step = step_start(&c->job->log, "mirror_fetch");
	int is_new = *mirror_path(c->mirror) == '\0', rebuilt = 0, rc;

	c->extra = extra;
	step_data(step, "repository", c->source.repository);
	rc = fetch(c, extra, sha, &rebuilt, err);
	if (rc == -1) {
		step_fail(step, err);
		return -1;
	}
	step_data(step, "mirror",
	    rc == 1   ? "has the commit"
	    : rebuilt ? "was broken, rebuilt"
	    : is_new  ? "new"
		      : "updated");
	step_complete(step);
	return 0;
}

/*
 * A mirror whose objects cannot be read does not become better by itself: it
 * is built anew, once, and whoever reads the steps is told.
 */
static int
check_out(struct checkout *c, const struct workspace_options *options,
    struct step *step, struct err *err)
{
	if (workspace_create(&c->workspace, c->data, c->mirror, options, err) ==
	    0)
		return 0;
	if (err->class != ERR_PERM)
		return -1;
	steplog_note(&c->job->log, "mirror: %s; it is built anew", err->text);
	step_data(step, "mirror", "was broken, rebuilt");
	if (take_token(c, err) == -1)
		return -1;
	c->fetched = 1;
	if (mirror_rebuild(c->mirror, c->extra, err) == -1)
		return -1;
	return workspace_create(
	    &c->workspace, c->data, c->mirror, options, err);
}

static int
make(struct checkout *c, const char *sha, struct step *step, struct err *err)
{
	struct workspace_options options = { .job_id = c->job->head.id,
		.sha = sha,
		.max_bytes =
		    config_size(c->job->config, NULL, "workspace.job-bytes") };

	if (!github_sha_valid(sha) || strlen(sha) != 40)
		return err_set(
		    err, ERR_BAD, 0, "%.70s: not a commit's SHA-1", sha);
	if (!mirror_has(c->mirror, sha))
		return err_set(err, ERR_TEMP, 0,
		    "the remote does not show commit %.40s yet", sha);
	if (check_out(c, &options, step, err) == -1)
		return -1;
	snprintf(c->sha, sizeof c->sha, "%s", sha);
	return 0;
}

int
checkout_make(struct checkout *c, const char *sha, struct err *err)
{
	struct step *step = step_start(&c->job->log, "workspace_ready");
	unsigned pointers;

	step_data(step, "sha", sha);
	if (make(c, sha, step, err) == -1) {
		step_fail(step, err);
		return -1;
	}
	step_data(step, "path", workspace_path(c->workspace));
	pointers = workspace_lfs_pointers(c->workspace);
	if (pointers > 0)
		step_data_int(step, "lfs_pointers", pointers);
	step_complete(step);
	return 0;
}

/* A fetch may have been one too many for its mirror. */
static void
pack_mirror(struct checkout *c)
{
	struct err err;
	int done;

	if (!c->fetched)
		return;
	if (mirror_pack(c->mirror, &done, &err) == -1)
		steplog_note(&c->job->log, "mirror: not packed: %s", err.text);
	else if (done)
		steplog_note(&c->job->log, "mirror: its packs are one again");
}

/* Only a fetch can have made the mirrors too large. */
static void
keep_mirrors_small(struct checkout *c)
{
	uint64_t room =
	    config_size(c->job->config, NULL, "workspace.mirror-bytes");
	unsigned removed = 0;
	struct err err;

	if (!c->fetched)
		return;
	if (mirrors_evict(c->data, room, &removed, &err) == -1)
		steplog_note(&c->job->log, "mirrors: %s", err.text);
	else if (removed > 0)
		steplog_note(&c->job->log, "mirrors: %u removed", removed);
}

void
checkout_close(struct checkout *c)
{
	struct step *step;

	if (c->job == NULL)
		return;
	if (c->workspace != NULL) {
		step = step_start(&c->job->log, "workspace_cleaned");
		workspace_remove(c->workspace);
		step_complete(step);
	}
	pack_mirror(c);
	mirror_close(c->mirror);
	keep_mirrors_small(c);
	/* What GitHub said goes before the schedule, if the job tries again. */
	if (c->gh != NULL && github_retry_at(c->gh) != 0)
		report_retry_at(github_retry_at(c->gh) * CLOCK_SECOND);
	github_close(c->gh);
	*c = (struct checkout){ 0 };
}

void
checkout_expect(const struct job_config *config)
{
	const struct hook *hook;
	struct err ignored;
	int wanted =
	    config_str(config->config, NULL, "issue-job.label") != NULL;

	for (size_t i = 0; (hook = hooks_at(config->hooks, i)) != NULL; i++)
		wanted |= hook->workspace != WORKSPACE_NONE;
	/* Who needs it and does not get it will say so. */
	if (wanted && git_load(&ignored) == -1)
		return;
}

static const struct {
	const char *name;
	int (*sweep)(const char *data, unsigned *removed, struct err *err);
} folders[] = {
	{ "workspaces", workspaces_sweep },
	{ "scratch", scratch_sweep },
};

#define FOLDERS (sizeof folders / sizeof *folders)

/* Says what it found, where it found something. */
static void
sweep(struct job *job, const char *data, const char *folder,
    int (*remove)(const char *data, unsigned *removed, struct err *err))
{
	char path[1100];
	unsigned removed = 0;
	struct err err;

	snprintf(path, sizeof path, "%s/%s", data, folder);
	if (access(path, F_OK) == -1)
		return;
	if (remove(data, &removed, &err) == -1)
		steplog_note(&job->log, "%s: %s", folder, err.text);
	else if (removed > 0)
		steplog_note(&job->log,
		    "%s: %u left by jobs that are gone, removed", folder,
		    removed);
}

void
checkout_sweep(struct job *job)
{
	char data[1024];
	struct err err;

	if (job->config == NULL ||
	    find_data(data, sizeof data, job->config, &err) == -1)
		return;
	for (size_t i = 0; i < FOLDERS; i++)
		sweep(job, data, folders[i].name, folders[i].sweep);
}

int
checkout_is_swept(struct checkout_swept *last, const struct config *config)
{
	struct checkout_swept now = { .at = clock_boot() };
	char path[1100];

	for (size_t i = 0; config != NULL && i < FOLDERS; i++) {
		struct stat st;

		snprintf(path, sizeof path, "%.1000s/%s",
		    config_str(config, NULL, "data-directory"),
		    folders[i].name);
		if (stat(path, &st) == 0)
			now.changed[i] = st.st_mtim;
	}
	if (last->at != 0 && now.at - last->at < SWEPT_FOR &&
	    memcmp(now.changed, last->changed, sizeof now.changed) == 0)
		return 1;
	*last = now;
	return 0;
}
