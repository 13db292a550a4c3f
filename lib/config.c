/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_layers.h"

const char *
config_path(const struct config *config)
{
	return config->base != NULL ? config->base->path : config->path;
}

const char *
config_default_path(const char *given)
{
	static _Thread_local char path[PATH_MAX];
	const char *dir = getenv("WEBHOOK_SERVER_DATA_DIR");
	const char *file = getenv("HOOKSPOOL_CONFIG");

	if (given != NULL)
		return given;
	if (file != NULL && file[0] != '\0')
		return file;
	if (dir == NULL || dir[0] == '\0')
		return "/etc/hookspool/config.yaml";
	snprintf(path, sizeof path, "%s/config.yaml", dir);
	return path;
}

/* ---- repositories ---- */

static const struct repository *
find_repository(const struct config *config, const char *name)
{
	size_t low = 0, high = config->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = strcasecmp(name, config->repositories[mid].name);

		if (c == 0)
			return &config->repositories[mid];
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const struct repository *
config_repository(const struct config *config, const char *name)
{
	const struct repository *r = NULL;

	if (name == NULL || name[0] == '\0')
		return NULL;
	for (; r == NULL && config != NULL; config = config->base)
		r = find_repository(config, name);
	return r;
}

static const struct config *
bottom(const struct config *config)
{
	return config->base != NULL ? config->base : config;
}

int
config_has_repository(const struct config *config, const char *repository)
{
	return find_repository(bottom(config), repository) != NULL;
}

size_t
config_repositories(const struct config *config, const char *const **full_names)
{
	*full_names = bottom(config)->names;
	return bottom(config)->count;
}

/* ---- looking a key up ---- */

/* The rest of a dotted name inside the layer that has its first part. */
static const struct config_value *
descend(const struct config_value *v, const char *name)
{
	char part[128];

	while (v != NULL && *name != '\0') {
		size_t n = strcspn(name, ".");

		snprintf(part, sizeof part, "%.*s", (int)n, name);
		v = value_get(v, part);
		name += n + (name[n] == '.');
	}
	return v;
}

/*
 * Secrets of one kind belong together: where a block has webhook-secrets,
 * the webhook-secret of the top is not in force.
 */
static int
has_family(const struct config_value *layer, const struct config_key *key)
{
	const char *base;
	char name[128];

	if (layer == NULL || !(key->marks & (MARK_SECRET | MARK_SECRET_FILE)))
		return 0;
	base = config_secret_family(key)->name;
	if (value_get(layer, base) != NULL)
		return 1;
	snprintf(name, sizeof name, "%ss", base);
	if (value_get(layer, name) != NULL)
		return 1;
	snprintf(name, sizeof name, "%s-file", base);
	return value_get(layer, name) != NULL;
}

const struct config_value *
config_lookup(const struct config *config, const char *repository,
    const struct config_key *key)
{
	const struct repository *r = config_repository(config, repository);
	const struct config *top = bottom(config);
	const struct config_value *layers[] = { r != NULL ? r->merged : NULL,
		r != NULL ? r->local.map : NULL,
		r != NULL ? r->block.map : NULL, top->root.map };
	size_t n = strcspn(key->name, ".");
	char first[128];

	snprintf(first, sizeof first, "%.*s", (int)n, key->name);
	for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
		const struct config_value *v = value_get(layers[i], first);

		if (v == NULL && has_family(layers[i], key))
			return NULL;
		if (v == NULL)
			continue;
		v = descend(v, key->name + n + (key->name[n] == '.'));
		if (v != NULL)
			return v;
		break;
	}
	return value_get(top->defaults, key->name);
}

static const struct config_value *
get(const struct config *config, const char *repository, const char *name,
    unsigned types)
{
	const struct config_key *key = config_key_find(name);

	if (key == NULL)
		BUG(name);
	if (!(key->types & types) || key->marks & MARK_SECRET)
		BUG(name);
	return config_lookup(config, repository, key);
}

const char *
config_str(const struct config *config, const char *repository, const char *key)
{
	return value_str(get(config, repository, key,
	    CONFIG_STR | CONFIG_INT | CONFIG_DURATION | CONFIG_SIZE));
}

int64_t
config_int(const struct config *config, const char *repository, const char *key)
{
	int64_t n = 0;

	if (value_int(&n, get(config, repository, key, CONFIG_INT)) == -1)
		return 0;
	return n;
}

int
config_bool(
    const struct config *config, const char *repository, const char *key)
{
	int yes = 0;

	if (value_bool(&yes, get(config, repository, key, CONFIG_BOOL)) == -1)
		return 0;
	return yes;
}

int64_t
config_duration(
    const struct config *config, const char *repository, const char *key)
{
	int64_t ns = 0;

	if (value_duration(
		&ns, get(config, repository, key, CONFIG_DURATION)) == -1)
		return 0;
	return ns;
}

uint64_t
config_size(
    const struct config *config, const char *repository, const char *key)
{
	const char *text = value_str(get(config, repository, key, CONFIG_SIZE));
	uint64_t bytes = 0;

	if (text == NULL || text_size(&bytes, text) == -1)
		return 0;
	return bytes;
}

size_t
config_list(const struct config *config, const char *repository,
    const char *key, const char *const **items)
{
	const struct config_value *v =
	    get(config, repository, key, CONFIG_LIST | CONFIG_STR);

	if (v == NULL)
		return 0;
	if (v->kind == VALUE_LIST) {
		*items = v->names;
		return v->count;
	}
	if (v->kind != VALUE_SCALAR)
		return 0;
	*items = (const char *const *)&v->text;
	return 1;
}

const struct config_value *
config_node(
    const struct config *config, const char *repository, const char *key)
{
	return get(config, repository, key, CONFIG_LIST | CONFIG_MAP);
}
