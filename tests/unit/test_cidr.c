/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cidr.h"
#include "err.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct {
	const char *why, *range, *peer;
	int want;
} matches[] = {
	{ "the first of a range", "192.30.252.0/22", "192.30.252.0", 1 },
	{ "the last", "192.30.252.0/22", "192.30.255.255", 1 },
	{ "the one behind", "192.30.252.0/22", "192.31.0.0", 0 },
	{ "the one before", "192.30.252.0/22", "192.30.251.255", 0 },
	{ "a mapped address", "192.30.252.0/22", "::ffff:192.30.252.7", 1 },
	{ "a range written mapped", "::ffff:192.0.2.0/120", "192.0.2.9", 1 },
	{ "an address alone", "192.0.2.1", "192.0.2.1", 1 },
	{ "and its neighbour", "192.0.2.1", "192.0.2.0", 0 },
	{ "all of IPv4", "0.0.0.0/0", "255.255.255.255", 1 },
	{ "all of IPv4 has no IPv6", "0.0.0.0/0", "2001:db8::1", 0 },
	{ "all of IPv6", "::/0", "2001:db8::1", 1 },
	{ "all of IPv6 has no IPv4", "::/0", "192.0.2.1", 0 },
	{ "within a byte", "2a0a:a440::/29", "2a0a:a447:ffff::1", 1 },
	{ "outside it", "2a0a:a440::/29", "2a0a:a448::1", 0 },
	{ "a whole address", "2001:db8::1/128", "2001:DB8:0:0::1", 1 },
	{ "a name is none", "0.0.0.0/0", "localhost", 0 },
	{ "nothing is none", "0.0.0.0/0", "", 0 },
	{ "a port is none", "0.0.0.0/0", "192.0.2.1:80", 0 },
	{ "octal is none", "0.0.0.0/0", "010.0.0.1", 0 },
	{ "three parts are none", "0.0.0.0/0", "10.0.1", 0 },
};

static const struct {
	const char *text, *want;
} refused[] = {
	{ "", ": not an address or a range of addresses" },
	{ "/8", "/8: not an address or a range of addresses" },
	{ "host/8", "host/8: not an address or a range of addresses" },
	{ "300.0.0.0/8",
	    "300.0.0.0/8: not an address or a range of addresses" },
	{ " 10.0.0.0/8",
	    " 10.0.0.0/8: not an address or a range of addresses" },
	{ "10.0.0.0/33",
	    "10.0.0.0/33: what follows the slash must be 0 to 32" },
	{ "10.0.0.0/", "10.0.0.0/: what follows the slash must be 0 to 32" },
	{ "10.0.0.0/+8",
	    "10.0.0.0/+8: what follows the slash must be 0 to 32" },
	{ "10.0.0.0/8x",
	    "10.0.0.0/8x: what follows the slash must be 0 to 32" },
	{ "10.0.0.0/8/8",
	    "10.0.0.0/8/8: what follows the slash must be 0 to 32" },
	{ "::/129", "::/129: what follows the slash must be 0 to 128" },
	{ "10.0.0.1/8", "10.0.0.1/8: has bits behind its prefix" },
	{ "2001:db8::1/127", "2001:db8::1/127: has bits behind its prefix" },
};

static void
addresses_are_in_their_ranges(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(matches); i++) {
		struct err err = { 0 };
		struct cidr c;

		if (cidr_parse(&c, matches[i].range, &err) == -1)
			fail_msg("%s: %s", matches[i].why, err.text);
		if (cidr_match(&c, 1, matches[i].peer) != matches[i].want)
			fail_msg("%s", matches[i].why);
	}
	assert_int_equal(cidr_match(NULL, 0, "192.0.2.1"), 0);
}

static void
wrong_ranges_are_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct cidr c = { .bits = 77 };
		struct err err = { 0 };

		assert_int_equal(cidr_parse(&c, refused[i].text, &err), -1);
		assert_int_equal(err.class, ERR_CONF);
		assert_string_equal(err.text, refused[i].want);
		assert_int_equal(c.bits, 77);
	}
}

/* 10/8 and 2001:db8::/32 are trusted proxies. */
static const struct {
	const char *why, *peer, *forwarded, *want; /* NULL: refused */
} clients[] = {
	{ "no proxy", "192.0.2.1", NULL, "192.0.2.1" },
	{ "a stranger's header is not read", "192.0.2.1", "198.51.100.1",
	    "192.0.2.1" },
	{ "one proxy", "10.0.0.1", "198.51.100.1", "198.51.100.1" },
	{ "a proxy without header", "10.0.0.1", NULL, "10.0.0.1" },
	{ "an empty header", "10.0.0.1", "", "10.0.0.1" },
	{ "two proxies", "10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1" },
	{ "what the client claimed is not believed", "10.0.0.1",
	    "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.1" },
	{ "nor where it claims to be a proxy", "10.0.0.1",
	    "203.0.113.9, 10.9.9.9, 198.51.100.1", "198.51.100.1" },
	{ "all are proxies", "10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3" },
	{ "garbage ends the walk", "10.0.0.1", "198.51.100.1, x, 10.0.0.2",
	    "10.0.0.2" },
	{ "an empty entry ends it", "10.0.0.1", "198.51.100.1,", "10.0.0.1" },
	{ "unknown, as RFC 7239 has it", "10.0.0.1", "unknown", "10.0.0.1" },
	{ "blanks and tabs", "10.0.0.1", " \t198.51.100.1\t ", "198.51.100.1" },
	{ "blanks inside", "10.0.0.1", "198.51. 100.1", "10.0.0.1" },
	{ "a port", "10.0.0.1", "198.51.100.1:49152", "198.51.100.1" },
	{ "no port behind the colon", "10.0.0.1", "198.51.100.1:", "10.0.0.1" },
	{ "a port too large", "10.0.0.1", "198.51.100.1:65536", "10.0.0.1" },
	{ "IPv6", "2001:db8::1", "2A00:1450:0::5", "2a00:1450::5" },
	{ "IPv6 in brackets", "10.0.0.1", "[2a00:1450::5]", "2a00:1450::5" },
	{ "and a port", "10.0.0.1", "[2a00:1450::5]:80", "2a00:1450::5" },
	{ "an open bracket", "10.0.0.1", "[2a00:1450::5", "10.0.0.1" },
	{ "something behind the bracket", "10.0.0.1", "[2a00:1450::5]x",
	    "10.0.0.1" },
	{ "IPv4 in brackets", "10.0.0.1", "[198.51.100.1]", "10.0.0.1" },
	{ "a zone", "10.0.0.1", "fe80::1%eth0", "10.0.0.1" },
	{ "mapped peers are IPv4", "::ffff:10.0.0.1", "::ffff:198.51.100.1",
	    "198.51.100.1" },
	{ "the peer is none", "unix:", "198.51.100.1", NULL },
	{ "the peer is missing", "", "198.51.100.1", NULL },
	{ "the peer has a port", "10.0.0.1:80", "198.51.100.1", NULL },
};

static struct cidr trusted[2];

static void
clients_are_found_behind_trusted_proxies(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(clients); i++) {
		char out[CIDR_TEXT] = "before";
		const char *want = clients[i].want;
		int rc = cidr_client(out, sizeof out, clients[i].peer,
		    clients[i].forwarded, trusted, COUNT(trusted));

		if (rc != (want != NULL ? 0 : -1) ||
		    strcmp(out, want != NULL ? want : "before") != 0)
			fail_msg("%s: %d %s", clients[i].why, rc, out);
	}
}

static void
long_headers_are_no_trouble(void **state)
{
	static const char *const pieces[] = { "10.0.0.2,", ",", " ", "[", "x",
		"10.0.0.2:1,", "[::1]:1,", ":" };
	char header[8193], out[CIDR_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(pieces); i++) {
		size_t piece = strlen(pieces[i]);

		for (size_t at = 0; at < sizeof header; at++)
			header[at] = pieces[i][at % piece];
		header[sizeof header - 1] = '\0';
		assert_int_equal(cidr_client(out, sizeof out, "10.0.0.1",
				     header, trusted, COUNT(trusted)),
		    0);
	}
	assert_int_equal(cidr_client(out, 8, "10.0.0.1", NULL, NULL, 0), -1);
	assert_int_equal(cidr_client(out, 9, "10.0.0.1", NULL, NULL, 0), 0);
}

static int
trust(void **state)
{
	struct err err;

	(void)state;
	return cidr_parse(&trusted[0], "10.0.0.0/8", &err) == -1 ||
	       cidr_parse(&trusted[1], "2001:db8::/32", &err) == -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_in_their_ranges),
		cmocka_unit_test(wrong_ranges_are_explained),
		cmocka_unit_test(clients_are_found_behind_trusted_proxies),
		cmocka_unit_test(long_headers_are_no_trouble),
	};

	return cmocka_run_group_tests(tests, trust, NULL);
}
