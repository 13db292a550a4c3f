/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "digest.h"
#include "err.h"

static const struct {
	const char *why, *key, *text, *want; /* no key: SHA-256 alone */
} vectors[] = {
	{ "GitHub's own (docs.github.com, \"Validating webhook deliveries\")",
	    "It's a Secret to Everybody", "Hello, World!",
	    "757107ea0eb2509fc211221cce984b8a"
	    "37570b6d7586c22c46f4379c8b043e17" },
	{ "FIPS 180-4, \"abc\"", NULL, "abc",
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad" },
	{ "nothing", NULL, "",
	    "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855" },
	{ "an empty key", "", "",
	    "b613679a0814d9ec772f95d778c35fc5"
	    "ff1697c493715653c6c712144292c5ad" },
};

/* The same in one piece, in bytes, and again after a reset. */
static void
digests_are_right_in_any_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		const char *key = vectors[i].key, *text = vectors[i].text;
		struct digest *d = NULL;
		struct err err = { 0 };

		assert_int_equal(
		    key == NULL ? digest_new(&d, &err)
				: digest_new_hmac(&d, key, strlen(key), &err),
		    0);
		for (size_t piece = 1; piece < 20; piece += 6) {
			uint8_t out[DIGEST_LEN];
			char hex[DIGEST_HEX];
			size_t len = strlen(text);

			for (size_t at = 0; at < len; at += piece)
				assert_int_equal(
				    digest_add(d, text + at,
					len - at < piece ? len - at : piece,
					&err),
				    0);
			assert_int_equal(digest_end(d, out, &err), 0);
			hex_encode(hex, out, sizeof out);
			if (strcmp(hex, vectors[i].want) != 0)
				fail_msg("%s: %s", vectors[i].why, hex);
			assert_int_equal(digest_reset(d, &err), 0);
		}
		digest_free(d);
	}
	digest_free(NULL);
}

static void
one_piece_needs_no_object(void **state)
{
	uint8_t out[DIGEST_LEN], want[DIGEST_LEN];
	struct err err = { 0 };

	(void)state;
	assert_int_equal(digest_of(out, "abc", 3, &err), 0);
	assert_int_equal(hex_decode(want, sizeof want, vectors[1].want), 0);
	assert_int_equal(digest_equal(out, want), 1);
	want[DIGEST_LEN - 1] ^= 1;
	assert_int_equal(digest_equal(out, want), 0);
}

static const char *const bad_hex[] = { "", "0", "0g", "00f", "00ff0", "00FF",
	"00f ", "0x00" };

static void
hexadecimal_is_read_strictly(void **state)
{
	uint8_t out[2] = { 7, 7 };

	(void)state;
	for (size_t i = 0; i < sizeof bad_hex / sizeof *bad_hex; i++) {
		if (hex_decode(out, 2, bad_hex[i]) == 0)
			fail_msg("%s: taken", bad_hex[i]);
	}
	assert_int_equal(hex_decode(out, 2, "00ff"), 0);
	assert_int_equal(out[0], 0);
	assert_int_equal(out[1], 255);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_right_in_any_pieces),
		cmocka_unit_test(one_piece_needs_no_object),
		cmocka_unit_test(hexadecimal_is_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
