/* SPDX-License-Identifier: MIT */
/*
 * Crash argument. The lock file is made and locked before the directory, and
 * removed after it. So a directory without a locked lock file is left over
 * from a job that is gone, whatever state it is in, and the sweep may have
 * it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "filetree.h"
#include "fsio.h"
#include "git/git.h"
#include "git/libgit2.h"
#include "git/mirror.h"
#include "git/mirror_dir.h"
#include "git/unpack.h"
#include "git/workspace.h"
#include "head.h"

struct workspace {
	char path[PATH_MAX_GIT];
	char objects[PATH_MAX_GIT + 64];
	char name[JOB_ID_MAX];
	int parent; /* workspaces/ */
	int lock, lease;
};

static void
lock_name(char out[WORK_NAME_MAX], const char *id)
{
	snprintf(out, WORK_NAME_MAX, "%s.lock", id);
}

/*
 * 0 taken, 1 held by somebody, -1 failed. A lock file that was removed
 * between open and flock is nobody's: try again with the new one.
 */
static int
take_lock(int parent, const char *id, int *fd, struct err *err)
{
	char name[WORK_NAME_MAX];
	struct stat ours, theirs;

	lock_name(name, id);
	for (;;) {
		int new_fd = openat(parent, name,
		    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (new_fd == -1)
			return err_sys(err, "workspaces/%s", name);
		if (flock(new_fd, LOCK_EX | LOCK_NB) == -1) {
			int busy = errno == EWOULDBLOCK;

			if (!busy)
				err_sys(err, "workspaces/%s", name);
			close(new_fd);
			return busy ? 1 : -1;
		}
		if (fstat(new_fd, &ours) == 0 &&
		    fstatat(parent, name, &theirs, AT_SYMLINK_NOFOLLOW) == 0 &&
		    ours.st_ino == theirs.st_ino) {
			*fd = new_fd;
			return 0;
		}
		close(new_fd);
	}
}

/* ---- the repository ---- */

/*
 * The least that git and libgit2 take for a repository; git-init would make
 * forty files more. Hooks and submodules are for programs that run git in
 * here: libgit2 runs no hooks.
 */
static const char *const folders[] = { ".git", ".git/objects",
	".git/objects/info", ".git/objects/pack", ".git/refs",
	".git/refs/heads", ".git/refs/tags" };

static const char config_text[] = "[core]\n"
				  "\trepositoryformatversion = 0\n"
				  "\tfilemode = true\n"
				  "\tbare = false\n"
				  "\tlogallrefupdates = true\n"
				  "\thooksPath = /dev/null\n"
				  "[submodule]\n"
				  "\trecurse = false\n";

static int
write_new(int dir, const char *name, const char *text, struct err *err)
{
	int fd = openat(dir, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd == -1)
		return err_sys(err, "%s", name);
	rc = fs_write_all(fd, text, strlen(text), err);
	fs_close(&fd);
	return rc;
}

static int
make_repository(struct workspace *w, const char *sha, struct err *err)
{
	char alternates[PATH_MAX_GIT + 80], head[80];
	int dir, rc = 0;

	if (fs_open_dir(&dir, w->parent, w->name, err) == -1)
		return -1;
	for (size_t i = 0; rc == 0 && i < sizeof folders / sizeof *folders; i++)
		rc = mkdirat(dir, folders[i], 0700);
	if (rc == -1)
		err_sys(err, "workspaces/%s", w->name);
	snprintf(alternates, sizeof alternates, "%s\n", w->objects);
	snprintf(head, sizeof head, "%.64s\n", sha);
	if (rc == 0 && (write_new(dir, ".git/config", config_text, err) == -1 ||
			   write_new(dir, ".git/HEAD", head, err) == -1 ||
			   write_new(dir, ".git/objects/info/alternates",
			       alternates, err) == -1))
		rc = -1;
	fs_close(&dir);
	return rc;
}

static int
check_out(struct workspace *w, struct mirror *mirror,
    const struct workspace_options *options, struct err *err)
{
	struct unpack u = {
		.path = w->path, .dir = -1, .max_bytes = options->max_bytes
	};
	int rc = -1;

	if (fs_open_dir(&u.dir, w->parent, w->name, err) == 0 &&
	    mirror_repository(mirror, &u.objects, err) == 0)
		rc = unpack_commit(&u, options->sha, err);
	fs_close(&u.dir);
	return rc;
}

/* ---- making and removing ---- */

static int
populate(struct workspace *w, struct mirror *mirror,
    const struct workspace_options *options, struct err *err)
{
	if (mirror_lease(mirror, &w->lease, err) == -1)
		return -1;
	snprintf(
	    w->objects, sizeof w->objects, "%s/objects", mirror_path(mirror));
	/* A retry of the job whose first worker was killed. */
	if (filetree_remove(w->parent, w->name, err) == -1)
		return -1;
	if (mkdirat(w->parent, w->name, 0700) == -1)
		return err_sys(err, "workspaces/%s", w->name);
	if (make_repository(w, options->sha, err) == -1)
		return -1;
	return check_out(w, mirror, options, err);
}

int
workspace_create(struct workspace **out, const char *data_directory,
    struct mirror *mirror, const struct workspace_options *options,
    struct err *err)
{
	struct workspace *w;
	int rc;

	if (!head_job_id_valid(options->job_id))
		return err_set(
		    err, ERR_BAD, 0, "%.60s: not a job's ID", options->job_id);
	w = calloc(1, sizeof *w);
	if (w == NULL)
		return err_set(err, ERR_TEMP, 0, "workspace: out of memory");
	w->parent = w->lock = w->lease = -1;
	snprintf(w->name, sizeof w->name, "%s", options->job_id);
	snprintf(w->path, sizeof w->path, "%s/workspaces/%s", data_directory,
	    w->name);
	if (fs_make_below(
		&w->parent, data_directory, "workspaces", 0700, err) == -1)
		goto fail;
	rc = take_lock(w->parent, w->name, &w->lock, err);
	if (rc == 1)
		err_set(err, ERR_TEMP, 0, "workspaces/%s is in use", w->name);
	if (rc != 0 || populate(w, mirror, options, err) == -1)
		goto fail;
	*out = w;
	return 0;
fail:
	workspace_remove(w);
	return -1;
}

const char *
workspace_path(const struct workspace *w)
{
	return w->path;
}

const char *
workspace_objects(const struct workspace *w)
{
	return w->objects;
}

int
workspace_branch(struct workspace *w, const char *name, struct err *err)
{
	git_repository *repo = NULL;
	git_reference *ref = NULL;
	git_oid oid;
	char full[300];
	int rc = git_repository_open(&repo, w->path);

	snprintf(full, sizeof full, "refs/heads/%.280s", name);
	if (rc == 0)
		rc = git_reference_name_to_id(&oid, repo, "HEAD");
	if (rc == 0)
		rc = git_reference_create(&ref, repo, full, &oid, 1, NULL);
	if (rc == 0)
		rc = git_repository_set_head(repo, full);
	git_reference_free(ref);
	git_repository_free(repo);
	return rc < 0 ? git_failed(err, rc, "branch %.80s", name) : 0;
}

/* Most repositories have none: one look at the top's attributes says so. */
static int
mentions_lfs(const struct workspace *w)
{
	char name[JOB_ID_MAX + 32];
	struct buf text;
	struct err ignored;
	int found;

	snprintf(name, sizeof name, "%s/.gitattributes", w->name);
	buf_init(&text, 1 << 20);
	found = fs_read_file(&text, w->parent, name, &ignored) == 0 &&
		strstr(text.data, "filter=lfs") != NULL;
	buf_release(&text);
	return found;
}

unsigned
workspace_lfs_pointers(const struct workspace *w)
{
	git_repository *repo = NULL;
	git_index *index = NULL;
	unsigned found = 0;

	if (!mentions_lfs(w))
		return 0;
	if (git_repository_open(&repo, w->path) == 0 &&
	    git_repository_index(&index, repo) == 0) {
		for (size_t i = 0; i < git_index_entrycount(index); i++) {
			const git_index_entry *e =
			    git_index_get_byindex(index, i);
			const char *filter = NULL;

			if (git_attr_get(&filter, repo, 0, e->path, "filter") ==
				0 &&
			    filter != NULL && strcmp(filter, "lfs") == 0)
				found++;
		}
	}
	git_index_free(index);
	git_repository_free(repo);
	return found;
}

void
workspace_remove(struct workspace *w)
{
	char name[WORK_NAME_MAX];
	struct err ignored;

	if (w == NULL)
		return;
	if (w->lock != -1 &&
	    filetree_remove(w->parent, w->name, &ignored) == 0) {
		lock_name(name, w->name);
		unlinkat(w->parent, name, 0);
	}
	fs_close(&w->lock);
	fs_close(&w->lease);
	fs_close(&w->parent);
	free(w);
}

/* ---- sweeping ---- */

/* "ID", "ID.lock" or "ID.publish" to ID; 0 if it is none of them. */
static int
id_of(char id[JOB_ID_MAX], const char *entry)
{
	size_t len = strcspn(entry, ".");

	if (entry[len] != '\0' && strcmp(entry + len, ".lock") != 0 &&
	    strcmp(entry + len, PUBLISH_SUFFIX) != 0)
		return 0;
	if (len >= JOB_ID_MAX)
		return 0;
	memcpy(id, entry, len);
	id[len] = '\0';
	return head_job_id_valid(id);
}

/* 1 removed, 0 in use or no workspace. */
static int
sweep_one(int parent, const char *entry)
{
	char id[JOB_ID_MAX], name[WORK_NAME_MAX];
	struct err ignored;
	int lock = -1, gone = 0;

	if (!id_of(id, entry) || take_lock(parent, id, &lock, &ignored) != 0)
		return 0;
	snprintf(name, sizeof name, "%s" PUBLISH_SUFFIX, id);
	if (filetree_remove(parent, name, &ignored) == 0 &&
	    filetree_remove(parent, id, &ignored) == 0) {
		lock_name(name, id);
		unlinkat(parent, name, 0);
		gone = 1;
	}
	fs_close(&lock);
	return gone;
}

int
workspaces_sweep(const char *data_directory, unsigned *removed, struct err *err)
{
	int parent = -1, stream_fd;
	DIR *stream;
	struct dirent *entry;

	if (fs_make_below(&parent, data_directory, "workspaces", 0700, err) ==
	    -1)
		return -1;
	stream_fd = fcntl(parent, F_DUPFD_CLOEXEC, 0);
	stream = stream_fd == -1 ? NULL : fdopendir(stream_fd);
	if (stream == NULL) {
		err_sys(err, "workspaces");
		fs_close(&stream_fd);
		fs_close(&parent);
		return -1;
	}
	*removed = 0;
	while ((entry = readdir(stream)) != NULL) {
		if (entry->d_name[0] != '.')
			*removed += (unsigned)sweep_one(parent, entry->d_name);
	}
	closedir(stream);
	fs_close(&parent);
	return 0;
}
