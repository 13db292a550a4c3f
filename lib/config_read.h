/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_READ_H
#define CONFIG_READ_H

#include <stddef.h>

#include "config_problems.h"
#include "config_value.h"

/*
 * Reads one YAML text into a tree, strictly: what two readers could take
 * for different things, or a person does not expect, is an error with line
 * and column. Refused are
 *
 *   anchors, aliases, tags and tag directives; more than one document; a
 *   mapping's key twice, empty, or not a scalar; more than READ_DEPTH
 *   levels; numbers that look octal (0123, 0o17) unless in quotes; bytes
 *   that are not UTF-8; NULs; a top that is not a mapping.
 *
 * An empty text is an empty mapping. The text is not kept. libyaml is used
 * for its events only; no type of it leaves this module.
 *
 * Returns 0 with the tree in *out, which is in the pool; -1 with what is
 * wrong in *problems.
 */

#define READ_DEPTH	16		  /* collections within collections */
#define READ_LOCAL_MAX	(256 * 1024)	  /* bytes of a repository's own file */
#define READ_CONFIG_MAX (8 * 1024 * 1024) /* bytes of config.yaml */

int config_read(const struct config_value **out, struct value_pool *pool,
    const struct config_source *source, const char *text, size_t len,
    struct problems *problems);

#endif
