/* SPDX-License-Identifier: MIT */
/*
 * Loading, sharing and replacing the settings. One lock guards the pointer
 * to the current settings and all user counts; it is held for a few
 * instructions only.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_layers.h"
#include "hook.h"
#include "log.h"
#include "secret.h"
#include "settings.h"

static int collect_keys(struct settings *s, struct err *err);
static int add_keys(struct settings *s, const char *repository, struct err *);
static int add_key(struct settings *s, const struct secret *key, struct err *);
static int read_ranges(struct cidr **out, size_t *n, const struct settings *s,
    const char *key, struct err *err);
static int read_rest(struct settings *s, struct err *err);
static void apply_log_level(const struct settings *s);
static int secret_equal(const struct secret *a, const struct secret *b);
static void settings_free(struct settings *s);

/* Stands for webhook-secrets and webhook-secret-file as well. */
#define SECRET_KEY "webhook-secret"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct settings *current;
static char problem[ERR_TEXT_MAX];
static uint64_t generations;

int
settings_load(struct settings **out, const char *path, struct err *err)
{
	struct settings *s = calloc(1, sizeof *s);

	if (s == NULL)
		return err_set(err, ERR_TEMP, 0, "settings: no memory");
	/* Tokens are none of our business, and the sandbox has no way to their
	 * files when they are to be read again. */
	if (config_load_with(
		&s->config, path, CONFIG_WEBHOOK_ONLY, NULL, err) == -1 ||
	    hooks_compile(&s->hooks, s->config, err) == -1 ||
	    collect_keys(s, err) == -1 || read_rest(s, err) == -1) {
		settings_free(s);
		return -1;
	}
	s->generation = __atomic_add_fetch(&generations, 1, __ATOMIC_RELAXED);
	*out = s;
	return 0;
}

static int
read_rest(struct settings *s, struct err *err)
{
	const struct config *c = s->config;
	const char *data = config_str(c, NULL, "data-directory");

	s->allow_unsigned = config_bool(c, NULL, "allow-unsigned");
	if (s->n_keys == 0 && !s->allow_unsigned)
		return err_set(err, ERR_CONF, 0,
		    "%.100s: no webhook-secret; set one, or say "
		    "allow-unsigned: true to take events from anybody",
		    config_path(c));
	if (read_ranges(&s->allow, &s->n_allow, s, "allow-ips", err) == -1 ||
	    read_ranges(
		&s->proxies, &s->n_proxies, s, "trusted-proxies", err) == -1)
		return -1;
	s->limits = (struct spool_limits){
		.max_files =
		    (uint64_t)config_int(c, NULL, "limits.max-queued-files"),
		.max_bytes = config_size(c, NULL, "limits.max-queued-bytes"),
		.min_free_bytes = config_size(c, NULL, "limits.min-free-bytes"),
		.min_free_inodes =
		    (uint64_t)config_int(c, NULL, "limits.min-free-inodes"),
	};
	if (asprintf(&s->spool_path, "%s/spool", data) == -1) {
		s->spool_path = NULL;
		return err_set(err, ERR_TEMP, 0, "settings: no memory");
	}
	return 0;
}

static int
collect_keys(struct settings *s, struct err *err)
{
	const char *const *names;
	size_t n = config_repositories(s->config, &names);

	if (add_keys(s, NULL, err) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (add_keys(s, names[i], err) == -1)
			return -1;
	}
	return 0;
}

static int
add_keys(struct settings *s, const char *repository, struct err *err)
{
	const struct secret *const *list;
	size_t n = config_secrets(s->config, repository, SECRET_KEY, &list);

	for (size_t i = 0; i < n; i++) {
		if (add_key(s, list[i], err) == -1)
			return -1;
	}
	return 0;
}

static int
add_key(struct settings *s, const struct secret *key, struct err *err)
{
	const struct secret **grown;

	for (size_t i = 0; i < s->n_keys; i++) {
		if (secret_equal(s->keys[i], key))
			return 0;
	}
	grown = reallocarray(s->keys, s->n_keys + 1, sizeof *grown);
	if (grown == NULL)
		return err_set(err, ERR_TEMP, 0, "settings: no memory");
	s->keys = grown;
	s->keys[s->n_keys++] = key;
	return 0;
}

static int
read_ranges(struct cidr **out, size_t *n, const struct settings *s,
    const char *key, struct err *err)
{
	const char *const *texts;
	size_t count = config_list(s->config, NULL, key, &texts);

	if (count == 0)
		return 0;
	if ((*out = calloc(count, sizeof **out)) == NULL)
		return err_set(err, ERR_TEMP, 0, "settings: no memory");
	for (*n = 0; *n < count; (*n)++) {
		if (cidr_parse(&(*out)[*n], texts[*n], err) == -1)
			return err_prefix(err, "%s", key);
	}
	return 0;
}

void
settings_current_init(struct settings *s)
{
	s->users = 1;
	current = s;
	apply_log_level(s);
}

void
settings_current_release(void)
{
	settings_put(current);
	current = NULL;
}

struct settings *
settings_get(void)
{
	struct settings *s;

	pthread_mutex_lock(&lock);
	s = current;
	s->users++;
	pthread_mutex_unlock(&lock);
	return s;
}

void
settings_put(struct settings *s)
{
	unsigned left;

	if (s == NULL)
		return;
	pthread_mutex_lock(&lock);
	left = --s->users;
	pthread_mutex_unlock(&lock);
	if (left == 0)
		settings_free(s);
}

/* Only the thread that reloads replaces `current`, so it may read the path
 * without the lock. */
int
settings_reload(struct err *err)
{
	struct settings *fresh, *old = current;
	const char *path = config_path(old->config);

	if (settings_load(&fresh, path, err) == -1) {
		pthread_mutex_lock(&lock);
		memcpy(problem, err->text, sizeof problem);
		pthread_mutex_unlock(&lock);
		return -1;
	}
	if (strcmp(fresh->spool_path, old->spool_path) != 0)
		log_event(LOG_WARN_, "reload",
		    "data-directory changed: restart to use the new one");
	fresh->users = 1;
	pthread_mutex_lock(&lock);
	current = fresh;
	problem[0] = '\0';
	pthread_mutex_unlock(&lock);
	apply_log_level(fresh);
	settings_put(old);
	return 0;
}

void
settings_problem(char out[ERR_TEXT_MAX])
{
	pthread_mutex_lock(&lock);
	memcpy(out, problem, ERR_TEXT_MAX);
	pthread_mutex_unlock(&lock);
}

int
settings_key_of(
    const struct settings *s, const char *repository, const struct secret *key)
{
	const struct secret *const *list;
	size_t n = config_secrets(s->config, repository, SECRET_KEY, &list);

	for (size_t i = 0; i < n; i++) {
		if (secret_equal(list[i], key))
			return 1;
	}
	return 0;
}

int
settings_has_key(const struct settings *s, const char *repository)
{
	const struct secret *const *list;

	return config_secrets(s->config, repository, SECRET_KEY, &list) > 0;
}

static void
apply_log_level(const struct settings *s)
{
	static const char *const names[] = { [LOG_DEBUG_] = "debug",
		[LOG_INFO_] = "info",
		[LOG_WARN_] = "warning",
		[LOG_ERROR_] = "error" };
	const char *want = config_str(s->config, NULL, "log-level");

	for (unsigned i = 0; want != NULL && i < sizeof names / sizeof *names;
	     i++) {
		if (strcasecmp(want, names[i]) == 0)
			log_level_set((enum log_level)i);
	}
}

static int
secret_equal(const struct secret *a, const struct secret *b)
{
	return secret_len(a) == secret_len(b) &&
	       memcmp(secret_bytes(a), secret_bytes(b), secret_len(a)) == 0;
}

static void
settings_free(struct settings *s)
{
	free(s->spool_path);
	free(s->allow);
	free(s->proxies);
	free(s->keys);
	hooks_free(s->hooks);
	config_free(s->config);
	free(s);
}
