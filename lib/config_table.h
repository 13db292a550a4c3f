/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include <stddef.h>

/*
 * The one table of configuration keys. From it come the checks of a file,
 * the defaults, `hookspool config check|show|schema` and the reference pages
 * docs/configuration.md and docs/config.5. A key that is not in it does not
 * exist. It stands in several files, one for each area; config_key_at() walks
 * all of them in order.
 *
 * A row's name is the key's dotted path from the place where it may be set:
 * the top of config.yaml, a repository's block, a repository's own file. "*"
 * is any name a person chooses, "[]" an item of a list ("hooks[].name").
 * Members are allowed where their parent is, unless their row says less.
 *
 * To add a key: a row here, a getter call where it takes effect, a test that
 * shows it, that test's name in tests/unit/test_config_effect.c, and
 * `make docs` for the pages.
 */

enum config_type {
	CONFIG_BOOL = 1,
	CONFIG_INT = 2,
	CONFIG_STR = 4,
	CONFIG_DURATION = 8,
	CONFIG_SIZE = 16,
	CONFIG_LIST = 32, /* of strings, or of what the "[]" row says */
	CONFIG_MAP = 64,
};

/* Where a key may be set. */
enum config_scope {
	SCOPE_ROOT = 1,	    /* the top of config.yaml */
	SCOPE_BLOCK = 2,    /* its repository's block there */
	SCOPE_LOCAL = 4,    /* the repository's own file */
	SCOPE_BRANCH = 8,   /* its members are named by branch */
	SCOPE_IGNORED = 16, /* taken in the repository's own file with a
			     * warning, never followed: a secret, or a way out
			     * of the sandbox */
	SCOPE_CONFIG = SCOPE_ROOT | SCOPE_BLOCK,
	SCOPE_ALL = SCOPE_CONFIG | SCOPE_LOCAL,
	SCOPE_LEAK = SCOPE_CONFIG | SCOPE_IGNORED,
};

enum config_effect { NEXT_JOB, ON_RELOAD, ON_RESTART };

enum config_mark {
	MARK_SECRET = 1,      /* never printed; ${NAME} is read from the
			       * environment */
	MARK_SECRET_FILE = 2, /* names a file that holds the secret */
	MARK_PLANNED = 4,     /* accepted, does nothing yet */
	MARK_OBSOLETE = 8,    /* accepted, does nothing here; note says why */
	MARK_DEPRECATED = 16, /* works, but note says what to use instead */
	MARK_REQUIRED = 32,   /* its mapping must have it */
	MARK_MERGE = 64,      /* members come from all layers, key by key */
};

struct config_form;
struct config_key;
struct config_value;
struct problems;

struct config_key {
	const char *name;
	unsigned types;	 /* set of enum config_type */
	unsigned scopes; /* set of enum config_scope; 0: as its parent */
	enum config_effect effect;
	unsigned marks;			/* set of enum config_mark */
	const struct config_form *form; /* shape of its strings, or NULL */
	const char *range;		/* "1..10", "1s..7d"; words: "a|b|c" */
	const char *fallback;		/* the default as YAML, NULL: none */
	const char *text;		/* one sentence */
	const char *note; /* with MARK_OBSOLETE, MARK_DEPRECATED */
	/* What the columns above cannot say; NULL: nothing. */
	void (*check)(
	    struct problems *p, const struct config_value *v, const char *path);
};

#define CONFIG_PATH 512 /* bytes of a path in a message */

size_t config_keys(void);
const struct config_key *config_key_at(size_t i);

/* The row of this name, or NULL. */
const struct config_key *config_key_find(const char *name);

/*
 * The row for member `name` of `parent` (NULL: the top): its own, else the
 * "*" row, else NULL. "[]" is the row for the items of a list.
 */
const struct config_key *config_key_member(
    const struct config_key *parent, const char *name);

/* The row this one is a member of, NULL at the top. */
const struct config_key *config_key_parent(const struct config_key *key);

/* The rows with this one mark, in order. */
size_t config_keys_marked(
    const struct config_key *const **rows, enum config_mark mark);

int config_key_has_members(const struct config_key *key);

/* The row's place among all rows, below config_keys(). */
size_t config_key_index(const struct config_key *key);

/* The last part of the name: "name" of "hooks[].name". */
const char *config_key_last(const struct config_key *key);

/* The key's scopes, its parents' where it has none of its own. */
unsigned config_key_scopes(const struct config_key *key);

/* The member of `parent` that `name` was probably meant to be, or NULL. */
const char *config_key_nearest(
    const struct config_key *parent, const char *name, unsigned scope);

/* ---- the areas ---- */

struct config_area {
	const char *title;
	const struct config_key *keys;
	size_t count;
};

extern const struct config_area config_area_server;	/* own: server */
extern const struct config_area config_area_hooks;	/* own: hooks */
extern const struct config_area config_area_workspace;	/* own: workspaces */
extern const struct config_area config_area_github;	/* access to GitHub */
extern const struct config_area config_area_repository; /* pull requests */
extern const struct config_area config_area_checks;	/* checks, builds */
extern const struct config_area config_area_legacy;	/* no use here */

extern const struct config_area *const config_areas[]; /* NULL ends */

#endif
