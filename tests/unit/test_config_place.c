/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "config_files.h"

static struct config_dir d;

/* %s is the test's directory: config.yaml is in it, and data/, apart/, etc/.
 * etc/link leads to a file in it, etc/secret is one. */
static const struct {
	const char *why, *text, *above; /* NULL: nothing is */
} rows[] = {
	{ "the configuration above the data", "data-directory: %s/data\n",
	    "config.yaml" },
	{ "the configuration in the data directory", "data-directory: %s\n",
	    "config.yaml" },
	{ "data elsewhere", "data-directory: /var/tmp\n", NULL },
	{ "a data directory that is not there", "data-directory: %s/none\n",
	    NULL },
	{ "a name that only begins alike", "data-directory: %sx\n", NULL },
};

static const struct {
	const char *why, *text, *above;
} secrets[] = {
	{ "a secret apart from the data",
	    "data-directory: %1$s/data\n"
	    "webhook-secret-file: %1$s/etc/secret\n",
	    NULL },
	{ "a secret above the data",
	    "data-directory: %1$s/data\n"
	    "webhook-secret-file: %1$s/loose\n",
	    "loose" },
	{ "a repository's secret above the data",
	    "data-directory: %1$s/data\n"
	    "repositories:\n"
	    "  a: {name: o/a, webhook-secret-file: %1$s/loose}\n",
	    "loose" },
	{ "a link whose end lies above the data",
	    "data-directory: %1$s/data\n"
	    "webhook-secret-file: %1$s/etc/link\n",
	    "link" },
};

#define ITEMS(a) (sizeof(a) / sizeof *(a))

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void
check(const char *why, const char *path, const char *form, const char *want)
{
	char text[1024];
	struct config_report report = { 0 };
	struct config *config;
	struct err err = { 0 };
	const char *above;
	FILE *f = fopen(path, "w");

	snprintf(text, sizeof text, form, d.path);
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, 0600);
	if (config_load(&config, path, &report, &err) == -1)
		fail_msg("%s: %s", why, err.text);
	above = config_above_data(config);
	if ((above == NULL) != (want == NULL))
		fail_msg("%s: %s", why, above != NULL ? above : "nothing");
	if (want != NULL &&
	    strcmp(above + strlen(above) - strlen(want), want) != 0)
		fail_msg("%s: %s", why, above);
	config_free(config);
	config_report_free(&report);
}
#pragma GCC diagnostic pop

static void
files_above_the_data_are_found(void **state)
{
	char path[200], target[200], apart[200];

	(void)state;
	config_dir_make(&d);
	for (size_t i = 0; i < 3; i++) {
		static const char *const dirs[] = { "data", "etc", "apart" };

		snprintf(path, sizeof path, "%s/%s", d.path, dirs[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	config_dir_write(&d, "loose", "0123456789abcdef", 16);
	config_dir_write(&d, "etc/secret", "0123456789abcdef", 16);
	snprintf(path, sizeof path, "%s/etc/link", d.path);
	snprintf(target, sizeof target, "%s/loose", d.path);
	assert_int_equal(symlink(target, path), 0);
	snprintf(apart, sizeof apart, "%s/apart/config.yaml", d.path);
	for (size_t i = 0; i < ITEMS(rows); i++)
		check(rows[i].why, d.file, rows[i].text, rows[i].above);
	for (size_t i = 0; i < ITEMS(secrets); i++)
		check(secrets[i].why, apart, secrets[i].text, secrets[i].above);
	config_dir_remove(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_above_the_data_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
