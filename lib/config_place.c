/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

static int
is_above(const char *dir, const char *path)
{
	size_t len = strlen(dir);

	return strncmp(dir, path, len) == 0 &&
	       (path[len] == '\0' || path[len] == '/' || dir[len - 1] == '/');
}

/* By its name, and by the file that the name leads to. */
static int
lies_above(const char *file, const char *data)
{
	const char *slash = strrchr(file, '/');
	char dir[PATH_MAX], *real;
	size_t len = slash == NULL ? 1 : (size_t)(slash - file) + 1;
	int above;

	if (len >= sizeof dir)
		return 0;
	memcpy(dir, slash == NULL ? "." : file, len);
	dir[len] = '\0';
	real = realpath(dir, NULL);
	above = real != NULL && is_above(real, data);
	free(real);
	real = realpath(file, NULL);
	if (real != NULL && !above && (slash = strrchr(real, '/')) != NULL) {
		real[slash == real ? 1 : slash - real] = '\0';
		above = is_above(real, data);
	}
	free(real);
	return above;
}

static const char *
find_above(
    const struct config *config, const char *repository, const char *data)
{
	const char *const *files;
	size_t n =
	    config_list(config, repository, "webhook-secret-file", &files);

	for (size_t i = 0; i < n; i++) {
		/* Without a slash it is one of systemd's credentials. */
		if (strchr(files[i], '/') != NULL && lies_above(files[i], data))
			return files[i];
	}
	return NULL;
}

const char *
config_above_data(const struct config *config)
{
	const char *dir = config_str(config, NULL, "data-directory");
	const char *const *names, *found;
	size_t n = config_repositories(config, &names);
	char *data = dir != NULL ? realpath(dir, NULL) : NULL;

	if (data == NULL)
		return NULL;
	found =
	    lies_above(config_path(config), data) ? config_path(config) : NULL;
	if (found == NULL)
		found = find_above(config, NULL, data);
	for (size_t i = 0; i < n && found == NULL; i++)
		found = find_above(config, names[i], data);
	free(data);
	return found;
}
