/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filetree.h"
#include "fsio.h"
#include "git/git.h"
#include "git/libgit2.h"
#include "git/unpack.h"

#define DEPTH_MAX  128	/* directories inside each other */
#define BLOCK	   4096 /* bytes; what a file system gives at a time */
#define ENTRY_COST 512	/* bytes; the least that a name and its inode take */

struct writer {
	const struct unpack *u;
	git_odb *odb;
	git_index *index;
	uint64_t bytes;
	char path[PATH_MAX]; /* of the entry, from the top */
	size_t len;	     /* of its directory, with the slash */
	int depth;
	int needs_filters;
	struct err *err;
};

static int
add_bytes(struct writer *w, uint64_t bytes)
{
	w->bytes += bytes;
	if (w->u->max_bytes == 0 || w->bytes <= w->u->max_bytes)
		return 0;
	return err_set(w->err, ERR_BAD, 0,
	    "the checkout takes more than workspace.job-bytes allows (%llu)",
	    (unsigned long long)w->u->max_bytes);
}

/* Every entry of a tree and, where visit() asks for it, of those below. */
static int
each_entry(struct writer *w, const git_oid *id,
    int (*visit)(struct writer *w, const git_tree_entry *e, int dir), int dir)
{
	git_tree *tree = NULL;
	int rc = git_tree_lookup(&tree, w->u->objects, id);

	if (rc < 0)
		return git_failed(w->err, rc, "tree of %.60s", w->path);
	for (size_t i = 0; rc == 0 && i < git_tree_entrycount(tree); i++)
		rc = visit(w, git_tree_entry_byindex(tree, i), dir);
	git_tree_free(tree);
	return rc;
}

/* ---- looking ---- */

/*
 * Filters are asked for by attributes alone, since no configuration of this
 * machine is read, and only two of them change what is written here: the
 * line ends of another system, and $Id$.
 */
static int
asks_for_filters(const char *attributes)
{
	return strstr(attributes, "eol=crlf") != NULL ||
	       strstr(attributes, "ident") != NULL;
}

static int
read_attributes(struct writer *w, const git_oid *id)
{
	git_odb_object *object = NULL;
	int rc = git_odb_read(&object, w->odb, id);

	if (rc < 0)
		return git_failed(w->err, rc, ".gitattributes");
	w->needs_filters |= asks_for_filters(git_odb_object_data(object));
	git_odb_object_free(object);
	return 0;
}

/* Also bounds what follows: trees can hold each other many times. */
static int
look_at(struct writer *w, const git_tree_entry *e, int dir)
{
	git_filemode_t mode = git_tree_entry_filemode(e);
	int rc = add_bytes(w, ENTRY_COST);

	if (rc == 0 && (mode == GIT_FILEMODE_BLOB) &&
	    strcmp(git_tree_entry_name(e), ".gitattributes") == 0)
		return read_attributes(w, git_tree_entry_id(e));
	if (rc == -1 || mode != GIT_FILEMODE_TREE)
		return rc;
	if (w->depth == DEPTH_MAX)
		return err_set(w->err, ERR_BAD, 0,
		    "the commit has more than %d directories inside each other",
		    DEPTH_MAX);
	w->depth++;
	rc = each_entry(w, git_tree_entry_id(e), look_at, dir);
	w->depth--;
	return rc;
}

/* ---- writing ---- */

/* In any case, for there are file systems that take them for the same. */
static int
leads_astray(const char *name)
{
	return *name == '\0' || strcmp(name, ".") == 0 ||
	       strcmp(name, "..") == 0 || strchr(name, '/') != NULL ||
	       strcasecmp(name, ".git") == 0;
}

static int
append_name(struct writer *w, const char *name)
{
	size_t room = sizeof w->path - w->len;

	if (leads_astray(name))
		return err_set(w->err, ERR_BAD, 0,
		    "the commit holds a file that may not be: %.80s%.20s",
		    w->path, name);
	if (snprintf(w->path + w->len, room, "%s", name) >= (int)room)
		return err_set(w->err, ERR_BAD, 0,
		    "the commit holds a path that is too long: %.80s", w->path);
	return 0;
}

static int
add_to_index(struct writer *w, const git_tree_entry *e, const struct stat *st)
{
	git_index_entry entry = {
		.ctime = { (int32_t)st->st_ctim.tv_sec,
		    (uint32_t)st->st_ctim.tv_nsec },
		.mtime = { (int32_t)st->st_mtim.tv_sec,
		    (uint32_t)st->st_mtim.tv_nsec },
		.dev = (uint32_t)st->st_dev,
		.ino = (uint32_t)st->st_ino,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.file_size = (uint32_t)st->st_size,
		.mode = git_tree_entry_filemode(e),
		.id = *git_tree_entry_id(e),
		.path = w->path,
	};
	int rc = git_index_add(w->index, &entry);

	if (rc == 0)
		return 0;
	git_failed(w->err, rc, "%.80s", w->path);
	if (w->err->class == ERR_PERM)
		w->err->class = ERR_BAD; /* it is the name that is refused */
	return -1;
}

/* What stands in the way in an empty directory, the commit has put there. */
static int
put_failed(struct err *err, const char *name)
{
	err_sys(err, "%.100s", name);
	if (err->class == ERR_PERM)
		err->class = ERR_BAD;
	return -1;
}

/* The file or link is there now. */
static int
put(const git_tree_entry *e, git_odb_object *object, int dir, struct stat *st,
    struct err *err)
{
	const char *name = git_tree_entry_name(e);
	const char *bytes = git_odb_object_data(object);
	mode_t mode = git_tree_entry_filemode(e) & 0777;
	int fd, rc;

	if (git_tree_entry_filemode(e) == GIT_FILEMODE_LINK) {
		if (symlinkat(bytes, dir, name) == -1 ||
		    fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) == -1)
			return put_failed(err, name);
		return 0;
	}
	fd = openat(dir, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd == -1)
		return put_failed(err, name);
	rc = fs_write_all(fd, bytes, git_odb_object_size(object), err);
	if (rc == 0 && fstat(fd, st) == -1)
		rc = err_sys(err, "%.100s", name);
	fs_close(&fd);
	return rc;
}

static int
write_file(struct writer *w, const git_tree_entry *e, int dir)
{
	git_odb_object *object = NULL;
	struct stat st;
	size_t size;
	git_object_t type;
	int rc =
	    git_odb_read_header(&size, &type, w->odb, git_tree_entry_id(e));

	/* Before it takes memory: some kilobytes can unpack to gigabytes. */
	if (rc == 0 && add_bytes(w, (size + BLOCK - 1) / BLOCK * BLOCK) == -1)
		return -1;
	if (rc == 0)
		rc = git_odb_read(&object, w->odb, git_tree_entry_id(e));
	if (rc < 0)
		return git_failed(w->err, rc, "%.80s", w->path);
	rc = put(e, object, dir, &st, w->err);
	git_odb_object_free(object);
	return rc == 0 ? add_to_index(w, e, &st) : -1;
}

static int write_entry(struct writer *w, const git_tree_entry *e, int dir);

static int
make_folder(struct writer *w, const git_tree_entry *e, int dir, int *made)
{
	const char *name = git_tree_entry_name(e);

	if (mkdirat(dir, name, 0755) == -1)
		return put_failed(w->err, w->path);
	*made =
	    openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*made == -1)
		return put_failed(w->err, w->path);
	return add_bytes(w, BLOCK);
}

static int
write_folder(struct writer *w, const git_tree_entry *e, int dir)
{
	size_t len = w->len, own = strlen(w->path);
	int fd = -1, rc;

	if (own + 2 > sizeof w->path)
		return err_set(w->err, ERR_BAD, 0,
		    "the commit holds a path that is too long: %.80s", w->path);
	rc = make_folder(w, e, dir, &fd);
	memcpy(w->path + own, "/", 2);
	w->len = own + 1;
	if (rc == 0)
		rc = each_entry(w, git_tree_entry_id(e), write_entry, fd);
	w->len = len;
	fs_close(&fd);
	return rc;
}

/* Its place is made; what belongs there is another repository's. */
static int
write_submodule(struct writer *w, const git_tree_entry *e, int dir)
{
	struct stat st;
	int fd = -1, rc = make_folder(w, e, dir, &fd);

	if (rc == 0 && fstat(fd, &st) == -1)
		rc = err_sys(w->err, "%.100s", w->path);
	fs_close(&fd);
	return rc == 0 ? add_to_index(w, e, &st) : -1;
}

static int
write_entry(struct writer *w, const git_tree_entry *e, int dir)
{
	git_filemode_t mode = git_tree_entry_filemode(e);

	if (append_name(w, git_tree_entry_name(e)) == -1)
		return -1;
	if (mode == GIT_FILEMODE_TREE)
		return write_folder(w, e, dir);
	if (mode == GIT_FILEMODE_COMMIT)
		return write_submodule(w, e, dir);
	return write_file(w, e, dir);
}

static int
write_all(struct writer *w, const git_oid *tree)
{
	char path[PATH_MAX];
	int rc;

	if (snprintf(path, sizeof path, "%s/.git/index", w->u->path) >=
	    (int)sizeof path)
		return err_set(w->err, ERR_CONF, 0, "the path is too long");
	rc = git_index_open(&w->index, path);
	if (rc < 0)
		return git_failed(w->err, rc, "index");
	rc = each_entry(w, tree, write_entry, w->u->dir);
	if (rc == 0) {
		rc = git_index_write(w->index);
		if (rc < 0)
			git_failed(w->err, rc, "index");
	}
	git_index_free(w->index);
	return rc;
}

/* ---- libgit2's own ---- */

static int
write_filtered(struct writer *w, const git_oid *id)
{
	git_checkout_options how;
	git_repository *repo = NULL;
	git_commit *commit = NULL;
	uint64_t bytes;
	int rc = git_repository_open(&repo, w->u->path);

	git_checkout_options_init(&how, GIT_CHECKOUT_OPTIONS_VERSION);
	how.checkout_strategy = GIT_CHECKOUT_FORCE;
	if (rc == 0)
		rc = git_commit_lookup(&commit, repo, id);
	if (rc == 0)
		rc = git_checkout_tree(repo, (git_object *)commit, &how);
	git_commit_free(commit);
	git_repository_free(repo);
	if (rc < 0)
		return git_failed(w->err, rc, "files");
	if (filetree_size(w->u->dir, ".", w->u->max_bytes, &bytes, w->err) ==
	    -1)
		return -1;
	return add_bytes(w, bytes);
}

static int
unpack(struct writer *w, const git_oid *id)
{
	git_commit *commit = NULL;
	int rc = git_repository_odb(&w->odb, w->u->objects);

	if (rc == 0)
		rc = git_commit_lookup(&commit, w->u->objects, id);
	if (rc < 0)
		return git_failed(w->err, rc, "commit");
	rc = each_entry(w, git_commit_tree_id(commit), look_at, -1);
	w->bytes = 0;
	if (rc == 0)
		rc = w->needs_filters
			 ? write_filtered(w, id)
			 : write_all(w, git_commit_tree_id(commit));
	git_commit_free(commit);
	return rc;
}

int
unpack_commit(const struct unpack *u, const char *sha, struct err *err)
{
	struct writer w = { .u = u, .err = err };
	git_oid id;
	int rc;

	if (git_oid_fromstr(&id, sha) < 0)
		return err_set(err, ERR_BAD, 0, "%.70s: not a commit", sha);
	rc = unpack(&w, &id);
	git_odb_free(w.odb);
	return rc == -1 ? err_prefix(err, "checkout of %.40s", sha) : 0;
}
