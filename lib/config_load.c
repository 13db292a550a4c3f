/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "config_check.h"
#include "config_layers.h"
#include "config_read.h"
#include "fsio.h"

#define LOCAL_NAME ".github-webhook-server.yaml"

/* The whole file into `b`. */
static int
read_open_file(
    struct buf *b, unsigned *mode, int fd, const char *path, struct err *err)
{
	size_t got, size;
	struct stat st;
	char *room;

	if (fstat(fd, &st) == -1)
		return err_sys(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(
		    err, ERR_CONF, 0, "%s: not a regular file", path);
	if (st.st_size > READ_CONFIG_MAX)
		return err_set(err, ERR_CONF, 0, "%s: larger than %d bytes",
		    path, READ_CONFIG_MAX);
	size = (size_t)st.st_size;
	room = buf_room(b, size + 1);
	if (room == NULL)
		return err_set(err, ERR_TEMP, 0, "out of memory");
	/* A file that grew meanwhile is cut here and will be read again. */
	if (fs_pread_full(fd, room, size, 0, &got, err) == -1)
		return -1;
	b->len += got;
	room[got] = '\0';
	*mode = st.st_mode;
	return 0;
}

/* Unlike fs_read_file() this follows symbolic links: the administrator, or
 * Kubernetes, may well have made one. */
static int
read_config_file(
    struct buf *b, unsigned *mode, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int r;

	if (fd == -1) {
		err_sys(err, "%s", path);
		err->class = ERR_CONF;
		return -1;
	}
	r = read_open_file(b, mode, fd, path, err);
	fs_close(&fd);
	return r;
}

static void
wipe(struct buf *text)
{
	if (text->len > 0)
		explicit_bzero(text->data, text->len);
	buf_release(text);
}

int
config_copy(int *fd, const char *path, struct err *err)
{
	unsigned mode;
	struct buf text;
	int copy = -1, r = -1;

	buf_init(&text, READ_CONFIG_MAX + 1);
	if (read_config_file(&text, &mode, path, err) == -1)
		goto out;
	copy = memfd_create("config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (copy == -1) {
		err_sys(err, "a copy of %s", path);
		goto out;
	}
	if (fs_write_all(copy, text.data, text.len, err) == -1)
		goto out;
	if (fcntl(copy, F_ADD_SEALS,
		F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) ==
	    -1) {
		err_sys(err, "a copy of %s", path);
		goto out;
	}
	*fd = copy;
	copy = -1;
	r = 0;
out:
	fs_close(&copy);
	wipe(&text);
	return r;
}

/*
 * The defaults as one more text: "key: default" lines under the dotted
 * names, so that they are values like all others.
 */
static int
read_defaults(struct config *c, struct problems *p)
{
	struct buf text;
	struct err err = { 0 };
	int r = -1;

	c->default_source = (struct config_source){ "default", LAYER_DEFAULT };
	buf_init(&text, 64 * 1024);
	for (size_t i = 0; i < config_keys(); i++) {
		const struct config_key *key = config_key_at(i);

		if (key->fallback != NULL)
			buf_addf(
			    &text, "\"%s\": %s\n", key->name, key->fallback);
	}
	if (buf_check(&text, "defaults", &err) == 0)
		r = config_read(&c->defaults, &c->pool, &c->default_source,
		    text.data, text.len, p);
	else
		p->no_memory = 1;
	buf_release(&text);
	return r;
}

static int
by_name(const void *a, const void *b)
{
	const struct repository *x = a, *y = b;

	return strcasecmp(x->name, y->name);
}

static int
gather_repositories(struct config *c, unsigned flags, struct problems *p)
{
	const struct config_value *all = value_get(c->root.map, "repositories");
	size_t n = value_count(all);

	c->repositories = calloc(n + 1, sizeof *c->repositories);
	c->names = calloc(n + 1, sizeof *c->names);
	if (c->repositories == NULL || c->names == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct repository *r = &c->repositories[c->count++];
		char path[CONFIG_PATH];

		r->block.map = value_at(all, i);
		r->name = value_str(value_get(r->block.map, "name"));
		snprintf(
		    path, sizeof path, "repositories.%s", value_name(all, i));
		if (!(flags & CONFIG_SKIP_SECRETS))
			layer_read_secrets(
			    &r->block, path, flags, &c->mode, &c->stamps, p);
		if (config_merge(&c->pool, r, c->root.map) == -1)
			return -1;
	}
	qsort(c->repositories, n, sizeof *c->repositories, by_name);
	for (size_t i = 0; i < n; i++)
		c->names[i] = c->repositories[i].name;
	return 0;
}

/* Everything that happens to the text of config.yaml. */
static void
digest_text(struct config *c, const struct buf *text, unsigned flags,
    struct problems *p)
{
	if (read_defaults(c, p) == -1 ||
	    config_read(&c->root.map, &c->pool, &c->source, text->data,
		text->len, p) == -1)
		return;
	config_check(p, c->root.map, SCOPE_ROOT);
	if (p->errors > 0)
		return;
	if (!(flags & CONFIG_SKIP_SECRETS))
		layer_read_secrets(
		    &c->root, "", flags, &c->mode, &c->stamps, p);
	if (gather_repositories(c, flags, p) == -1)
		p->no_memory = 1;
}

static struct config *
new_config(const char *path)
{
	struct config *c = calloc(1, sizeof *c);
	const char *slash = strrchr(path, '/');

	if (c == NULL)
		return NULL;
	c->path = strdup(path);
	c->name = strdup(slash != NULL ? slash + 1 : path);
	if (c->path == NULL || c->name == NULL) {
		config_free(c);
		return NULL;
	}
	c->source = (struct config_source){ c->name, LAYER_ROOT };
	return c;
}

/* `fd` is the file, or -1: `path` is opened. */
static int
load(struct config **out, int fd, const char *path, unsigned flags,
    struct config_report *report, struct err *err)
{
	struct config *c = new_config(path);
	struct problems problems = { 0 };
	struct buf text;
	int r = -1;

	if (report != NULL)
		*report = (struct config_report){ 0 };
	if (c == NULL)
		return err_set(err, ERR_TEMP, 0, "out of memory");
	buf_init(&text, READ_CONFIG_MAX + 1);
	/* A copy is not what it would be to read the file again. */
	c->stamps.doubt = fd != -1;
	stamps_add(&c->stamps, path);
	if (fd == -1)
		r = read_config_file(&text, &c->mode, path, err);
	else
		r = read_open_file(&text, &c->mode, fd, path, err);
	if (r == -1)
		goto out;
	digest_text(c, &text, flags, &problems);
	r = problems_finish(&problems, report, err);
	if (r == 0) {
		*out = c;
		c = NULL;
	}
out:
	wipe(&text);
	config_free(c);
	return r;
}

int
config_load_with(struct config **out, const char *path, unsigned flags,
    struct config_report *report, struct err *err)
{
	return load(out, -1, path, flags, report, err);
}

int
config_load(struct config **out, const char *path, struct config_report *report,
    struct err *err)
{
	return load(out, -1, path, 0, report, err);
}

int
config_is_current(const struct config *config)
{
	return stamps_hold(&config->stamps);
}

int
config_load_copy(struct config **out, int fd, const char *path, struct err *err)
{
	return load(out, fd, path, 0, NULL, err);
}

/* ---- a repository's own file ---- */

static int
digest_local(struct config *c, const struct config *base,
    const char *repository, const char *text, size_t len, struct problems *p)
{
	const struct repository *below =
	    base != NULL ? config_repository(base, repository) : NULL;
	struct repository *r = calloc(1, sizeof *r);

	if (r == NULL)
		return -1;
	c->repositories = r;
	c->count = 1;
	if (len > READ_LOCAL_MAX) {
		problem_syntax(p, &c->source, 0, 0, "larger than %d bytes",
		    READ_LOCAL_MAX);
		return 0;
	}
	if (config_read(&r->local.map, &c->pool, &c->source, text, len, p) ==
	    -1)
		return 0;
	config_check(p, r->local.map, SCOPE_LOCAL);
	r->name = pool_copy(&c->pool, repository, strlen(repository));
	if (below != NULL)
		r->block = below->block;
	if (r->name == NULL || p->errors > 0)
		return r->name == NULL ? -1 : 0;
	return config_merge(&c->pool, r, base != NULL ? base->root.map : NULL);
}

int
config_overlay(struct config **out, const struct config *config,
    const char *repository, const char *text, size_t len,
    struct config_report *report, struct err *err)
{
	struct config *c = new_config(LOCAL_NAME);
	struct problems problems = { 0 };
	int r;

	if (report != NULL)
		*report = (struct config_report){ 0 };
	if (c == NULL)
		return err_set(err, ERR_TEMP, 0, "out of memory");
	c->source.layer = LAYER_LOCAL;
	c->base = config;
	if (digest_local(c, config, repository, text, len, &problems) == -1)
		problems.no_memory = 1;
	r = problems_finish(&problems, report, err);
	if (r == 0)
		*out = c;
	else
		config_free(c);
	return r;
}

void
config_free(struct config *config)
{
	if (config == NULL)
		return;
	/* An overlay borrows the blocks of its base. */
	for (size_t i = 0; config->base == NULL && i < config->count; i++)
		layer_release(&config->repositories[i].block);
	layer_release(&config->root);
	free(config->repositories);
	free(config->names);
	pool_release(&config->pool);
	stamps_release(&config->stamps);
	free(config->path);
	free(config->name);
	free(config);
}
