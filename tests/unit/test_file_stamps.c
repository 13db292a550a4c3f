/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "config_files.h"
#include "file_stamps.h"

/* A configuration is current while nothing it was made of has changed. */

static struct config_dir dir;
static char secret[256];

static void
write_both(void)
{
	char text[512];
	int len =
	    snprintf(text, sizeof text, "webhook-secret-file: %s\n", secret);

	config_dir_write(&dir, NULL, text, (size_t)len);
	config_dir_write(&dir, "secret", "aaaaaaaaaaaaaaaaaaaa\n", 21);
}

/* A change's time cannot be set, so it has to pass. */
static void
wait_until_old(void)
{
	int64_t until = clock_mono() + CLOCK_SECOND + CLOCK_SECOND / 20;

	while (clock_mono() < until)
		poll(NULL, 0, 20);
}

static void
nothing(void)
{
}

static void
edit_config(void)
{
	write_both();
}

static void
edit_secret(void)
{
	config_dir_write(&dir, "secret", "bbbbbbbbbbbbbbbbbbbb\n", 21);
}

static void
replace_secret(void)
{
	char other[256];

	snprintf(other, sizeof other, "%s/other", dir.path);
	config_dir_write(&dir, "other", "aaaaaaaaaaaaaaaaaaaa\n", 21);
	assert_int_equal(rename(other, secret), 0);
}

/* Contents and size stay, and the time of the change is put back. */
static void
edit_and_put_time_back(void)
{
	struct timespec times[2];
	struct stat st;

	assert_int_equal(stat(secret, &st), 0);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	edit_secret();
	assert_int_equal(utimensat(AT_FDCWD, secret, times, 0), 0);
}

static void
remove_secret(void)
{
	assert_int_equal(unlink(secret), 0);
}

static const struct {
	const char *why;
	void (*change)(void);
	int current;
} changes[] = {
	{ "nothing changed", nothing, 1 },
	{ "the file was edited", edit_config, 0 },
	{ "the secret's file was edited", edit_secret, 0 },
	{ "it was replaced by one of the same contents", replace_secret, 0 },
	{ "it was edited and its time put back", edit_and_put_time_back, 0 },
	{ "it was removed", remove_secret, 0 },
};

static void
a_change_is_seen(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct config *config;
		struct err err = { 0 };

		write_both();
		wait_until_old();
		assert_int_equal(config_load(&config, dir.file, NULL, &err), 0);
		changes[i].change();
		if (config_is_current(config) != changes[i].current)
			fail_msg("%s", changes[i].why);
		config_free(config);
	}
}

/* Its next change could have the same time. */
static void
what_is_young_does_not_count(void **state)
{
	struct config *config;
	struct err err = { 0 };

	(void)state;
	write_both();
	assert_int_equal(config_load(&config, dir.file, NULL, &err), 0);
	assert_false(config_is_current(config));
	wait_until_old();
	assert_false(config_is_current(config));
	config_free(config);
}

static void
a_copy_is_never_current(void **state)
{
	struct config *config;
	struct err err = { 0 };
	int copy;

	(void)state;
	write_both();
	wait_until_old();
	assert_int_equal(config_copy(&copy, dir.file, &err), 0);
	assert_int_equal(config_load_copy(&config, copy, dir.file, &err), 0);
	assert_false(config_is_current(config));
	config_free(config);
	close(copy);
}

static void
no_stamp_does_not_hold(void **state)
{
	struct stamps none = { 0 }, missing = { 0 };

	(void)state;
	assert_false(stamps_hold(&none));
	stamps_add(&missing, "/nowhere/at/all");
	assert_false(stamps_hold(&missing));
	stamps_release(&missing);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_is_seen),
		cmocka_unit_test(what_is_young_does_not_count),
		cmocka_unit_test(a_copy_is_never_current),
		cmocka_unit_test(no_stamp_does_not_hold),
	};
	int failed;

	config_dir_make(&dir);
	snprintf(secret, sizeof secret, "%s/secret", dir.path);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	config_dir_remove(&dir);
	return failed;
}
