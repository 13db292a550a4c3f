/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_COMMAND_H
#define CONFIG_COMMAND_H

#include <stddef.h>

#include "cli/cli.h"

struct buf;
struct config;
struct config_key;
struct config_value;

/*
 * `hookspool config` and what it makes of the table of keys: answers about a
 * file, the JSON Schema for editors, the key reference of the manual. The
 * makers write into a buf and cannot fail otherwise than by its filling up.
 */

int config_show(struct cli *cli);

/*
 * JSON Schema (draft 7) of config.yaml, or of a repository's own file.
 */
void config_schema(struct buf *out, int local);

/* The key reference, for docs/configuration.md and docs/config.5. */
void config_markdown(struct buf *out);
void config_man(struct buf *out);

/* A value as JSON, scalars by the types its key allows. */
void config_put_value(
    struct buf *out, unsigned types, const struct config_value *v);

/* The row for the items of this list, or NULL: strings. */
const struct config_key *config_item_key(const struct config_key *key);

/* What a key takes, in words: "integer, 1..1024". */
void config_put_type(struct buf *out, const struct config_key *key);

#endif
