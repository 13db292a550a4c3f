/* SPDX-License-Identifier: MIT */
/*
 * Crash argument: a generation is built under "building" and renamed to its
 * number when it is whole, so a directory gN.git was once complete. A fetch
 * into it only adds packs, and libgit2 moves a pack in place when it is
 * whole; refs are written last. Whoever dies holds no lock afterwards.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "buf.h"
#include "filetree.h"
#include "fsio.h"
#include "git/fetch.h"
#include "git/git.h"
#include "git/libgit2.h"
#include "git/mirror.h"
#include "git/mirror_dir.h"
#include "github/names.h"

#define BUILDING "building"

/* GitHub takes names in any case for one repository; so do we. */
static void
lower_name(char *out, size_t size, const char *repository)
{
	size_t i;

	for (i = 0; i < size - 1 && repository[i] != '\0'; i++)
		out[i] = (char)tolower((unsigned char)repository[i]);
	out[i] = '\0';
}

static int
open_dirs(struct mirror *m, const char *data_directory, struct err *err)
{
	char name[256], below[sizeof name + 16];

	lower_name(name, sizeof name, m->source.repository);
	snprintf(m->dir, sizeof m->dir, "%s/mirrors/%s", data_directory, name);
	if (strchr(name, '/') == NULL)
		return err_set(err, ERR_BAD, 0,
		    "%.100s: not the name of a repository", name);
	snprintf(below, sizeof below, "mirrors/%s", name);
	return fs_make_below(&m->fd, data_directory, below, 0700, err);
}

static void
forget_repo(struct mirror *m)
{
	git_repository_free(m->repo);
	m->repo = NULL;
}

int
mirror_find_current(struct mirror *m, struct err *err)
{
	unsigned newest = 0;

	forget_repo(m);
	if (mirror_newest(m->fd, &newest, err) == -1)
		return -1;
	m->generation = newest;
	m->path[0] = '\0';
	if (newest > 0)
		snprintf(m->path, sizeof m->path, "%s/g%u.git", m->dir, newest);
	return 0;
}

int
mirror_open(struct mirror **out, const char *data_directory,
    const struct mirror_source *source, struct err *err)
{
	struct mirror *m;

	if (!github_repository_valid(source->repository))
		return err_set(err, ERR_BAD, 0, "%.100s: not owner/name",
		    source->repository);
	m = calloc(1, sizeof *m);
	if (m == NULL)
		return err_set(err, ERR_TEMP, 0, "mirror: out of memory");
	m->fd = -1;
	m->source = *source;
	if (open_dirs(m, data_directory, err) == -1 ||
	    mirror_find_current(m, err) == -1) {
		mirror_close(m);
		return -1;
	}
	*out = m;
	return 0;
}

void
mirror_close(struct mirror *m)
{
	if (m == NULL)
		return;
	forget_repo(m);
	fs_close(&m->fd);
	free(m);
}

void
mirror_set_token(struct mirror *m, const struct secret *token)
{
	m->source.token = token;
}

const char *
mirror_path(const struct mirror *m)
{
	return m->path;
}

static int
open_repo(struct mirror *m, struct err *err)
{
	int rc;

	if (m->repo != NULL)
		return 0;
	if (m->path[0] == '\0')
		return err_set(err, ERR_TEMP, 0, "%.150s: not mirrored yet",
		    m->source.repository);
	rc = git_repository_open_bare(&m->repo, m->path);
	return rc < 0 ? git_failed(err, rc, "mirror") : 0;
}

int
mirror_repository(
    struct mirror *m, struct git_repository **out, struct err *err)
{
	if (open_repo(m, err) == -1)
		return -1;
	*out = m->repo;
	return 0;
}

int
mirror_has(struct mirror *m, const char *sha)
{
	struct err ignored;
	git_oid oid;
	git_commit *commit = NULL;
	git_tree *tree = NULL;
	int there = open_repo(m, &ignored) == 0 &&
		    git_oid_fromstr(&oid, sha) == 0 &&
		    git_commit_lookup(&commit, m->repo, &oid) == 0 &&
		    git_commit_tree(&tree, commit) == 0;

	git_tree_free(tree);
	git_commit_free(commit);
	return there;
}

int
mirror_resolve(struct mirror *m, const char *ref, char sha[65], struct err *err)
{
	git_object *object = NULL;
	char spec[300];
	int rc;

	if (open_repo(m, err) == -1)
		return -1;
	/* An annotated tag stands for its commit. */
	snprintf(spec, sizeof spec, "%.250s^{commit}", ref);
	rc = git_revparse_single(&object, m->repo, spec);
	if (rc < 0)
		return git_failed(
		    err, rc, "%.60s of %.60s", ref, m->source.repository);
	git_oid_tostr(sha, GIT_OID_HEXSZ + 1, git_object_id(object));
	git_object_free(object);
	return 0;
}

int
mirror_branch(struct mirror *m, const char *branch, char sha[65])
{
	struct err ignored;
	git_oid oid;
	char ref[300];

	snprintf(ref, sizeof ref, "refs/heads/%.280s", branch);
	if (open_repo(m, &ignored) == -1 ||
	    git_reference_name_to_id(&oid, m->repo, ref) < 0)
		return 0;
	git_oid_tostr(sha, GIT_OID_HEXSZ + 1, &oid);
	return 1;
}

int
mirror_message(
    struct mirror *m, const char *sha, struct buf *out, struct err *err)
{
	git_commit *commit = NULL;
	git_oid oid;
	int rc;

	if (open_repo(m, err) == -1)
		return -1;
	rc = git_oid_fromstr(&oid, sha);
	if (rc == 0)
		rc = git_commit_lookup(&commit, m->repo, &oid);
	if (rc < 0)
		return git_failed(err, rc, "commit %.40s", sha);
	buf_adds(out, git_commit_message(commit));
	git_commit_free(commit);
	return 0;
}

/* ---- fetching ---- */

struct job {
	const struct mirror_source *source;
	const char *path;
	const char *extra;
};

static int
fetch_in_child(void *arg, struct err *err)
{
	const struct job *job = arg;

	return fetch_into(job->path, job->source, job->extra, err);
}

int
mirror_run_fetch(const struct mirror_source *source, const char *path,
    const char *extra, struct err *err)
{
	struct job job = { .source = source, .path = path, .extra = extra };

	return git_in_child(
	    fetch_in_child, &job, source->timeout, "fetch", err);
}

/* A whole new generation behind the current one. */
static int
build(struct mirror *m, const char *extra, struct err *err)
{
	char path[PATH_MAX_GIT + 32], name[32];

	if (filetree_remove(m->fd, BUILDING, err) == -1)
		return -1;
	snprintf(path, sizeof path, "%s/" BUILDING, m->dir);
	if (mirror_run_fetch(&m->source, path, extra, err) == -1) {
		struct err ignored;

		if (filetree_remove(m->fd, BUILDING, &ignored) == -1)
			return -1; /* err tells of the fetch, which matters */
		return -1;
	}
	snprintf(name, sizeof name, "g%u.git", m->generation + 1);
	if (renameat(m->fd, BUILDING, m->fd, name) == -1)
		return err_sys(err, "mirror %s", name);
	return mirror_find_current(m, err);
}

int
mirror_lock(
    struct mirror *m, const char *name, int how, int *fd, struct err *err)
{
	int busy;

	*fd = openat(
	    m->fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd == -1)
		return err_sys(err, "%s/%s", m->source.repository, name);
	if (flock(*fd, how) == 0)
		return 0;
	busy = errno == EWOULDBLOCK;
	if (!busy)
		err_sys(err, "%s/%s", m->source.repository, name);
	fs_close(fd);
	return busy ? 1 : -1;
}

/* Opens, and has what its branches point to. */
static int
is_sound(struct mirror *m)
{
	struct err ignored;
	git_reference_iterator *refs = NULL;
	git_reference *ref;
	git_odb *odb = NULL;
	int sound = open_repo(m, &ignored) == 0 &&
		    git_repository_odb(&odb, m->repo) == 0 &&
		    git_reference_iterator_glob_new(
			&refs, m->repo, "refs/heads/*") == 0;

	while (sound && git_reference_next(&ref, refs) == 0) {
		const git_oid *oid = git_reference_target(ref);

		sound = oid != NULL && git_odb_exists(odb, oid);
		git_reference_free(ref);
	}
	git_reference_iterator_free(refs);
	git_odb_free(odb);
	return sound;
}

int
mirror_fetch(struct mirror *m, const char *extra, int *rebuilt, struct err *err)
{
	int fd = -1, rc;

	*rebuilt = 0;
	if (mirror_lock(m, FETCH_LOCK, LOCK_EX, &fd, err) == -1)
		return -1;
	rc = mirror_find_current(
	    m, err); /* somebody may have built one meanwhile */
	if (rc == 0 && m->generation == 0) {
		rc = build(m, extra, err);
	} else if (rc == 0 && is_sound(m)) {
		rc = mirror_run_fetch(&m->source, m->path, extra, err);
		forget_repo(m); /* its packs are another set now */
	} else if (rc == 0) {
		*rebuilt = 1;
		rc = build(m, extra, err);
	}
	fs_close(&fd);
	return rc;
}

int
mirror_rebuild(struct mirror *m, const char *extra, struct err *err)
{
	unsigned bad = m->generation;
	int fd = -1, rc;

	if (mirror_lock(m, FETCH_LOCK, LOCK_EX, &fd, err) == -1)
		return -1;
	rc = mirror_find_current(m, err);
	if (rc == 0 && m->generation <= bad)
		rc = build(m, extra, err);
	fs_close(&fd);
	return rc;
}

int
mirror_lease(struct mirror *m, int *fd, struct err *err)
{
	if (m->generation == 0)
		return err_set(err, ERR_TEMP, 0, "%.150s: not mirrored yet",
		    m->source.repository);
	return mirror_take_lease(m->fd, m->generation, LOCK_SH, fd, err);
}
