/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "err.h"
#include "log.h"
#include "secret.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static char root[] = "/tmp/test_secret.XXXXXX";

static const char *
path_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof path, "%s/%s", root, name);
	return path;
}

static void
write_file(const char *name, const char *bytes, size_t len)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static int
is_redacted(const char *value)
{
	char text[300];
	size_t len = strlen(value);

	memcpy(text, value, len);
	len = redact(text, len, sizeof text);
	return len == 10 && memcmp(text, "[redacted]", 10) == 0;
}

static void
a_value_is_kept_and_never_logged(void **state)
{
	struct secret *s = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(is_redacted("made-secret"), 0);
	assert_int_equal(secret_new(&s, "made-secret", 11, &err), 0);
	assert_string_equal(secret_bytes(s), "made-secret");
	assert_int_equal(secret_len(s), 11);
	assert_int_equal(is_redacted("made-secret"), 1);
	secret_free(s);
	secret_free(NULL);
	/* What was one stays out of the log: it may still be in use. */
	assert_int_equal(is_redacted("made-secret"), 1);
}

/* What the kernel says of the pages: "dd" is VM_DONTDUMP (proc(5)). */
static void
a_value_is_kept_out_of_core_dumps(void **state)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	struct secret *s = NULL;
	struct err err = { 0 };
	char line[1000];
	int here = 0, found = 0;

	(void)state;
	assert_non_null(maps);
	assert_int_equal(secret_new(&s, "dump-secret", 11, &err), 0);
	while (fgets(line, sizeof line, maps) != NULL) {
		uintptr_t from, to, p = (uintptr_t)secret_bytes(s);

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = p >= from && p < to;
		else if (here && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, " dd") != NULL;
	}
	fclose(maps);
	assert_int_equal(found, 1);
	secret_free(s);
}

static const struct {
	const char *why, *bytes;
	size_t len;
	const char *want; /* NULL: refused */
} files[] = {
	{ "as an editor leaves it", "file-secret\n", 12, "file-secret" },
	{ "without a newline", "file-secret", 11, "file-secret" },
	{ "from another system", "file-secret\r\n", 13, "file-secret" },
	{ "one newline only", "file-secret\n\n", 13, "file-secret\n" },
	{ "blanks are part of it", " file-secret ", 13, " file-secret " },
	{ "empty", "", 0, NULL },
	{ "a newline alone", "\n", 1, NULL },
	{ "a NUL inside", "file\0secret", 11, NULL },
};

static void
files_are_read_without_their_newline(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		struct secret *s = NULL;
		struct err err = { 0 };
		int rc;

		write_file("file", files[i].bytes, files[i].len);
		rc = secret_read(&s, path_of("file"), &err);
		if (rc != (files[i].want != NULL ? 0 : -1))
			fail_msg("%s: %s", files[i].why, err.text);
		if (rc == 0)
			assert_string_equal(secret_bytes(s), files[i].want);
		else
			assert_int_equal(err.class, ERR_CONF);
		secret_free(s);
	}
}

static void
wrong_files_are_errors_of_the_configuration(void **state)
{
	char *large = malloc(65537);
	struct secret *s = NULL;
	struct err err = { 0 };

	(void)state;
	assert_non_null(large);
	memset(large, 'x', 65537);
	write_file("large", large, 65536);
	assert_int_equal(secret_read(&s, path_of("large"), &err), 0);
	assert_int_equal(secret_len(s), 65536);
	secret_free(s);
	s = NULL;
	write_file("large", large, 65537);
	free(large);
	assert_int_equal(secret_read(&s, path_of("large"), &err), -1);
	assert_int_equal(err.class, ERR_CONF);
	assert_int_equal(secret_read(&s, path_of("none"), &err), -1);
	assert_int_equal(err.class, ERR_CONF);
	assert_int_equal(secret_read(&s, root, &err), -1);
	assert_int_equal(err.class, ERR_CONF);
	assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
	assert_int_equal(secret_read(&s, path_of("fifo"), &err), -1);
	assert_int_equal(err.class, ERR_CONF);
	assert_null(s);
}

static void
a_bare_name_is_a_credential(void **state)
{
	struct secret *s = NULL;
	struct err err = { 0 };

	(void)state;
	write_file("hook", "cred-secret", 11);
	assert_int_equal(symlink("hook", path_of("link")), 0);
	setenv("CREDENTIALS_DIRECTORY", root, 1);
	assert_int_equal(secret_read(&s, "link", &err), 0);
	assert_string_equal(secret_bytes(s), "cred-secret");
	secret_free(s);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(secret_read(&s, "hook", &err), -1);
}

static int
make_root(void **state)
{
	(void)state;
	return mkdtemp(root) == NULL ? -1 : 0;
}

static int
remove_root(void **state)
{
	static const char *const names[] = { "file", "large", "fifo", "hook",
		"link" };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		unlink(path_of(names[i]));
	return rmdir(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_kept_and_never_logged),
		cmocka_unit_test(a_value_is_kept_out_of_core_dumps),
		cmocka_unit_test(files_are_read_without_their_newline),
		cmocka_unit_test(wrong_files_are_errors_of_the_configuration),
		cmocka_unit_test(a_bare_name_is_a_credential),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
