/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "err.h"
#include "ledger_fixture.h"

struct ledger_key
fixture_key(char kind, uint64_t n)
{
	struct ledger_key key;
	uint8_t digest[16];
	uint64_t x = n * 0x9e3779b97f4a7c15u + 0x1234567;

	for (int i = 0; i < 2; i++) {
		x ^= x >> 31;
		x *= 0xbf58476d1ce4e5b9u;
		memcpy(digest + 8 * i, &x, 8);
	}
	ledger_key(&key, kind, digest);
	return key;
}

struct ledger *
fixture_ledger(const struct fixture *f)
{
	struct ledger *l;
	struct err err;

	assert_int_equal(
	    ledger_new(&l, spool_fd(f->spool, SPOOL_SEEN), 0640, &err), 0);
	return l;
}

int
fixture_claim(struct ledger *l, const struct ledger_key *key)
{
	struct err err;
	int rc;

	if (ledger_lock(l, &err) == -1)
		return -1;
	rc = ledger_find(l, key, 0, &err);
	if (rc == 0)
		rc = ledger_put(l, key, &err) == 0 ? 1 : -1;
	else if (rc == 1)
		rc = 0;
	ledger_unlock(l);
	return rc;
}

int
fixture_has(struct ledger *l, const struct ledger_key *key)
{
	uint64_t since;
	struct err err;
	int there;

	assert_int_equal(ledger_lock(l, &err), 0);
	there = ledger_find(l, key, 0, &err);
	ledger_unlock(l);
	assert_int_equal(ledger_look(l, key, 1, &since), there);
	return there;
}
