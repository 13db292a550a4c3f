/* SPDX-License-Identifier: MIT */
/*
 * A hook's command and environment for one event, ready for execve(2).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "head.h"
#include "hook_parts.h"

/* An array with room for n strings and the NULL. */
static char **
new_array(size_t n, struct err *err)
{
	char **array = calloc(n + 1, sizeof *array);

	if (array == NULL)
		(void)err_set(err, ERR_TEMP, 0, "hook: out of memory");
	return array;
}

void
hook_argv_free(char **argv)
{
	if (argv == NULL)
		return;
	for (char **p = argv; *p != NULL; p++)
		free(*p);
	free(argv);
}

/* `prefix` and the expanded template as a string of its own, or NULL. */
static char *
expand_one(const char *prefix, const char *text, const struct job_head *head,
    const struct json *payload, struct err *err)
{
	char *one = NULL;
	struct buf b;

	buf_init(&b, HOOK_VALUE_MAX - 1);
	buf_adds(&b, prefix);
	hook_expand(&b, text, head, payload);
	if (buf_check(&b, text, err) == 0 && (one = strdup(b.data)) == NULL)
		(void)err_set(err, ERR_TEMP, 0, "hook: out of memory");
	buf_release(&b);
	return one;
}

int
hook_argv(char ***argv, const struct hook *hook, const struct job_head *head,
    const struct json *payload, struct err *err)
{
	size_t n = 0;
	int options = 1; /* an argument may still be read as one */
	char **array;

	while (hook->command[n] != NULL)
		n++;
	array = new_array(n, err);
	if (array == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *item = hook->command[i];

		array[i] = expand_one("", item, head, payload, err);
		if (array[i] == NULL)
			goto fail;
		if (strcmp(item, "--") == 0)
			options = 0;
		if (options && strncmp(item, "{{", 2) == 0 &&
		    *array[i] == '-') {
			(void)err_set(err, ERR_BAD, 0,
			    "%.60s: the value begins with \"-\" and could be "
			    "taken for an option",
			    item);
			goto fail;
		}
	}
	*argv = array;
	return 0;
fail:
	hook_argv_free(array);
	return -1;
}

int
hook_environment(char ***env, const struct hook *hook,
    const struct job_head *head, const struct json *payload, struct err *err)
{
	const struct hook_env *e = hook->environment;
	char name[160];
	char **array;
	size_t n = 0;

	while (e != NULL && e[n].name != NULL)
		n++;
	array = new_array(n, err);
	if (array == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof name, "%s=", e[i].name);
		array[i] = expand_one(name, e[i].value, head, payload, err);
		if (array[i] == NULL) {
			hook_argv_free(array);
			return -1;
		}
	}
	*env = array;
	return 0;
}
