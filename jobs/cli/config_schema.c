/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "cli/config_command.h"
#include "config_check.h"
#include "config_form.h"
#include "config_read.h"
#include "json.h"

/*
 * JSON Schema, draft 7, which YAML editors understand. Each key of the top
 * is one definition, since the top of config.yaml and a repository's block
 * share most of them. Where a schema cannot say what the loader checks
 * (unique names, secrets that are there), it says less, never more.
 */

static const char rule[] =
    "{\"type\":\"object\",\"minProperties\":1,\"maxProperties\":1,"
    "\"additionalProperties\":false,\"properties\":{"
    "\"and\":{\"type\":\"array\",\"minItems\":1,"
    "\"items\":{\"$ref\":\"#/definitions/rule\"}},"
    "\"or\":{\"type\":\"array\",\"minItems\":1,"
    "\"items\":{\"$ref\":\"#/definitions/rule\"}},"
    "\"not\":{\"$ref\":\"#/definitions/rule\"},"
    "\"value\":{\"type\":\"object\",\"required\":[\"path\"],"
    "\"additionalProperties\":false,\"properties\":{"
    "\"path\":{\"type\":\"string\",\"minLength\":1},"
    "\"equals\":{\"type\":[\"string\",\"number\",\"boolean\",\"array\"]}}},"
    "\"regex\":{\"type\":\"object\",\"required\":[\"path\",\"pattern\"],"
    "\"additionalProperties\":false,\"properties\":{"
    "\"path\":{\"type\":\"string\",\"minLength\":1},"
    "\"pattern\":{\"type\":\"string\",\"minLength\":1}}},"
    "\"cidr\":{\"type\":[\"string\",\"array\"],"
    "\"items\":{\"type\":\"string\"}}}}";

static void put_key_schema(
    struct buf *out, const struct config_key *key, unsigned scope);

/* ---- scalars ---- */

static void
put_choices(struct buf *out, const char *choices)
{
	json_put_key(out, "enum");
	buf_addc(out, '[');
	while (*choices != '\0') {
		size_t n = strcspn(choices, "|");

		if (out->data[out->len - 1] != '[')
			buf_addc(out, ',');
		json_put_string_len(out, choices, n);
		choices += n + (choices[n] == '|');
	}
	buf_addc(out, ']');
}

static void
put_string(struct buf *out, const struct config_key *key)
{
	json_put_member(out, "type", "string");
	if (key->range != NULL &&
	    !(key->types & ~(unsigned)(CONFIG_STR | CONFIG_LIST)))
		put_choices(out, key->range);
	if (key->form != NULL && key->form->pattern != NULL &&
	    !(key->marks & MARK_SECRET))
		json_put_member(out, "pattern", key->form->pattern);
}

static void
put_integer(struct buf *out, const struct config_key *key)
{
	const char *high = key->range != NULL ? strstr(key->range, "..") : NULL;

	json_put_member(out, "type", "integer");
	if (high == NULL)
		return;
	json_put_key(out, "minimum");
	buf_add(out, key->range, (size_t)(high - key->range));
	json_put_key(out, "maximum");
	buf_adds(out, high + 2);
}

/* Bare numbers or numbers with a unit. */
static void
put_amount(struct buf *out, const char *units)
{
	buf_adds(out, ",\"type\":[\"integer\",\"string\"],\"minimum\":0");
	json_put_key(out, "pattern");
	buf_addf(out, "\"^[0-9]+(%s)?$\"", units);
}

/* ---- lists and mappings ---- */

static void
put_items(struct buf *out, const struct config_key *key, unsigned scope)
{
	const struct config_key *item = config_item_key(key);

	json_put_member(out, "type", "array");
	json_put_key(out, "items");
	if (item != NULL) {
		put_key_schema(out, item, scope);
		return;
	}
	buf_addc(out, '{');
	put_string(out, key);
	buf_addc(out, '}');
}

static int
is_member(const struct config_key *key, const struct config_key *parent,
    unsigned scope)
{
	return config_key_parent(key) == parent &&
	       strcmp(config_key_last(key), "*") != 0 &&
	       strcmp(config_key_last(key), "[]") != 0 &&
	       config_key_scopes(key) & scope;
}

static void
put_required(struct buf *out, const struct config_key *parent, unsigned scope)
{
	int any = 0;

	/* What is merged may stand in another layer. */
	if (parent != NULL && parent->marks & MARK_MERGE)
		return;
	for (size_t i = 0; i < config_keys(); i++) {
		const struct config_key *key = config_key_at(i);

		if (!(key->marks & MARK_REQUIRED) ||
		    !is_member(key, parent, scope))
			continue;
		if (!any)
			json_put_key(out, "required");
		buf_addc(out, any ? ',' : '[');
		json_put_string(out, config_key_last(key));
		any = 1;
	}
	if (any)
		buf_addc(out, ']');
}

static void
put_members(struct buf *out, const struct config_key *key, unsigned scope)
{
	const struct config_key *any = config_key_member(key, "*");

	json_put_member(out, "type", "object");
	json_put_key(out, "properties");
	buf_addc(out, '{');
	for (size_t i = 0; i < config_keys(); i++) {
		const struct config_key *member = config_key_at(i);

		if (!is_member(member, key, scope))
			continue;
		json_put_key(out, config_key_last(member));
		put_key_schema(out, member, scope);
	}
	buf_addc(out, '}');
	json_put_key(out, "additionalProperties");
	if (strcmp(key->name, "repositories") == 0)
		buf_adds(out, "{\"$ref\":\"#/definitions/repository\"}");
	else if (any != NULL)
		put_key_schema(out, any, scope);
	else
		buf_adds(out, "false");
	put_required(out, key, scope);
}

/* ---- a key ---- */

static void
put_description(struct buf *out, const struct config_key *key)
{
	struct buf text;

	buf_init(&text, 4096);
	buf_adds(&text, key->text);
	if (key->marks & MARK_PLANNED)
		buf_adds(&text, " Not in effect yet.");
	if (key->marks & MARK_OBSOLETE)
		buf_addf(&text, " Has no effect here: %s.", key->note);
	if (key->marks & MARK_DEPRECATED)
		buf_addf(&text, " Deprecated: %s.", key->note);
	json_put_member(out, "description", text.data);
	buf_release(&text);
}

/* One of the types that the key takes. */
static void
put_type(struct buf *out, const struct config_key *key, unsigned type,
    unsigned scope)
{
	switch ((enum config_type)type) {
	case CONFIG_BOOL:
		json_put_member(out, "type", "boolean");
		break;
	case CONFIG_INT:
		put_integer(out, key);
		break;
	case CONFIG_STR:
		put_string(out, key);
		break;
	case CONFIG_DURATION:
		put_amount(out, "ms|s|m|h|d");
		break;
	case CONFIG_SIZE:
		put_amount(out, "k|M|G|T");
		break;
	case CONFIG_LIST:
		put_items(out, key, scope);
		break;
	case CONFIG_MAP:
		put_members(out, key, scope);
		break;
	}
}

static void
put_key_schema(struct buf *out, const struct config_key *key, unsigned scope)
{
	int several = (key->types & (key->types - 1)) != 0;

	buf_addc(out, '{');
	put_description(out, key);
	if (key->check == check_hook_rule) {
		/* Draft 7 ignores what stands beside a $ref. */
		buf_adds(
		    out, ",\"allOf\":[{\"$ref\":\"#/definitions/rule\"}]}");
		return;
	}
	if (several)
		buf_adds(out, ",\"anyOf\":[");
	for (unsigned type = 1; type <= CONFIG_MAP; type *= 2) {
		if (!(key->types & type))
			continue;
		if (several)
			buf_adds(
			    out, out->data[out->len - 1] == '[' ? "{" : ",{");
		put_type(out, key, type, scope);
		if (several)
			buf_addc(out, '}');
	}
	buf_adds(out, several ? "]}" : "}");
}

/* ---- the whole ---- */

/* An object of the keys that may stand in `scope`, by reference. */
static void
put_level(struct buf *out, unsigned scope)
{
	json_put_member(out, "type", "object");
	buf_adds(out, ",\"additionalProperties\":false,\"properties\":{");
	for (size_t i = 0; i < config_keys(); i++) {
		const struct config_key *key = config_key_at(i);

		if (!is_member(key, NULL, scope))
			continue;
		json_put_key(out, key->name);
		buf_addf(out, "{\"$ref\":\"#/definitions/key.%s\"}", key->name);
	}
	buf_addc(out, '}');
	put_required(out, NULL, scope);
}

void
config_schema(struct buf *out, int local)
{
	unsigned all = local ? SCOPE_LOCAL | SCOPE_IGNORED : SCOPE_CONFIG;

	buf_addc(out, '{');
	json_put_member(
	    out, "$schema", "http://json-schema.org/draft-07/schema#");
	json_put_member(out, "title",
	    local ? "hookspool: a repository's .github-webhook-server.yaml"
		  : "hookspool: config.yaml");
	put_level(out, local ? all : SCOPE_ROOT);
	buf_adds(out, ",\"definitions\":{");
	for (size_t i = 0; i < config_keys(); i++) {
		const struct config_key *key = config_key_at(i);
		char name[128];

		if (!is_member(key, NULL, all))
			continue;
		snprintf(name, sizeof name, "key.%s", key->name);
		json_put_key(out, name);
		put_key_schema(out, key, all);
	}
	json_put_key(out, "rule");
	buf_adds(out, rule);
	if (!local) {
		buf_adds(out, ",\"repository\":{");
		put_level(out, SCOPE_BLOCK);
		buf_addc(out, '}');
	}
	buf_adds(out, "}}");
}
