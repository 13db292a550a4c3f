/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config_layers.h"
#include "secret.h"

#define SECRETS_MAX 64 /* secrets of one key in one layer */

/* A layer's secrets while they are read. */
struct taking {
	struct layer *layer;
	struct problems *problems;
	const char *path; /* of the layer, "" or "repositories.api" */
	unsigned flags;
	unsigned *mode; /* of config.yaml; 0 once it was complained of */
	struct stamps *stamps;
	char where[CONFIG_PATH];
};

const struct config_key *
config_secret_family(const struct config_key *key)
{
	char name[128];
	size_t len = strlen(key->name);
	const struct config_key *family = NULL;

	if (key->marks & MARK_SECRET_FILE)
		len -= strlen("-file");
	else if (key->types & CONFIG_LIST)
		len -= strlen("s");
	if (len < strlen(key->name) && len < sizeof name) {
		memcpy(name, key->name, len);
		name[len] = '\0';
		family = config_key_find(name);
	}
	return family != NULL && family->marks & MARK_SECRET ? family : key;
}

static struct secret_set *
find_set(struct taking *t, const struct config_key *family)
{
	struct layer *layer = t->layer;
	struct secret_set *sets;

	for (size_t i = 0; i < layer->count; i++) {
		if (layer->sets[i].key == family)
			return &layer->sets[i];
	}
	sets = realloc(layer->sets, (layer->count + 1) * sizeof *sets);
	if (sets == NULL)
		return NULL;
	layer->sets = sets;
	sets[layer->count] = (struct secret_set){ .key = family };
	sets[layer->count].items = calloc(SECRETS_MAX, sizeof(struct secret *));
	if (sets[layer->count].items == NULL)
		return NULL;
	return &sets[layer->count++];
}

/* "${NAME}" and nothing around it is the environment's NAME. */
static int
read_variable(struct taking *t, const struct config_value *v, const char **text,
    size_t *len)
{
	char name[256];
	const char *value;

	if (v->len < 4 || strncmp(v->text, "${", 2) != 0 ||
	    v->text[v->len - 1] != '}' || v->len - 3 >= sizeof name)
		return 0;
	memcpy(name, v->text + 2, v->len - 3);
	name[v->len - 3] = '\0';
	value = getenv(name);
	if (value == NULL || value[0] == '\0') {
		problem_error(t->problems, v, t->where,
		    "the environment has no %s", name);
		return -1;
	}
	*text = value;
	*len = strlen(value);
	return 0;
}

/* Of a credential's name the service manager has taken care. */
static void
check_mode(struct taking *t, const struct config_key *key,
    const struct config_value *v)
{
	int file = (key->marks & MARK_SECRET_FILE) != 0;
	unsigned mode = *t->mode;
	struct stat st;

	if (!(t->flags & CONFIG_CHECK_MODES) ||
	    (!file && strncmp(v->text, "${", 2) == 0))
		return;
	if (file) {
		if (v->text[0] != '/' || stat(v->text, &st) == -1)
			return;
		mode = st.st_mode;
	}
	if (!(mode & (S_IRWXG | S_IRWXO)))
		return;
	problem_warning(t->problems, v, t->where,
	    "%s is open to %s (mode %04o); make it 0600",
	    file ? "the secret's file" : "this file holds secrets and",
	    mode & S_IRWXO ? "everybody" : "its group", mode & 07777);
	if (!file)
		*t->mode = 0;
}

static int
make_secret(struct taking *t, const struct config_key *key,
    struct config_value *v, struct secret **out)
{
	struct err err = { 0 };
	const char *text = v->text;
	size_t len = v->len;
	int r;

	check_mode(t, key, v);
	if (key->marks & MARK_SECRET_FILE) {
		secret_stamp(v->text, t->stamps);
		r = secret_read(out, v->text, &err);
	} else {
		if (read_variable(t, v, &text, &len) == -1)
			return -1;
		r = secret_new(out, text, len, &err);
		explicit_bzero(v->text, v->len);
		v->len = 0;
	}
	if (r == -1)
		problem_error(t->problems, v, t->where, "%s", err.text);
	return r;
}

static void
take_scalar(
    struct taking *t, const struct config_key *key, struct config_value *v)
{
	struct secret_set *set = find_set(t, config_secret_family(key));

	if (set == NULL) {
		t->problems->no_memory = 1;
		return;
	}
	if (set->count == SECRETS_MAX) {
		problem_error(t->problems, v, t->where, "more than %d secrets",
		    SECRETS_MAX);
		return;
	}
	if (make_secret(t, key, v, &set->items[set->count]) == 0)
		set->count++;
}

/* The value of a dotted name without "*" in this layer. */
static const struct config_value *
walk_name(const struct config_value *map, const char *name)
{
	const char *dot;
	char part[128];

	while (map != NULL && (dot = strchr(name, '.')) != NULL) {
		snprintf(part, sizeof part, "%.*s", (int)(dot - name), name);
		map = value_get(map, part);
		name = dot + 1;
	}
	return value_get(map, name);
}

static int
is_unwanted(const struct taking *t, const struct config_key *key)
{
	return (t->flags & CONFIG_WEBHOOK_ONLY) &&
	       (key->marks & MARK_SECRET_FILE) &&
	       strcmp(config_secret_family(key)->name, "webhook-secret") != 0;
}

static void
take_key(struct taking *t, const struct config_key *key)
{
	const struct config_value *v = walk_name(t->layer->map, key->name);
	size_t len;

	if (v == NULL || is_unwanted(t, key))
		return;
	len = (size_t)snprintf(t->where, sizeof t->where, "%s%s%s", t->path,
	    t->path[0] != '\0' ? "." : "", key->name);
	if (v->kind == VALUE_LIST) {
		for (size_t i = 0; i < v->count; i++) {
			snprintf(
			    t->where + len, sizeof t->where - len, "[%zu]", i);
			take_scalar(t, key, v->items[i]);
		}
	} else {
		/* Nodes belong to the pool; only this module changes one. */
		struct config_value one = *v;

		take_scalar(t, key, &one);
	}
}

void
layer_read_secrets(struct layer *layer, const char *path, unsigned flags,
    unsigned *mode, struct stamps *stamps, struct problems *problems)
{
	static const enum config_mark marks[] = { MARK_SECRET,
		MARK_SECRET_FILE };
	struct taking t = { .layer = layer,
		.problems = problems,
		.path = path,
		.flags = flags,
		.stamps = stamps };

	t.mode = mode;
	for (size_t m = 0; m < sizeof marks / sizeof *marks; m++) {
		const struct config_key *const *rows;
		size_t n = config_keys_marked(&rows, marks[m]);

		for (size_t i = 0; i < n; i++)
			take_key(&t, rows[i]);
	}
}

void
layer_release(struct layer *layer)
{
	for (size_t i = 0; i < layer->count; i++) {
		for (size_t k = 0; k < layer->sets[i].count; k++)
			secret_free(layer->sets[i].items[k]);
		free(layer->sets[i].items);
	}
	free(layer->sets);
	*layer = (struct layer){ 0 };
}

size_t
config_secrets(const struct config *config, const char *repository,
    const char *key, const struct secret *const **secrets)
{
	const struct config_key *row = config_key_find(key);
	const struct repository *r = config_repository(config, repository);
	const struct config *top = config->base != NULL ? config->base : config;
	const struct layer *layers[] = { r != NULL ? &r->block : NULL,
		&top->root };
	char first[128];

	if (row == NULL || !(row->marks & (MARK_SECRET | MARK_SECRET_FILE)))
		BUG("not a key with secrets");
	row = config_secret_family(row);
	snprintf(first, sizeof first, "%.*s", (int)strcspn(key, "."), key);
	for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
		const struct layer *l = layers[i];

		for (size_t k = 0; l != NULL && k < l->count; k++) {
			if (l->sets[k].key == row) {
				*secrets =
				    (const struct secret *const *)l->sets[k]
					.items;
				return l->sets[k].count;
			}
		}
		/* A mapping that is not merged is replaced as a whole. */
		if (l != NULL && strcmp(first, key) != 0 &&
		    value_get(l->map, first) != NULL &&
		    !(config_key_find(first)->marks & MARK_MERGE))
			return 0;
	}
	return 0;
}
