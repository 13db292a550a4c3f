/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_H
#define CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct buf;
struct secret;

/*
 * The configuration: config.yaml, a repository's own
 * .github-webhook-server.yaml over it, and one table (config_table.c) that
 * says for each key its type, range, default, scopes and meaning. Whatever
 * is not in the table is an error.
 *
 * Calling sequence: config_load(), then any number of getters from any
 * number of threads (a loaded configuration never changes), config_free().
 * To reload, load a new one and let the old one go when its last user is
 * done; config_watch says when.
 *
 * Getters take the repository ("owner/name", NULL or "" for none) and the
 * key's dotted name. They answer with the first that is set of: the
 * repository's local file (once config_overlay() has read it), its block in
 * config.yaml, the top of config.yaml, the table's default. Asking for a key
 * that the table does not have, or with the wrong type, is a bug and aborts.
 * Returned strings and lists belong to the configuration.
 */

struct config;
struct config_value; /* one YAML value with its place in the file */

/* The problems of a file, one line each ("config.yaml:42: ..."), in order. */
struct config_report {
	char **lines; /* errors first by line, then warnings */
	size_t errors, warnings;
};
void config_report_free(struct config_report *report);

/*
 * Reads and checks `path`. -1 with the first error in *err (ERR_CONF) and
 * all of them in *report, which may be NULL. Secrets named by *-file keys
 * are read too.
 */
int config_load(struct config **out, const char *path,
    struct config_report *report, struct err *err) CHECKED;
void config_free(struct config *config);

/*
 * A copy of the file's text in memory, sealed, for a process that starts when
 * the file may be broken: *fd is the caller's. config_load_copy() reads one
 * as if it were `path`, any number of times. A worker finds the number of
 * its runner's copy in the environment.
 */
#define CONFIG_COPY_ENV "HOOKSPOOL_LAST_CONFIG"
int config_copy(int *fd, const char *path, struct err *err) CHECKED;
int config_load_copy(
    struct config **out, int fd, const char *path, struct err *err) CHECKED;

/*
 * Lays a repository's local file (its text: hostile input) over the
 * configuration: a new one, which borrows the old and must be freed first.
 * Without a configuration (NULL) the text is only checked: no getter may be
 * called on the result.
 */
int config_overlay(struct config **out, const struct config *config,
    const char *repository, const char *text, size_t len,
    struct config_report *report, struct err *err) CHECKED;

/*
 * 1 if loading the file again would give the same: neither it nor a file that
 * it names for a secret has changed. In doubt 0, as when one of them had only
 * just been written. Costs one stat(2) a file.
 */
int config_is_current(const struct config *config);

/* The file's name, as it was given. */
const char *config_path(const struct config *config);

/*
 * The configuration or a file of webhook secrets that lies in a directory
 * above the data directory, or in it; NULL: none does. The responder may read
 * the directories of these files, for they are replaced by rename, and with
 * such a one it may read all of the spool.
 */
const char *config_above_data(const struct config *config);

/* --config, $HOOKSPOOL_CONFIG, $WEBHOOK_SERVER_DATA_DIR/config.yaml or
 * /etc/hookspool/config.yaml: the first that is given. `given` may be NULL. */
const char *config_default_path(const char *given);

const char *config_str(const struct config *config, const char *repository,
    const char *key); /* NULL: not set and no default */
int64_t config_int(
    const struct config *config, const char *repository, const char *key);
int config_bool(
    const struct config *config, const char *repository, const char *key);
/* Durations are written as seconds or "90s", "10m", "2h", "8d": nanoseconds */
int64_t config_duration(
    const struct config *config, const char *repository, const char *key);
/* Sizes are written as bytes or "64k", "25M", "2G": bytes. */
uint64_t config_size(
    const struct config *config, const char *repository, const char *key);
/* A list of strings; a single string counts as a list of one. */
size_t config_list(const struct config *config, const char *repository,
    const char *key, const char *const **items);
/* All values of a secret key, including its *-file form; 0 if none. */
size_t config_secrets(const struct config *config, const char *repository,
    const char *key, const struct secret *const **secrets);
/* A mapping or a list of mappings, for those who walk it; NULL if unset. */
const struct config_value *config_node(
    const struct config *config, const char *repository, const char *key);

/* 1 if config.yaml has this repository ("owner/name", compared as GitHub
 * does: without regard to case). */
int config_has_repository(const struct config *config, const char *repository);
size_t config_repositories(
    const struct config *config, const char *const **full_names);

/* ---- walking a value ---- */

size_t value_count(const struct config_value *v);
const struct config_value *value_at(const struct config_value *v, size_t i);
/* Name of member i of a mapping. */
const char *value_name(const struct config_value *v, size_t i);
const struct config_value *value_get(
    const struct config_value *mapping, const char *key);
const char *value_str(const struct config_value *v); /* NULL if no scalar */
int value_is_list(const struct config_value *v);
int value_is_map(const struct config_value *v);
/* Scalars of the table's types; 0, or -1 where it is none. */
int value_bool(int *out, const struct config_value *v) CHECKED;
int value_int(int64_t *out, const struct config_value *v) CHECKED;
int value_duration(int64_t *ns, const struct config_value *v) CHECKED;
/* Where it stands: "config.yaml:42"; for messages of ours about it. */
void value_place(char *out, size_t size, const struct config_value *v);

/* ---- noticing a change ---- */

/*
 * Watches the file by name, size, times and inode (also through a symbolic
 * link): a change is noticed whether it was edited, replaced by rename, or
 * the link was switched.
 */
struct config_watch;

int config_watch_new(
    struct config_watch **out, const char *path, struct err *err) CHECKED;
/* Readable when something happened nearby; -1 where inotify is not to be
 * had (then ask config_changed() every few seconds). */
int config_watch_fd(const struct config_watch *w);
/* 1 if the file is not what it was when last asked. Cheap: one stat. */
int config_changed(struct config_watch *w);
void config_watch_free(struct config_watch *w);

#endif
