/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_FILES_H
#define CONFIG_FILES_H

#include <stddef.h>

struct config;

/*
 * Configuration files for tests, in a directory of their own. Everything
 * here ends the test where it does not work.
 */

struct config_dir {
	char path[128]; /* the directory */
	char file[160]; /* config.yaml in it */
};

void config_dir_make(struct config_dir *d);
void config_dir_remove(struct config_dir *d);

/* Writes a file of that name (mode 0600); NULL: config.yaml. */
void config_dir_write(
    const struct config_dir *d, const char *name, const char *text, size_t len);

/* Writes config.yaml and loads it. */
struct config *config_of(const struct config_dir *d, const char *text);

/* A file with one mistake, and the one line that must come of it. */
struct wrong_file {
	const char *rule, *text, *want;
};

/* Each is loaded as config.yaml, or laid over nothing as a local file. */
void check_wrong_files(const struct wrong_file *rows, size_t n);
void check_wrong_local(const struct wrong_file *rows, size_t n);

#endif
