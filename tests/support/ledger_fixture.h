/* SPDX-License-Identifier: MIT */
#ifndef LEDGER_FIXTURE_H
#define LEDGER_FIXTURE_H

#include "ledger.h"
#include "spool_fixture.h"

/*
 * A ledger of a test's own in the seen/ of a fixture's spool, and its keys.
 * Calls that cannot fail in a test fail it, but for fixture_claim(), which
 * threads and children use.
 */

struct ledger *fixture_ledger(const struct fixture *f);

/* The n-th of a test's keys, spread like digests. */
struct ledger_key fixture_key(char kind, uint64_t n);

/* 1 if it was not there and is ours, -1 where that failed. */
int fixture_claim(struct ledger *l, const struct ledger_key *key);

/* With the lock and without it, which must agree. */
int fixture_has(struct ledger *l, const struct ledger_key *key);

#endif
