/* SPDX-License-Identifier: MIT */
/*
 * Looking for many keys at once: of each generation every page is read once,
 * in the order of the file, and asked for all keys that could be in it.
 */
#include <stdlib.h>
#include <string.h>

#include "ledger_parts.h"

/* Keys in the order of their pages. */
struct by_page {
	uint32_t *order;  /* numbers of keys */
	uint32_t *starts; /* of each page in `order`, and the end */
};

/* Counts, then puts each in its place: those not found yet. */
static void
put_in_order(struct by_page *b, const struct generation *g,
    const struct ledger_key *keys, uint32_t count, const char *there)
{
	uint32_t sum = 0;

	memset(b->starts, 0, (g->pages + 1) * sizeof *b->starts);
	for (uint32_t i = 0; i < count; i++)
		b->starts[ledger_page_number(g, &keys[i])] += !there[i];
	for (uint32_t p = 0; p <= g->pages; p++) {
		sum += b->starts[p];
		b->starts[p] = sum;
	}
	for (uint32_t i = count; i-- > 0;) {
		if (!there[i])
			b->order[--b->starts[ledger_page_number(g, &keys[i])]] =
			    i;
	}
}

/* What cannot be read is not there. */
static void
look_in(const struct generation *g, struct by_page *b,
    const struct ledger_key *keys, uint32_t count, char *there)
{
	char page[LEDGER_PAGE];
	struct err unread;

	put_in_order(b, g, keys, count, there);
	for (uint32_t p = 0; p < g->pages; p++) {
		if (b->starts[p] == b->starts[p + 1] ||
		    ledger_read_page(
			g, (off_t)p * LEDGER_PAGE, page, &unread) == -1)
			continue;
		for (uint32_t n = b->starts[p]; n < b->starts[p + 1]; n++) {
			uint32_t i = b->order[n];

			there[i] = ledger_page_find(page, &keys[i]) != -1;
		}
	}
}

int
ledger_look_many(struct ledger *l, const struct ledger_key *keys,
    uint32_t count, char *there, struct err *err)
{
	struct by_page b = {
		.order = calloc((size_t)count + 1, sizeof *b.order),
		.starts = calloc(LEDGER_LARGEST + 1, sizeof *b.starts),
	};
	struct err ignored;
	int rc = -1;

	if (b.order == NULL || b.starts == NULL) {
		err_set(err, ERR_TEMP, 0, "ledger: out of memory");
		goto out;
	}
	/* Who has not locked it lately does not know of all generations. */
	if (ledger_lock(l, &ignored) == 0)
		ledger_unlock(l);
	memset(there, 0, count);
	pthread_rwlock_rdlock(&l->swap);
	for (unsigned i = l->count; i-- > 0;)
		look_in(&l->files[i], &b, keys, count, there);
	pthread_rwlock_unlock(&l->swap);
	rc = 0;
out:
	free(b.order);
	free(b.starts);
	return rc;
}
