/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_LAYERS_H
#define CONFIG_LAYERS_H

#include <stddef.h>

#include "config_problems.h"
#include "config_table.h"
#include "config_value.h"
#include "file_stamps.h"

/*
 * What a loaded configuration is made of; for the config*.c files and the
 * command line's `config show` only.
 *
 * A key's value is looked up in layers, strongest first: a repository's own
 * file, its block, the top of config.yaml, the defaults. The first layer
 * that has the key's first part decides all of it, except where the table
 * says MARK_MERGE: for such a mapping that several layers have, a merged one
 * is made when the configuration is loaded, and stands above all layers.
 */

struct secret_set {
	const struct config_key *key; /* webhook-secret, pypi.token ... */
	struct secret **items;
	size_t count;
};

struct layer {
	const struct config_value *map; /* NULL: nothing is set here */
	struct secret_set *sets;
	size_t count;
};

struct repository {
	const char *name; /* owner/name */
	struct layer local, block;
	const struct config_value *merged; /* NULL: nothing to merge */
};

struct config {
	const struct config *base; /* an overlay's; NULL: this is config.yaml */
	char *path;
	char *name; /* its last component */
	struct config_source source, default_source;
	unsigned mode;	      /* of the file: permission bits */
	struct stamps stamps; /* of it, and of the secrets' files */
	struct value_pool pool;
	struct layer root;
	const struct config_value *defaults; /* by dotted name */
	struct repository *repositories;     /* by name, ignoring case */
	const char **names;
	size_t count;
};

/* The repository's layers, or NULL where it has none. */
const struct repository *config_repository(
    const struct config *config, const char *name);

/* The value of a key, and (unless NULL) whether it is the default. */
const struct config_value *config_lookup(const struct config *config,
    const char *repository, const struct config_key *key);

/* ---- config_merge.c ---- */

/*
 * Sets r->merged from r's layers and the root. -1 where memory is short.
 */
int config_merge(struct value_pool *pool, struct repository *r,
    const struct config_value *root);

/* ---- config_secret.c ---- */

/*
 * Takes the secrets out of the layer's tree: makes struct secret of them,
 * reads the files, wipes the text. Mistakes go to *problems. `path` is the
 * layer's, "" or "repositories.api"; `mode` is that of the file it stands
 * in, for CONFIG_CHECK_MODES; it becomes 0 once it was complained of. Files
 * that are read are added to `stamps`.
 */
void layer_read_secrets(struct layer *layer, const char *path, unsigned flags,
    unsigned *mode, struct stamps *stamps, struct problems *problems);
void layer_release(struct layer *layer);

/* The key whose secrets this one belongs to: webhook-secret for
 * webhook-secrets and webhook-secret-file. */
const struct config_key *config_secret_family(const struct config_key *key);

/* ---- config_load.c ---- */

enum {
	CONFIG_SKIP_SECRETS = 1, /* do not read files and environment */
	CONFIG_CHECK_MODES = 2,	 /* warn of secrets that others can read */
	CONFIG_WEBHOOK_ONLY = 4, /* of secrets' files read the webhooks' only */
};

int config_load_with(struct config **out, const char *path, unsigned flags,
    struct config_report *report, struct err *err) CHECKED;

#endif
