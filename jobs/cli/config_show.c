/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "cli/config_command.h"
#include "config.h"
#include "config_layers.h"
#include "fsio.h"
#include "json.h"

/*
 * The effective value of each key. Secrets are not even read: their keys
 * say only that they are set, and how many there are.
 */

#define SHOW_MAX (16 * 1024 * 1024)

struct show {
	const struct config *config;
	const char *repository; /* NULL: what holds without one */
	int origin, json;
	struct buf *out;
};

const struct config_key *
config_item_key(const struct config_key *key)
{
	return key != NULL ? config_key_member(key, "[]") : NULL;
}

static void
put_scalar(struct buf *out, unsigned types, const struct config_value *v)
{
	int64_t n;
	int yes;

	if (types & CONFIG_BOOL && value_bool(&yes, v) == 0)
		buf_adds(out, yes ? "true" : "false");
	else if (types & CONFIG_INT && value_int(&n, v) == 0)
		buf_adds(out, v->text);
	else
		json_put_string(out, v->text);
}

void
config_put_value(struct buf *out, unsigned types, const struct config_value *v)
{
	int map = v->kind == VALUE_MAP;

	if (v->kind == VALUE_NULL) {
		buf_adds(out, "null");
		return;
	}
	if (v->kind == VALUE_SCALAR) {
		put_scalar(out, types, v);
		return;
	}
	buf_addc(out, map ? '{' : '[');
	for (size_t i = 0; i < v->count; i++) {
		if (i > 0)
			buf_adds(out, ", ");
		if (map) {
			json_put_string(out, v->names[i]);
			buf_adds(out, ": ");
		}
		/* Inside, only the look of it tells what a scalar is. */
		config_put_value(out,
		    v->items[i]->quoted ? CONFIG_STR
					: CONFIG_BOOL | CONFIG_INT | CONFIG_STR,
		    v->items[i]);
	}
	buf_addc(out, map ? '}' : ']');
}

/* Mappings whose members have rows of their own are shown by those. */
static int
is_shown(const struct show *s, const struct config_key *key)
{
	if (strpbrk(key->name, "*[") != NULL ||
	    strcmp(key->name, "repositories") == 0)
		return 0;
	if (s->repository == NULL && !(config_key_scopes(key) & SCOPE_ROOT))
		return 0;
	if (!(key->types & CONFIG_MAP))
		return 1;
	return config_key_member(key, "*") != NULL ||
	       !config_key_has_members(key);
}

static void
put_secret(struct buf *out, const struct config_value *v, int json)
{
	size_t n = v->kind == VALUE_LIST ? v->count : 1;
	char text[40];

	snprintf(text, sizeof text, n == 1 ? "(set)" : "(%zu are set)", n);
	if (json)
		json_put_string(out, text);
	else
		buf_adds(out, text);
}

static void
put_effective(const struct show *s, const struct config_key *key,
    const struct config_value *v)
{
	if (v == NULL)
		buf_adds(s->out, s->json ? "null" : "~");
	else if (key->marks & MARK_SECRET)
		put_secret(s->out, v, s->json);
	else
		config_put_value(s->out, key->types, v);
}

static void
say_origin(char *out, size_t size, const struct config_value *v)
{
	if (v == NULL)
		snprintf(out, size, "not set");
	else if (v->source->layer == LAYER_DEFAULT)
		snprintf(out, size, "default");
	else
		value_place(out, size, v);
}

static void
show_key(const struct show *s, const struct config_key *key)
{
	const struct config_value *v =
	    config_lookup(s->config, s->repository, key);
	char origin[512];

	say_origin(origin, sizeof origin, v);
	if (s->json) {
		json_put_key(s->out, key->name);
		if (s->origin)
			buf_adds(s->out, "{\"value\":");
		put_effective(s, key, v);
		if (s->origin) {
			json_put_member(s->out, "origin", origin);
			buf_addc(s->out, '}');
		}
		return;
	}
	buf_addf(s->out, "%s: ", key->name);
	put_effective(s, key, v);
	if (s->origin)
		buf_addf(s->out, "  # %s", origin);
	buf_addc(s->out, '\n');
}

static int
print_keys(const struct cli *cli, const struct config *config)
{
	struct buf out;
	struct show s = { config, cli_value(cli, "repo"),
		cli_value(cli, "origin") != NULL, cli->json, &out };
	struct err err = { 0 };
	int r = CLI_YES;

	buf_init(&out, SHOW_MAX);
	if (s.json)
		buf_addc(&out, '{');
	for (size_t i = 0; i < config_keys(); i++) {
		if (is_shown(&s, config_key_at(i)))
			show_key(&s, config_key_at(i));
	}
	if (s.json)
		buf_adds(&out, "}\n");
	if (buf_check(&out, "configuration", &err) == -1)
		r = cli_error(&err);
	else
		fputs(out.data, stdout);
	buf_release(&out);
	return r;
}

/* With the repository's own file laid over the rest. */
static int
print_overlaid(const struct cli *cli, const struct config *config)
{
	const char *repository = cli_value(cli, "repo");
	struct config *over;
	struct err err = { 0 };
	struct buf text;
	int r = -1;

	if (repository == NULL)
		return cli_usage("--local needs --repo");
	buf_init(&text, 1024 * 1024);
	if (fs_read_file(&text, AT_FDCWD, cli_value(cli, "local"), &err) == 0)
		r = config_overlay(
		    &over, config, repository, text.data, text.len, NULL, &err);
	buf_release(&text);
	if (r == -1)
		return cli_error(&err);
	r = print_keys(cli, over);
	config_free(over);
	return r;
}

int
config_show(struct cli *cli)
{
	const char *repository = cli_value(cli, "repo");
	struct config *config;
	struct err err = { 0 };
	int r;

	if (config_load_with(&config,
		config_default_path(cli_value(cli, "config")),
		CONFIG_SKIP_SECRETS, NULL, &err) == -1)
		return cli_error(&err);
	if (repository != NULL && !config_has_repository(config, repository)) {
		fprintf(stderr, "hookspool: no repository %s in %s\n",
		    repository, config_path(config));
		r = CLI_NO;
	} else if (cli_value(cli, "local") != NULL) {
		r = print_overlaid(cli, config);
	} else {
		r = print_keys(cli, config);
	}
	config_free(config);
	return r;
}
