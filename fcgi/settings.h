/* SPDX-License-Identifier: MIT */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "cidr.h"
#include "err.h"
#include "spool.h"

struct config;
struct hooks;
struct secret;

/*
 * What the responder needs of the configuration, made ready once so that a
 * request looks nothing up twice. A struct settings never changes: a reload
 * makes a new one, and the old one goes with the last request that uses it.
 *
 * Calling sequence: settings_load(); settings_current_init() takes it; each
 * request settings_get(), then settings_put(); settings_reload() at any time
 * from one thread. Where the file has become unreadable or wrong, reload
 * returns -1, the last good settings stay in use, and settings_problem()
 * tells /health/ready why.
 */
struct settings {
	struct config *config;
	struct hooks *hooks;
	const struct secret **keys; /* every active secret, each value once */
	size_t n_keys;
	int allow_unsigned;
	struct cidr *allow, *proxies; /* allow-ips, trusted-proxies */
	size_t n_allow, n_proxies;
	struct spool_limits limits;
	char *spool_path;
	uint64_t generation; /* no two in a process are alike */
	unsigned users;	     /* guarded by the lock in settings.c */
};

/* ERR_CONF where the file is wrong, or has no secret and does not say
 * `allow-unsigned: true`. */
int settings_load(
    struct settings **out, const char *path, struct err *err) CHECKED;

/* Makes `s` the current one; it is owned from here on. */
void settings_current_init(struct settings *s);

/* At a program's end. */
void settings_current_release(void);

/* The current settings, kept alive until settings_put(). */
struct settings *settings_get(void);
void settings_put(struct settings *s);

int settings_reload(struct err *err) CHECKED;

/* Copies why the last reload failed; "" if it did not. */
void settings_problem(char out[ERR_TEXT_MAX]);

/* 1 if `key` is one of the secrets of this repository (its own, or the
 * global ones where it has none of its own). */
int settings_key_of(
    const struct settings *s, const char *repository, const struct secret *key);

/* 1 if the repository has any secret to be checked against. */
int settings_has_key(const struct settings *s, const char *repository);

#endif
