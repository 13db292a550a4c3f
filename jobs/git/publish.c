/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "filetree.h"
#include "fsio.h"
#include "git/fetch.h"
#include "git/git.h"
#include "git/libgit2.h"
#include "git/mirror.h"
#include "git/mirror_dir.h"
#include "git/publish.h"
#include "git/workspace.h"
#include "head.h"

#define NESTED_MAX     64 /* that are told of; one is enough to refuse */
#define MODE_SUBMODULE 0160000u

struct publication {
	char path[PATH_MAX_GIT + JOB_ID_MAX + 32]; /* JOB-ID.publish */
	char name[WORK_NAME_MAX];
	int parent; /* workspaces/ */
	git_repository *repo;
	git_tree *base;
	git_oid tree; /* of all files as they are, once looked at */
	int is_staged;
	git_diff *diff;
	struct change *changes;
	size_t count;
	char *nested[NESTED_MAX]; /* paths of repositories in the workspace */
	size_t nested_count;
};

static int
add_alternates(struct publication *p, const char *objects, struct err *err)
{
	git_odb *odb = NULL;
	int rc = git_repository_odb(&odb, p->repo);

	if (rc == 0)
		rc = git_odb_add_disk_alternate(odb, objects);
	git_odb_free(odb);
	return rc < 0 ? git_failed(err, rc, "publish") : 0;
}

static int
look_up_base(struct publication *p, const char *sha, struct err *err)
{
	git_commit *commit = NULL;
	git_oid oid;
	int rc = git_oid_fromstr(&oid, sha);

	if (rc == 0)
		rc = git_commit_lookup(&commit, p->repo, &oid);
	if (rc == 0)
		rc = git_commit_tree(&p->base, commit);
	git_commit_free(commit);
	return rc < 0 ? git_failed(err, rc, "commit %.40s", sha) : 0;
}

static int
make_repository(struct publication *p, const char *workspace, struct err *err)
{
	git_repository_init_options options;
	int rc;

	git_repository_init_options_init(
	    &options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	options.flags = GIT_REPOSITORY_INIT_NO_REINIT |
			GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
	options.mode = 0700;
	if (filetree_remove(p->parent, p->name, err) == -1)
		return -1;
	rc = git_repository_init_ext(&p->repo, p->path, &options);
	if (rc == 0) /* without a word of it in the workspace */
		rc = git_repository_set_workdir(p->repo, workspace, 0);
	return rc < 0 ? git_failed(err, rc, "publish") : 0;
}

int
publish_open(struct publication **out, const char *data_directory,
    struct mirror *mirror, const struct publish_options *options,
    struct err *err)
{
	struct publication *p = calloc(1, sizeof *p);
	char objects[PATH_MAX_GIT + 64];

	if (p == NULL)
		return err_set(err, ERR_TEMP, 0, "publish: out of memory");
	if (!head_job_id_valid(options->job_id))
		BUG("publication of a job without a valid ID");
	p->parent = -1;
	snprintf(p->name, sizeof p->name, "%s" PUBLISH_SUFFIX, options->job_id);
	snprintf(p->path, sizeof p->path, "%s/workspaces/%s", data_directory,
	    p->name);
	snprintf(objects, sizeof objects, "%s/objects", mirror_path(mirror));
	if (fs_make_below(
		&p->parent, data_directory, "workspaces", 0700, err) == -1 ||
	    make_repository(p, options->workspace, err) == -1 ||
	    add_alternates(p, objects, err) == -1 ||
	    look_up_base(p, options->base, err) == -1) {
		publish_close(p);
		return -1;
	}
	*out = p;
	return 0;
}

void
publish_close(struct publication *p)
{
	struct err ignored;

	if (p == NULL)
		return;
	git_diff_free(p->diff);
	git_tree_free(p->base);
	git_repository_free(p->repo);
	/* What cannot be removed now is left to workspaces_sweep(). */
	if (p->parent != -1 &&
	    filetree_remove(p->parent, p->name, &ignored) == -1)
		ignored.class = ERR_NONE;
	fs_close(&p->parent);
	for (size_t i = 0; i < p->nested_count; i++)
		free(p->nested[i]);
	free(p->changes);
	free(p);
}

/* ---- looking ---- */

/*
 * A path with a slash at its end is a repository inside the workspace. git
 * would make a submodule of it, or nothing: it is left out and told of.
 */
static int
take_path(const char *path, const char *pattern, void *payload)
{
	struct publication *p = payload;
	size_t len = strlen(path);

	(void)pattern;
	if (len == 0 || path[len - 1] != '/')
		return 0;
	if (p->nested_count < NESTED_MAX) {
		char *copy = strndup(path, len - 1);

		if (copy == NULL)
			return -1;
		p->nested[p->nested_count++] = copy;
	}
	return 1;
}

/* Every file as it is now, into a tree of our own. */
static int
stage_all(struct publication *p, struct err *err)
{
	git_index *index = NULL;
	char all[] = "*";
	char *specs[] = { all };
	git_strarray pathspec = { specs, 1 };
	int rc = git_repository_index(&index, p->repo);

	if (rc == 0)
		rc = git_index_read_tree(index, p->base);
	if (rc == 0)
		rc = git_index_add_all(
		    index, &pathspec, GIT_INDEX_ADD_DEFAULT, take_path, p);
	if (rc == 0)
		rc = git_index_update_all(index, &pathspec, NULL, NULL);
	if (rc == 0)
		rc = git_index_write_tree(&p->tree, index);
	git_index_free(index);
	if (rc < 0)
		return git_failed(err, rc, "the workspace's files");
	p->is_staged = 1;
	return 0;
}

static int
compare_trees(struct publication *p, struct err *err)
{
	git_diff_options options;
	git_tree *tree = NULL;
	int rc;

	git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags = GIT_DIFF_INCLUDE_TYPECHANGE;
	rc = git_tree_lookup(&tree, p->repo, &p->tree);
	if (rc == 0)
		rc = git_diff_tree_to_tree(
		    &p->diff, p->repo, p->base, tree, &options);
	git_tree_free(tree);
	return rc < 0 ? git_failed(err, rc, "diff") : 0;
}

static char
kind_of(git_delta_t status)
{
	switch ((int)status) {
	case GIT_DELTA_ADDED:
		return 'A';
	case GIT_DELTA_DELETED:
		return 'D';
	case GIT_DELTA_TYPECHANGE:
		return 'T';
	default:
		return 'M';
	}
}

static int
read_change(struct change *out, git_diff *diff, size_t i, struct err *err)
{
	const git_diff_delta *delta = git_diff_get_delta(diff, i);
	struct change c = { .kind = kind_of(delta->status),
		.path = delta->status == GIT_DELTA_DELETED
			    ? delta->old_file.path
			    : delta->new_file.path,
		.mode = delta->new_file.mode };
	git_patch *patch = NULL;
	int rc = git_patch_from_diff(&patch, diff, i);

	if (rc < 0)
		return git_failed(err, rc, "diff");
	/* No patch, or the flag that making one sets: a binary file. */
	c.is_binary = patch == NULL || (delta->flags & GIT_DIFF_FLAG_BINARY);
	if (patch != NULL && !c.is_binary)
		rc = git_patch_line_stats(NULL, &c.added, &c.removed, patch);
	git_patch_free(patch);
	if (rc < 0)
		return git_failed(err, rc, "diff");
	*out = c;
	return 0;
}

int
publish_changes(struct publication *p, const struct change **changes,
    size_t *count, struct err *err)
{
	size_t n;

	if (!p->is_staged &&
	    (stage_all(p, err) == -1 || compare_trees(p, err) == -1))
		return -1;
	if (p->changes == NULL) {
		n = git_diff_num_deltas(p->diff);
		p->changes =
		    calloc(n + p->nested_count + 1, sizeof *p->changes);
		if (p->changes == NULL)
			return err_set(
			    err, ERR_TEMP, 0, "changes: out of memory");
		for (size_t i = 0; i < n; i++) {
			if (read_change(&p->changes[i], p->diff, i, err) == -1)
				return -1;
		}
		for (size_t i = 0; i < p->nested_count; i++)
			p->changes[n++] = (struct change){ .kind = 'A',
				.path = p->nested[i],
				.mode = MODE_SUBMODULE };
		p->count = n;
	}
	*changes = p->changes;
	*count = p->count;
	return 0;
}

/* ---- committing and pushing ---- */

int
publish_commit(struct publication *p, const char *parent,
    const struct publish_author *author, const char *message, char sha[65],
    struct err *err)
{
	git_signature *who = NULL;
	git_commit *before = NULL;
	git_tree *tree = NULL;
	git_oid oid;
	const git_commit *parents[1];
	int rc = git_oid_fromstr(&oid, parent);

	if (!p->is_staged)
		BUG("publish_commit() before publish_changes()");
	if (rc == 0)
		rc = git_commit_lookup(&before, p->repo, &oid);
	if (rc == 0)
		rc = git_tree_lookup(&tree, p->repo, &p->tree);
	if (rc == 0)
		rc = git_signature_new(&who, author->name, author->email,
		    (git_time_t)(clock_wall() / CLOCK_SECOND), 0);
	parents[0] = before;
	if (rc == 0)
		rc = git_commit_create(&oid, p->repo, NULL, who, who, NULL,
		    message, tree, 1, parents);
	git_signature_free(who);
	git_commit_free(before);
	git_tree_free(tree);
	if (rc < 0)
		return git_failed(err, rc, "commit");
	git_oid_tostr(sha, GIT_OID_HEXSZ + 1, &oid);
	return 0;
}

struct push_job {
	struct publication *p;
	const struct mirror_source *source;
	const char *sha, *branch;
};

static int
make_local_branch(
    struct publication *p, const char *sha, const char *ref, struct err *err)
{
	git_reference *reference = NULL;
	git_oid oid;
	int rc = git_oid_fromstr(&oid, sha);

	if (rc == 0)
		rc = git_reference_create(
		    &reference, p->repo, ref, &oid, 1, NULL);
	git_reference_free(reference);
	return rc < 0 ? git_failed(err, rc, "branch") : 0;
}

static int
push_in_child(void *arg, struct err *err)
{
	const struct push_job *job = arg;
	struct remote_state state = { .token = job->source->token };
	git_push_options options;
	git_remote *remote = NULL;
	char ref[300], spec[620], *specs[] = { spec };
	git_strarray refspecs = { specs, 1 };
	int rc;

	snprintf(ref, sizeof ref, "refs/heads/%.280s", job->branch);
	snprintf(spec, sizeof spec, "%s:%s", ref, ref);
	if (remote_check_url(job->source->url, err) == -1 ||
	    make_local_branch(job->p, job->sha, ref, err) == -1)
		return -1;
	git_push_options_init(&options, GIT_PUSH_OPTIONS_VERSION);
	remote_callbacks(&options.callbacks, &state);
	options.pb_parallelism = 1;
	rc = git_remote_create_anonymous(
	    &remote, job->p->repo, job->source->url);
	if (rc == 0)
		rc = git_remote_push(remote, &refspecs, &options);
	git_remote_free(remote);
	if (rc == GIT_ENONFASTFORWARD)
		return err_set(err, ERR_TEMP, 0,
		    "push: %.100s has moved on meanwhile", job->branch);
	if (rc < 0)
		return remote_failed(err, &state, rc, "push");
	if (state.refused[0] != '\0')
		return err_set(
		    err, ERR_PERM, 0, "push refused: %s", state.refused);
	return 0;
}

int
publish_push(struct publication *p, const struct mirror_source *remote,
    const char *sha, const char *branch, struct err *err)
{
	struct push_job job = {
		.p = p, .source = remote, .sha = sha, .branch = branch
	};
	int valid = 0;
	char ref[300];

	snprintf(ref, sizeof ref, "refs/heads/%.280s", branch);
	if (git_reference_name_is_valid(&valid, ref) < 0 || !valid)
		return err_set(
		    err, ERR_BAD, 0, "%.100s: not a branch's name", branch);
	return git_in_child(push_in_child, &job, remote->timeout, "push", err);
}
